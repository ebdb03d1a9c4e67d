namespace MetricsOperator.Timeseries.RemoteWrite;

/// <summary>Metric types by their number in remote write 1.0 and 2.0, which agree.</summary>
internal static class MetricTypes
{
    private static readonly string[] Names = ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"];

    public static string NameOf(ulong number) => number < (ulong)Names.Length ? Names[number] : Names[0];

    public static int NumberOf(string name) => Math.Max(0, Array.IndexOf(Names, name));
}
