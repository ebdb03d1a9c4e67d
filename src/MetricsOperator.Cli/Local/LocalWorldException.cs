namespace MetricsOperator.Cli.Local;

/// <summary>The local world cannot do what was asked; the message is for the person at the terminal.</summary>
internal sealed class LocalWorldException : Exception
{
    public LocalWorldException(string message)
        : base(message)
    {
    }

    public LocalWorldException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
