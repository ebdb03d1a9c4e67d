using System.Globalization;
using System.Text.Json.Serialization;

namespace MetricsOperator.KubeClient.Models;

/// <summary>Which suffixes a quantity is written with.</summary>
public enum QuantityFormat : byte
{
    /// <summary>n, u, m, none, k, M, G, T, P, E.</summary>
    DecimalSI,

    /// <summary>Ki, Mi, Gi, Ti, Pi, Ei.</summary>
    BinarySI,

    /// <summary>e3, e6, ...</summary>
    DecimalExponent,
}

/// <summary>A fixed-point amount with a suffix: <c>500m</c>, <c>1.5Gi</c>, <c>1e3</c>. Equality and order are by value; text is canonical as the API server writes it.</summary>
[JsonConverter(typeof(ResourceQuantityConverter))]
public readonly struct ResourceQuantity : IEquatable<ResourceQuantity>, IComparable<ResourceQuantity>
{
    private const decimal Nano = 0.000000001m;
    private const decimal Largest = long.MaxValue;
    private static readonly string[] BinarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

    /// <param name="value">The amount; more precise than 1n is rounded away from zero, more than 2^63-1 is capped.</param>
    /// <param name="format">How it is written.</param>
    public ResourceQuantity(decimal value, QuantityFormat format = QuantityFormat.DecimalSI)
    {
        var capped = Math.Clamp(value, -Largest, Largest);
        Value = decimal.Round(capped, 9, capped < 0 ? MidpointRounding.ToNegativeInfinity : MidpointRounding.ToPositiveInfinity);
        Format = format;
    }

    /// <summary>The amount in base units (bytes, cores).</summary>
    public decimal Value { get; }

    public QuantityFormat Format { get; }

    public static bool operator ==(ResourceQuantity left, ResourceQuantity right) => left.Equals(right);

    public static bool operator !=(ResourceQuantity left, ResourceQuantity right) => !left.Equals(right);

    public static bool operator <(ResourceQuantity left, ResourceQuantity right) => left.CompareTo(right) < 0;

    public static bool operator >(ResourceQuantity left, ResourceQuantity right) => left.CompareTo(right) > 0;

    public static bool operator <=(ResourceQuantity left, ResourceQuantity right) => left.CompareTo(right) <= 0;

    public static bool operator >=(ResourceQuantity left, ResourceQuantity right) => left.CompareTo(right) >= 0;

    /// <summary>A number of bytes, written with binary suffixes.</summary>
    public static ResourceQuantity FromBytes(long bytes) => new(bytes, QuantityFormat.BinarySI);

    /// <summary>Reads a quantity.</summary>
    /// <exception cref="FormatException">The text is not a quantity.</exception>
    public static ResourceQuantity Parse(string text) => TryParse(text, out var quantity)
        ? quantity
        : throw new FormatException($"cannot parse quantity: got \"{text}\", want a number with one of the suffixes n u m k M G T P E Ki Mi Gi Ti Pi Ei e<n>");

    /// <summary>Reads a quantity; false when the text is not one.</summary>
    public static bool TryParse(string? text, out ResourceQuantity quantity)
    {
        quantity = default;
        if (string.IsNullOrEmpty(text))
        {
            return false;
        }

        var end = text[0] is '+' or '-' ? 1 : 0;
        var digits = 0;
        var dots = 0;
        for (; end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.'); end++)
        {
            if (text[end] == '.')
            {
                dots++;
            }
            else
            {
                digits++;
            }
        }

        if (digits == 0 || dots > 1 || !TryScale(text.AsSpan(end), out var scale, out var format))
        {
            return false;
        }

        if (!decimal.TryParse(text.AsSpan(0, end), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            // More digits than a decimal holds: the value is past the cap.
            number = text[0] == '-' ? -Largest : Largest;
        }

        var tooLarge = Math.Abs(number) > Largest / Math.Max(scale, Nano * Nano);
        quantity = new ResourceQuantity(tooLarge ? Math.Sign(number) * Largest : number * scale, format);
        return true;
    }

    /// <summary>The amount as a whole number, rounded up: bytes for memory and storage.</summary>
    public long ToBytes() => (long)Math.Ceiling(Value);

    /// <summary>Thousandths, rounded up: millicores for cpu.</summary>
    public long ToMillis() => Math.Abs(Value) > Largest / 1000 ? Math.Sign(Value) * long.MaxValue : (long)Math.Ceiling(Value * 1000);

    public int CompareTo(ResourceQuantity other) => Value.CompareTo(other.Value);

    public bool Equals(ResourceQuantity other) => Value == other.Value;

    public override bool Equals(object? obj) => obj is ResourceQuantity other && Equals(other);

    public override int GetHashCode() => Value.GetHashCode();

    /// <summary>The canonical text: no fraction, the largest suffix that keeps it exact.</summary>
    public override string ToString()
    {
        if (Value == 0)
        {
            return "0";
        }

        if (Format == QuantityFormat.BinarySI && decimal.IsInteger(Value) && Math.Abs(Value) >= 1024)
        {
            return Binary(Value);
        }

        var number = Value;
        var exponent = 0;
        while (!decimal.IsInteger(number))
        {
            number *= 1000;
            exponent -= 3;
        }

        while (exponent < 18 && number % 1000 == 0)
        {
            number /= 1000;
            exponent += 3;
        }

        return number.ToString("0", CultureInfo.InvariantCulture) + (Format == QuantityFormat.DecimalExponent ? ExponentSuffix(exponent) : DecimalSuffix(exponent));
    }

    private static string Binary(decimal number)
    {
        var power = 0;
        while (power < BinarySuffixes.Length - 1 && number % 1024 == 0)
        {
            number /= 1024;
            power++;
        }

        return number.ToString("0", CultureInfo.InvariantCulture) + BinarySuffixes[power];
    }

    private static string ExponentSuffix(int exponent) => exponent == 0 ? "" : "e" + exponent.ToString(CultureInfo.InvariantCulture);

    private static string DecimalSuffix(int exponent) => exponent switch
    {
        -9 => "n",
        -6 => "u",
        -3 => "m",
        0 => "",
        3 => "k",
        6 => "M",
        9 => "G",
        12 => "T",
        15 => "P",
        _ => "E",
    };

    private static bool TryScale(ReadOnlySpan<char> suffix, out decimal scale, out QuantityFormat format)
    {
        format = QuantityFormat.DecimalSI;
        switch (suffix)
        {
            case "n":
                scale = Nano;
                return true;
            case "u":
                scale = 0.000001m;
                return true;
            case "m":
                scale = 0.001m;
                return true;
            case "":
                scale = 1m;
                return true;
            case "k":
                scale = 1e3m;
                return true;
            case "M":
                scale = 1e6m;
                return true;
            case "G":
                scale = 1e9m;
                return true;
            case "T":
                scale = 1e12m;
                return true;
            case "P":
                scale = 1e15m;
                return true;
            case "E":
                scale = 1e18m;
                return true;
        }

        if (suffix.Length == 2 && suffix[1] == 'i')
        {
            format = QuantityFormat.BinarySI;
            var power = "KMGTPE".IndexOf(suffix[0], StringComparison.Ordinal) + 1;
            scale = 1L << (10 * power);
            return power > 0;
        }

        format = QuantityFormat.DecimalExponent;
        scale = 1m;
        if (suffix[0] is not ('e' or 'E')
            || !int.TryParse(suffix[1..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exponent)
            || exponent is < -18 or > 28)
        {
            return false;
        }

        for (; exponent > 0; exponent--)
        {
            scale *= 10;
        }

        for (; exponent < 0; exponent++)
        {
            scale /= 10;
        }

        return true;
    }
}
