namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>
/// How long a container that ended waits before it is started again: not at all after the first end, then 10, 20, 40, 80, 160 and at most 300 s; a run
/// of ten minutes starts the series over. The scale shortens every time (tests), but not what the message says a kubelet would wait.
/// </summary>
internal sealed class CrashBackoff(double scale)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(300);
    private static readonly TimeSpan CalmAfter = TimeSpan.FromMinutes(10);

    private int _ends;

    /// <summary>The wait in force, unscaled; zero before the second end.</summary>
    public TimeSpan Nominal { get; private set; }

    /// <summary>The wait in force, scaled.</summary>
    public TimeSpan Actual => Nominal * scale;

    /// <summary>Counts an end of the container and sets the wait before its next start.</summary>
    /// <param name="ran">How long the container had run.</param>
    public void RecordEnd(TimeSpan ran)
    {
        if (ran >= CalmAfter * scale)
        {
            _ends = 0;
        }

        _ends++;
        Nominal = _ends == 1 ? TimeSpan.Zero : TimeSpan.FromTicks(Math.Min(First.Ticks << Math.Min(_ends - 2, 20), Longest.Ticks));
    }
}
