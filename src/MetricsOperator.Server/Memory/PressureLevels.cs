namespace MetricsOperator.Server.Memory;

/// <summary>How short of memory the process is, and so what it does about it. Each level includes those before it.</summary>
internal enum PressureLevel
{
    /// <summary>Enough.</summary>
    Calm,

    /// <summary>Optional work waits; the head is written to blocks early.</summary>
    Elevated,

    /// <summary>New queries are refused when it is queries that fill the heap; then the one that runs longest is cancelled.</summary>
    High,

    /// <summary>Of what is left each target and family of metrics gets a share.</summary>
    Critical,

    /// <summary>No new series but protected ones.</summary>
    Full,
}

/// <summary>Turns a pressure into a level: up at once, down only when the pressure is well below, so that it does not flap.</summary>
internal sealed class PressureLevels
{
    private static readonly double[] Enter = [0, 0.80, 0.85, 0.90, 0.96];
    private static readonly double[] Leave = [0, 0.70, 0.77, 0.82, 0.90];

    public PressureLevel Level { get; private set; }

    /// <summary>Takes the newest pressure, 1 at the limit.</summary>
    /// <returns>True if the level changed.</returns>
    public bool Update(double pressure)
    {
        var before = Level;
        var level = (int)Level;
        while (level < (int)PressureLevel.Full && pressure >= Enter[level + 1])
        {
            level++;
        }

        while (level > 0 && pressure < Leave[level])
        {
            level--;
        }

        Level = (PressureLevel)level;
        return Level != before;
    }
}
