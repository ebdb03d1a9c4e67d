using System.Buffers;
using System.Text;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Timeseries.Exposition;

public ref partial struct ExpositionReader
{
    private bool CopyLabels(scoped ref LabelScanner scanner, LabelSetBuilder into)
    {
        while (scanner.Next())
        {
            if (scanner.IsMetricName)
            {
                continue;
            }

            var name = scanner.Name;
            var isBound = (_normalization == LabelNormalization.Bucket && name.SequenceEqual("le"u8))
                || (_normalization == LabelNormalization.Quantile && name.SequenceEqual("quantile"u8));
            var isNew = isBound && FloatText.TryParse(scanner.Value, out var bound)
                ? SetBound(into, name, bound)
                : SetUnescaped(into, name, scanner.Value);
            if (!isNew)
            {
                SetError($"label name \"{Encoding.UTF8.GetString(name)}\" is not unique", scanner.Position);
                return false;
            }
        }

        return true;
    }

    private static bool SetBound(LabelSetBuilder into, ReadOnlySpan<byte> name, double bound)
    {
        Span<byte> text = stackalloc byte[FloatText.MaxLength];
        return SetNew(into, name, text[..FloatText.FormatWithPoint(bound, text)]);
    }

    private static bool SetUnescaped(LabelSetBuilder into, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (!name.Contains((byte)'\\') && !value.Contains((byte)'\\'))
        {
            return SetNew(into, name, value);
        }

        var rented = ArrayPool<byte>.Shared.Rent(name.Length + value.Length);
        try
        {
            var nameLength = EscapedText.Unescape(name, quotes: true, rented);
            var valueLength = EscapedText.Unescape(value, quotes: true, rented.AsSpan(nameLength));
            return SetNew(into, rented.AsSpan(0, nameLength), rented.AsSpan(nameLength, valueLength));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static bool SetNew(LabelSetBuilder into, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (!into.GetUtf8(name).IsEmpty)
        {
            return false;
        }

        into.Set(name, value);
        return true;
    }
}
