using System.Numerics;

namespace MetricsOperator.Fuzz.Engine;

/// <summary>Collects what a reader said into one number that tells outcomes apart.</summary>
internal struct Outcome()
{
    private ulong _value = 14695981039346656037;

    public readonly ulong Value => _value;

    public void Add(ulong value) => _value = BitOperations.RotateLeft(_value ^ value, 23) * 1099511628211;

    /// <summary>Adds the magnitude of a count.</summary>
    public void AddCount(long count) => Add((ulong)BitOperations.Log2((ulong)Math.Max(0, count) + 1));

    /// <summary>Adds a message without what varies in it: digits, hexadecimal digits, and what is quoted.</summary>
    public void AddMessage(string message)
    {
        var quoted = false;
        var taken = 0;
        foreach (var c in message)
        {
            if (c is '"' or '\'' or '`')
            {
                quoted = !quoted;
            }
            else if (!quoted && c is not (>= '0' and <= '9') and not (>= 'a' and <= 'f') and < (char)0x7F)
            {
                Add(c);
                if (++taken == 32)
                {
                    return;
                }
            }
        }
    }

    public static ulong Of(Exception exception)
    {
        var outcome = new Outcome();
        outcome.AddMessage(exception.GetType().Name);
        outcome.AddMessage(exception.Message);
        return outcome.Value;
    }
}
