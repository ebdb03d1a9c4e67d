using System.Collections.Concurrent;
using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.Server.Queries;

/// <summary>What is known of a query from its text.</summary>
/// <param name="Text">The text.</param>
/// <param name="Expression">What it says.</param>
/// <param name="Form">Its form.</param>
/// <param name="Usage">What it asks for.</param>
internal sealed record AskedQuery(string Text, Expr Expression, QueryForm Form, QueryUsage Usage);

/// <summary>Reads queries. Dashboards ask the same again and again: what was found out of a text is kept. Thread-safe.</summary>
/// <param name="syntax">What the parser accepts.</param>
internal sealed class AskedQueries(ParserOptions syntax)
{
    private const int MaxKept = 128;
    private const int MaxKeptText = 1000;

    private readonly ConcurrentDictionary<string, AskedQuery> _kept = new(StringComparer.Ordinal);

    /// <summary>Reads a query.</summary>
    /// <exception cref="ParseException">The text is not valid.</exception>
    public AskedQuery Read(string query)
    {
        if (_kept.TryGetValue(query, out var kept))
        {
            return kept;
        }

        var expression = PromQLParser.Parse(query, syntax);
        var asked = new AskedQuery(query, expression, QueryForm.Of(expression), QueryUsage.Of(expression));
        if (query.Length <= MaxKeptText)
        {
            // Starting over is simpler than an order of use, and costs one more reading of what is asked often.
            if (_kept.Count >= MaxKept)
            {
                _kept.Clear();
            }

            _kept[query] = asked;
        }

        return asked;
    }
}
