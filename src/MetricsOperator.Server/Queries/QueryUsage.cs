using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Server.Queries;

/// <summary>How one request uses a metric.</summary>
/// <param name="Metric">Name of the metric, or the matcher when it is no plain name: <c>{__name__=~"node_.*"}</c>, and <c>{}</c> when there is none.</param>
/// <param name="Labels">Labels that matchers, groupings, joins and functions name.</param>
/// <param name="AllLabels">True when every label counts: it reaches the answer, or series find each other by it.</param>
internal sealed record MetricUse(string Metric, IReadOnlyList<string> Labels, bool AllLabels);

/// <summary>Which metrics and labels a request asks for.</summary>
/// <param name="IsIgnored">True when the request says that it is no use: a selector has a matcher on <c>__ignore_usage__</c>.</param>
/// <param name="Uses">One per metric.</param>
internal sealed record QueryUsage(bool IsIgnored, IReadOnlyList<MetricUse> Uses)
{
    /// <summary>A matcher on this label, such as <c>__ignore_usage__=""</c>, changes no answer and marks the request as no use.</summary>
    public const string IgnoreLabel = "__ignore_usage__";

    /// <summary>What is asked for when there is no name at all.</summary>
    public const string AnyMetric = "{}";

    /// <summary>What an expression asks for.</summary>
    public static QueryUsage Of(Expr expression)
    {
        var walk = new Walk();
        walk.Visit(expression, [], allLabels: true);
        return walk.Result();
    }

    /// <summary>What selectors ask for.</summary>
    /// <param name="selectors">The matchers of each.</param>
    /// <param name="label">A label that is asked for; null for none.</param>
    /// <param name="allLabels">True when all labels are.</param>
    public static QueryUsage Of(IReadOnlyList<IReadOnlyList<LabelMatcher>> selectors, string? label, bool allLabels)
    {
        var walk = new Walk();
        foreach (var matchers in selectors)
        {
            walk.Add(matchers, label is null ? [] : [label], allLabels);
        }

        return walk.Result();
    }

    private sealed class Walk
    {
        private readonly List<MetricUse> _uses = [];
        private bool _isIgnored;

        // A request that names a metric twice is one use.
        public QueryUsage Result() => new(
            _isIgnored,
            [.. _uses.GroupBy(u => u.Metric, StringComparer.Ordinal).Select(g => new MetricUse(
                g.Key, [.. g.SelectMany(u => u.Labels).Distinct(StringComparer.Ordinal)], g.Any(u => u.AllLabels)))]);

        public void Add(IReadOnlyList<LabelMatcher> matchers, IEnumerable<string> labels, bool allLabels)
        {
            _isIgnored |= matchers.Any(m => m.Name == IgnoreLabel);
            string[] named = [.. matchers.Select(m => m.Name).Where(n => n is not (LabelNames.MetricName or IgnoreLabel)).Concat(labels).Distinct(StringComparer.Ordinal)];
            foreach (var metric in Metrics(matchers))
            {
                _uses.Add(new MetricUse(metric, named, allLabels));
            }
        }

        /// <param name="node">An expression.</param>
        /// <param name="labels">Labels of its series that what is around it names.</param>
        /// <param name="allLabels">True when all labels of its series count.</param>
        public void Visit(Expr node, IReadOnlyList<string> labels, bool allLabels)
        {
            switch (node)
            {
                case VectorSelector selector:
                    Add(selector.Matchers, labels, allLabels);
                    break;
                case AggregateExpr aggregate:
                    Aggregation(aggregate, labels, allLabels);
                    break;
                case BinaryExpr { Matching: { } matching } binary:
                    Join(binary, matching, labels, allLabels);
                    break;
                case CallExpr call:
                    Call(call, labels, allLabels);
                    break;
                default:
                    foreach (var child in node.Children)
                    {
                        Visit(child, labels, allLabels);
                    }

                    break;
            }
        }

        // A name that is an alternation of names is those names.
        private static IReadOnlyList<string> Metrics(IReadOnlyList<LabelMatcher> matchers)
        {
            var names = matchers.Where(m => m.Name == LabelNames.MetricName && !m.IsNegative).ToList();
            return names.Find(m => m.Type == MatchType.Equal && m.Value.Length > 0) is { } exact ? [exact.Value]
                : names.Find(m => m.LiteralAlternatives is { Count: > 0 })?.LiteralAlternatives is { } alternatives ? alternatives
                : names.Count > 0 ? [$"{{{names[0]}}}"]
                : [AnyMetric];
        }

        private void Aggregation(AggregateExpr aggregate, IReadOnlyList<string> labels, bool allLabels)
        {
            if (aggregate.Parameter is not null)
            {
                Visit(aggregate.Parameter, [], allLabels: false);
            }

            var keepsSeries = aggregate.Operator is AggregateOperator.TopK or AggregateOperator.BottomK or AggregateOperator.LimitK or AggregateOperator.LimitRatio;
            if (aggregate.Without)
            {
                // Groups are by all labels but these.
                Visit(aggregate.Operand, [.. labels.Where(l => keepsSeries || !aggregate.Grouping.Contains(l, StringComparer.Ordinal))], allLabels: true);
            }
            else if (keepsSeries)
            {
                Visit(aggregate.Operand, [.. labels, .. aggregate.Grouping], allLabels);
            }
            else
            {
                Visit(aggregate.Operand, aggregate.Grouping, allLabels: false);
            }
        }

        private void Join(BinaryExpr binary, VectorMatching matching, IReadOnlyList<string> labels, bool allLabels)
        {
            if (!matching.On)
            {
                // Series find each other by all labels but a few.
                Visit(binary.Left, [.. labels, .. matching.Include], allLabels: true);
                Visit(binary.Right, [.. labels, .. matching.Include], allLabels: true);
                return;
            }

            // Only the labels of one side, if of any, reach the result whole.
            string[] joined = [.. matching.Labels, .. matching.Include];
            var leftWhole = allLabels && (matching.Cardinality is MatchCardinality.ManyToOne || binary.Operator.IsSetOperator());
            var rightWhole = allLabels && (matching.Cardinality is MatchCardinality.OneToMany || binary.Operator == BinaryOperator.Or);
            Visit(binary.Left, [.. labels, .. joined], leftWhole);
            Visit(binary.Right, [.. labels, .. joined], rightWhole);
        }

        private void Call(CallExpr call, IReadOnlyList<string> labels, bool allLabels)
        {
            var (first, count) = call.Function.Name switch
            {
                "label_replace" => (3, 1),
                "label_join" => (3, int.MaxValue),
                "sort_by_label" or "sort_by_label_desc" => (1, int.MaxValue),
                _ => (0, 0),
            };
            IEnumerable<string> named = call.Function.Name is "histogram_quantile" or "histogram_fraction" or "histogram_quantiles"
                ? ["le"]
                : call.Arguments.Skip(first).Take(count).OfType<StringLiteral>().Select(s => s.Value);
            string[] inner = [.. labels, .. named];
            var whole = allLabels && call.Function.Name is not ("scalar" or "absent" or "absent_over_time");
            foreach (var argument in call.Arguments)
            {
                Visit(argument, inner, whole);
            }
        }
    }
}
