using System.Diagnostics;

namespace MetricsOperator.Fuzz.Engine;

/// <summary>Runs one target on a thread of its own, watched by the calling thread.</summary>
public sealed class Fuzzer(FuzzTarget target, FuzzOptions options)
{
    private const int MaxFailures = 20;
    private const int MaxSeeds = 5000;

    /// <summary>As small as the stack of a thread of the server's pool.</summary>
    private const int StackBytes = 1536 * 1024;

    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly List<FuzzFailure> _failures = [];
    private readonly HashSet<ulong> _outcomes = [];
    private readonly HashSet<ulong> _problems = [];
    private readonly Stopwatch _clock = new();
    private ReadOnlyMemory<byte> _input;
    private Exception? _crash;
    private volatile bool _stop;
    private TimeSpan _cpuAtStart;
    private long _done;
    private long _maxAllocated;
    private int _outcomeCount;

    /// <summary>Runs until the inputs or the time are used up, or an input hangs.</summary>
    public FuzzResult Run()
    {
        var seeds = target.Seeds();
        _clock.Start();
        _cpuAtStart = Environment.CpuUsage.TotalTime;
        var worker = new Thread(() => Work(seeds), StackBytes) { IsBackground = true, Name = "fuzz " + target.Name };
        worker.Start();
        var (lastDone, lastChange, lastProgress) = (-1L, TimeSpan.Zero, TimeSpan.Zero);
        while (!worker.Join(50))
        {
            var now = _clock.Elapsed;
            var done = Interlocked.Read(ref _done);
            if (done != lastDone)
            {
                (lastDone, lastChange) = (done, now);
            }
            else if (now - lastChange > options.HangLimit)
            {
                // The thread cannot be ended; it is left behind with its input.
                _stop = true;
                Report(new FuzzFailure(target.Name, $"hangs: no end after {options.HangLimit.TotalSeconds} s", _input.ToArray(), options.Seed, done));
                return Result();
            }

            _stop |= options.TimeLimit != Timeout.InfiniteTimeSpan && now > options.TimeLimit;
            if (now - lastProgress > ProgressEvery)
            {
                lastProgress = now;
                options.Progress?.Invoke(Result());
            }
        }

        return _crash is null ? Result() : throw new InvalidOperationException($"the fuzzer itself failed on {target.Name}: {_crash.Message}", _crash);
    }

    private void Work(IReadOnlyList<byte[]> seeds)
    {
        try
        {
            using var current = options.Folder is null ? null : new CurrentInput(Path.Combine(options.Folder, $"{target.Name}.current"));
            var mutator = new Mutator(new FuzzRandom(options.Seed), target);
            foreach (var seed in seeds.TakeWhile(_ => !_stop))
            {
                // Twice, so that what is allocated once for all is not counted.
                target.IsDocumented(new InvariantException(string.Empty));
                Try(seed, current, mutator, isWarm: false);
                Try(seed, current, mutator, isWarm: true);
            }

            foreach (var seed in seeds)
            {
                mutator.AddSeed(seed);
            }

            var wanted = Math.Max(1, options.Inputs / target.Cost);
            while (!_stop && _done < wanted && _failures.Count < MaxFailures)
            {
                Try(mutator.Next(), current, mutator, isWarm: true);
            }
        }
        catch (Exception e)
        {
            _crash = e;
        }
    }

    private void Try(ReadOnlyMemory<byte> input, CurrentInput? current, Mutator mutator, bool isWarm)
    {
        _input = input;
        current?.Set(input.Span);
        var trial = Trial.Of(target, input);
        Interlocked.Increment(ref _done);
        if (!isWarm)
        {
            return;
        }

        _maxAllocated = Math.Max(_maxAllocated, trial.Allocated);
        if (trial.Problem is not null)
        {
            if (_problems.Add(trial.ProblemKey))
            {
                var number = _done;
                var small = Minimizer.Shrink(target, input.ToArray(), trial.ProblemKey);
                Report(new FuzzFailure(target.Name, Trial.Of(target, small).Problem ?? trial.Problem, small, options.Seed, number));
            }
        }
        else if (_outcomes.Add(trial.Signature))
        {
            _outcomeCount = _outcomes.Count;
            if (mutator.SeedCount < MaxSeeds)
            {
                mutator.AddSeed(input.Span);
            }
        }
    }

    private void Report(FuzzFailure failure)
    {
        lock (_gate)
        {
            _failures.Add(failure);
            if (options.Folder is not null)
            {
                File.WriteAllText(Path.Combine(options.Folder, $"{target.Name}-{options.Seed}-{failure.InputNumber}.txt"), failure + Environment.NewLine);
            }
        }
    }

    private FuzzResult Result()
    {
        lock (_gate)
        {
            return new FuzzResult(target.Name, Interlocked.Read(ref _done), _clock.Elapsed, Environment.CpuUsage.TotalTime - _cpuAtStart, _outcomeCount, _maxAllocated, target.Bound, [.. _failures]);
        }
    }
}
