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

    public bool IsReady => _phase == Ready;
}
