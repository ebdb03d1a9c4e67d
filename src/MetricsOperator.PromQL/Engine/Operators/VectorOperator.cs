using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Engine.Operators;

/// <summary>
/// Arithmetic and comparisons between two vectors. Series are paired once by their match keys; uniqueness is checked at the steps
/// where series are present, because a key may be held by different series at different times. Of the "many" side one series is held at a time.
/// </summary>
internal sealed class VectorOperator
{
    private readonly Evaluator _evaluator;
    private readonly BinaryExpr _binary;
    private readonly VectorMatching _matching;
    private readonly LabelProjection _projection;
    private readonly LabelProjection _resultLabels;
    private readonly LabelSetBuilder _labels = new();
    private readonly bool _swapped;
    private readonly ElementOperator _element;

    // The "one" side by match key.
    private readonly LabelIndex _keys = new();
    private readonly List<List<Column>> _oneSide = [];

    // Steps at which series of the "one" side have the same match key, with an example of each: an error once the other side has anything at such a step.
    private readonly List<(Column Column, Column Other, StepMask Steps)> _duplicates = [];
    private readonly List<StepMask> _oneSideSteps = [];

    // Results by match key (one-to-one) or by match key and labels (grouped), to notice a second match at a step.
    private readonly List<StepMask?> _matched = [];
    private readonly Dictionary<(int Key, LabelSet Labels), StepMask> _groupMatched = [];

    private VectorOperator(Evaluator evaluator, BinaryExpr binary)
    {
        _evaluator = evaluator;
        _binary = binary;
        _matching = binary.Matching!;
        _projection = MatchKey.Projection(_matching);
        _resultLabels = _matching.On ? LabelProjection.Keeping(_matching.Labels) : LabelProjection.Dropping(_matching.Labels);
        _swapped = _matching.Cardinality == MatchCardinality.OneToMany;
        _element = new ElementOperator(binary.Operator, binary.Position, evaluator.Query.Annotations);
    }

    /// <exception cref="QueryExecutionException">Several series match where one is allowed.</exception>
    public static IEnumerable<Column> Evaluate(Evaluator evaluator, BinaryExpr binary) =>
        ColumnMerger.Merge(evaluator, new VectorOperator(evaluator, binary).Run());

    private IEnumerable<Column> Run()
    {
        var (many, one) = _swapped ? (_binary.Right, _binary.Left) : (_binary.Left, _binary.Right);
        IndexOneSide(_evaluator.Vector(one));
        foreach (var column in _evaluator.Stream(many))
        {
            _evaluator.Query.Budget.ThrowIfStopped();
            RequireUniqueOneSide(column);
            var key = _keys.Find(_projection.Pick(column.Labels, _evaluator.Query.HidesReserved(column)));
            for (var i = 0; key >= 0 && i < _oneSide[key].Count; i++)
            {
                if (Match(column, _oneSide[key][i], key) is { } result)
                {
                    yield return result;
                }
            }

            _evaluator.Query.Budget.Release(column);
        }

        foreach (var column in _oneSide.SelectMany(c => c))
        {
            _evaluator.Query.Budget.Release(column);
        }
    }

    private void IndexOneSide(List<Column> one)
    {
        foreach (var column in one)
        {
            var key = _keys.GetOrAdd(_projection.Pick(column.Labels, _evaluator.Query.HidesReserved(column)), out var isNew);
            if (isNew)
            {
                _oneSide.Add([]);
                _oneSideSteps.Add(new StepMask(column.Steps));
                _matched.Add(null);
            }

            var steps = column.Occupied();
            if (_oneSideSteps[key].Overlaps(steps))
            {
                NoteDuplicates(column, _oneSide[key]);
            }

            steps.Or(_oneSideSteps[key]);
            _oneSideSteps[key] = steps;
            _oneSide[key].Add(column);
        }
    }

    private void NoteDuplicates(Column column, List<Column> others)
    {
        foreach (var other in others)
        {
            var steps = column.Occupied();
            steps.And(other.Occupied());
            foreach (var known in _duplicates)
            {
                steps.AndNot(known.Steps);
            }

            if (!steps.IsEmpty)
            {
                _duplicates.Add((column, other, steps));
            }
        }
    }

