using System.Text;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Timeseries.Histograms;

public sealed partial class FloatHistogram
{
    /// <summary>As Prometheus prints it: <c>{count:3, sum:4.5, [-0.001,0.001]:1, (1,2]:2}</c>, buckets that count something only.</summary>
    public override string ToString()
    {
        var text = new StringBuilder("{count:").Append(Show(Count)).Append(", sum:").Append(Show(Sum));
        foreach (var bucket in AllBucketsUp)
        {
            if (bucket.Count != 0)
            {
                text.Append(", ")
                    .Append(bucket.LowerInclusive ? '[' : '(').Append(Show(bucket.Lower)).Append(',')
                    .Append(Show(bucket.Upper)).Append(bucket.UpperInclusive ? ']' : ')')
                    .Append(':').Append(Show(bucket.Count));
            }
        }

        return text.Append('}').ToString();
    }

    private static string Show(double value)
    {
        Span<byte> text = stackalloc byte[FloatText.MaxLength];
        return Encoding.UTF8.GetString(text[..FloatText.Format(value, text)]);
    }
}
