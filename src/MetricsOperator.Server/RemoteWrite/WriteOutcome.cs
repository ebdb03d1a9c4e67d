namespace MetricsOperator.Server.RemoteWrite;

/// <summary>What became of one write request.</summary>
internal record struct WriteOutcome
{
    public int Status { get; set; }

    /// <summary>Body of an error answer.</summary>
    public string Error { get; set; }

    public long Samples { get; set; }

    public long Histograms { get; set; }

    public long Exemplars { get; set; }

    public static WriteOutcome Failed(int status, string error) => new() { Status = status, Error = error };
}