    // Steps at which the other side has nothing are not matched at all, so that a duplicate does no harm there.
    private void RequireUniqueOneSide(Column many)
    {
        foreach (var (column, other, steps) in _duplicates)
        {
            if (steps.Overlaps(many.Occupied()))
            {
                throw DuplicateOnOneSide(column, other);
            }
        }
    }

    private QueryExecutionException DuplicateOnOneSide(Column column, Column other)
    {
        var side = _swapped ? "left" : "right";
        var labels = _evaluator.Query.VisibleLabels(column);
        var group = (_matching.On ? LabelProjection.Keeping(_matching.Labels) : LabelProjection.Dropping([.. _matching.Labels, LabelNames.MetricName]))
            .ToLabels(labels, hideReserved: false);
        return new QueryExecutionException(
            $"found duplicate series for the match group {group} on the {side} hand-side of the operation: "
            + $"[{labels}, {_evaluator.Query.VisibleLabels(other)}];many-to-many matching not allowed: matching labels must be unique on one side");
    }

    // Null when the two are never present together, or the comparison never holds.
    private Column? Match(Column many, Column one, int key)
    {
        var result = new Column(LabelSet.Empty, many.Steps);
        Compute(_swapped ? one : many, _swapped ? many : one, result);
        if (result.IsEmpty)
        {
            result.Release();
            return null;
        }

        result.Labels = ResultLabels(many, one);
        var dropReserved = _binary.ReturnBool || !_binary.Operator.IsComparison();
        if (dropReserved && !(_binary.ReturnBool && _evaluator.Query.DelayedNameRemoval))
        {
            result.Labels = LabelProjection.WithoutReserved(result.Labels);
        }

        result.DropName = dropReserved || (many.DropName && _evaluator.Query.DelayedNameRemoval);
        CheckUnique(result, key);
        _evaluator.Query.Budget.Charge(result);
        return result;
    }

    private void Compute(Column left, Column right, Column result)
    {
        var op = _binary.Operator;
        var leftValues = left.Values;
        var rightValues = right.Values;
        var plain = left.Histograms is null && right.Histograms is null;
        for (var i = 0; i < result.Steps; i++)
        {
            if (left.Present[i] && right.Present[i])
            {
                var holds = FloatOperator.Holds(op, leftValues[i], rightValues[i]);
                if (_binary.ReturnBool)
                {
                    result.Set(i, holds ? 1 : 0);
                }
                else if (holds)
                {
                    result.Set(i, FloatOperator.Compute(op, leftValues[i], rightValues[i]));
                }
            }
            else if (!plain && left.Has(i) && right.Has(i)
                && _element.TryApply(leftValues[i], left.HistogramAt(i), rightValues[i], right.HistogramAt(i), out var histogram, out var keep))
            {
                Store(result, i, histogram, keep);
            }
        }
    }

    private void Store(Column result, int step, FloatHistogram? histogram, bool keep)
    {
        if (_binary.ReturnBool)
        {
            result.Set(step, keep ? 1 : 0);
        }
        else if (keep)
        {
            result.Set(step, histogram!);
        }
    }

    private LabelSet ResultLabels(Column many, Column one)
    {
        var labels = _evaluator.Query.VisibleLabels(many);
        if (_binary.Operator.IsComparison() is false)
        {
            labels = LabelProjection.WithoutReserved(labels);
        }

        if (_matching.Cardinality == MatchCardinality.OneToOne)
        {
            labels = _resultLabels.ToLabels(labels, hideReserved: false);
        }

        if (_matching.Include.Count == 0)
        {
            return labels;
        }

        _labels.Reset(labels);
        var source = _evaluator.Query.VisibleLabels(one);
        foreach (var name in _matching.Include)
        {
            _labels.Set(name, source.Get(name));
        }

        return _labels.Build();
    }

    private void CheckUnique(Column result, int key)
    {
        var steps = result.Occupied();
        if (_matching.Cardinality == MatchCardinality.OneToOne)
        {
            if (_matched[key] is { } taken)
            {
                if (taken.Overlaps(steps))
                {
                    throw new QueryExecutionException(
                        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
                }

                steps.Or(taken);
            }

            _matched[key] = steps;
            return;
        }

        if (_groupMatched.TryGetValue((key, result.Labels), out var group))
        {
            if (group.Overlaps(steps))
            {
                throw new QueryExecutionException("multiple matches for labels: grouping labels must ensure unique matches");
            }

            steps.Or(group);
        }

        _groupMatched[(key, result.Labels)] = steps;
    }
}
