using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Functions;

/// <summary>label_replace and label_join.</summary>
internal static class LabelFunctions
{
    public static IEnumerable<Column> Replace(FunctionCall call)
    {
        var destination = call.Text(1);
        var source = call.Text(3);
        var regex = Compile(call.Text(4));
        if (!IsValidName(destination))
        {
            throw new QueryExecutionException($"invalid destination label name in label_replace(): {Show(destination)}");
        }

        var replacement = new ReplacementTemplate(call.Text(2));
        return SetLabel(call, destination, labels => regex.Expand(labels.Get(source), replacement));
    }

    public static IEnumerable<Column> Join(FunctionCall call)
    {
        var destination = call.Text(1);
        var separator = call.Text(2);
        var sources = Enumerable.Range(3, call.ArgumentCount - 3).Select(call.Text).ToArray();
        if (!IsValidName(destination))
        {
            throw new QueryExecutionException($"invalid destination label name in label_join(): {Show(destination)}");
        }

        if (Array.Find(sources, s => !IsValidName(s)) is { } invalid)
        {
            throw new QueryExecutionException($"invalid source label name in label_join(): {Show(invalid)}");
        }

        return SetLabel(call, destination, labels => string.Join(separator, sources.Select(labels.Get)));
    }

    /// <summary>True for a name a label may have: any UTF-8 text that is not empty.</summary>
    public static bool IsValidName(string name) => name.Length > 0 && StringLiterals.IsValidUtf8(name);

    private static List<Column> SetLabel(FunctionCall call, string destination, Func<LabelSet, string?> compute)
    {
        var columns = call.Vector(0);
        foreach (var column in columns)
        {
            var labels = call.Query.VisibleLabels(column);
            if (compute(labels) is { } value)
            {
                column.Labels = new LabelSetBuilder(labels).Set(destination, value).Build();
                if (destination == LabelNames.MetricName)
                {
                    column.DropName = false;
                }
                else if (!call.Query.DelayedNameRemoval)
                {
                    // The dropped labels are gone from the new set already; what was set now is to stay.
                    column.DropName = false;
                }
            }
        }

        var seen = new HashSet<LabelSet>();
        foreach (var column in columns)
        {
            if (!seen.Add(call.Query.VisibleLabels(column)))
            {
                throw new QueryExecutionException("vector cannot contain metrics with the same labelset");
            }
        }

        return columns;
    }

    private static AnchoredRegex Compile(string pattern)
    {
        try
        {
            return new AnchoredRegex(pattern);
        }
        catch (ArgumentException)
        {
            throw new QueryExecutionException($"invalid regular expression in label_replace(): {Show(pattern)}");
        }
    }

    private static string Show(string name) => StringLiterals.IsValidUtf8(name) ? name : StringLiterals.Quote(name)[1..^1];
}
