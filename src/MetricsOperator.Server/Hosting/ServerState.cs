using MetricsOperator.Tsdb;

namespace MetricsOperator.Server.Hosting;

/// <summary>What the process is doing. Written by the host, read by everyone.</summary>
internal sealed class ServerState(DateTimeOffset startTime)
{
    public const string Replay = "replay";
    public const string Ready = "ready";
    public const string Stopping = "stopping";

    private volatile string _phase = Replay;
    private volatile ReplayProgress _progress = new("start", 0, 0, 0, 0);

    public DateTimeOffset StartTime { get; } = startTime;

    /// <summary>Names this life of the process.</summary>
    public string BootId { get; } = Guid.NewGuid().ToString("N");

    public string Phase
    {
        get => _phase;
        set => _phase = value;
    }

    public ReplayProgress Progress
    {
        get => _progress;
        set => _progress = value;
    }

    /// <summary>When and where the replay of this life began.</summary>
    public (DateTimeOffset Time, double Percent) FirstProgress { get; private set; } = (startTime, 0);

    /// <summary>Takes what the storage tells while it opens.</summary>
    public void Opening(ReplayProgress progress, DateTimeOffset now)
    {
        if (_progress.Phase != progress.Phase && progress.Phase == "rescue")
        {
            FirstProgress = (now, progress.Percent);
        }

        _progress = progress;
    }

    public bool IsReady => _phase == Ready;
}
