using System.Numerics;
using System.Runtime.CompilerServices;

namespace MetricsOperator.PromQL.Engine;

/// <summary>One bit per evaluation step. Up to 64 steps live in a word, more in an array.</summary>
internal struct StepMask
{
    private readonly ulong[]? _words;
    private ulong _word;

    public StepMask(int steps)
    {
        _words = steps > 64 ? new ulong[(steps + 63) >> 6] : null;
    }

    public readonly bool this[int step]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ((_words is null ? _word : _words[step >> 6]) >> (step & 63) & 1) != 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Set(int step)
    {
        if (_words is null)
        {
            _word |= 1UL << step;
        }
        else
        {
            _words[step >> 6] |= 1UL << (step & 63);
        }
    }

    public void Clear(int step)
    {
        if (_words is null)
        {
            _word &= ~(1UL << step);
        }
        else
        {
            _words[step >> 6] &= ~(1UL << (step & 63));
        }
    }

    public void SetRange(int from, int to)
    {
        for (var i = from; i < to; i++)
        {
            if (_words is not null && (i & 63) == 0 && to - i >= 64)
            {
                _words[i >> 6] = ulong.MaxValue;
                i += 63;
            }
            else
            {
                Set(i);
            }
        }
    }

    /// <summary>The bits of steps 64 * index to 64 * index + 63, the first in the lowest bit.</summary>
    public readonly ulong Word(int index) => _words is null ? _word : _words[index];

    /// <summary>Adds steps to those of <see cref="Word"/>.</summary>
    public void OrWord(int index, ulong bits)
    {
        if (_words is null)
        {
            _word |= bits;
        }
        else
        {
            _words[index] |= bits;
        }
    }

    public readonly bool IsEmpty
    {
        get
        {
            if (_words is null)
            {
                return _word == 0;
            }

            foreach (var word in _words)
            {
                if (word != 0)
                {
                    return false;
                }
            }

            return true;
        }
    }

    public readonly int Count
    {
        get
        {
            if (_words is null)
            {
                return BitOperations.PopCount(_word);
            }

            var count = 0;
            foreach (var word in _words)
            {
                count += BitOperations.PopCount(word);
            }

            return count;
        }
    }

    /// <summary>Adds the steps of another mask of the same length.</summary>
    public void Or(in StepMask other)
    {
        if (_words is null)
        {
            _word |= other._word;
            return;
        }

        for (var i = 0; i < _words.Length; i++)
        {
            _words[i] |= other._words![i];
        }
    }

    /// <summary>Keeps the steps that another mask of the same length has.</summary>
    public void And(in StepMask other)
    {
        if (_words is null)
        {
            _word &= other._word;
            return;
        }

        for (var i = 0; i < _words.Length; i++)
        {
            _words[i] &= other._words![i];
        }
    }

    /// <summary>Removes the steps that another mask of the same length has.</summary>
    public void AndNot(in StepMask other)
    {
        if (_words is null)
        {
            _word &= ~other._word;
            return;
        }

        for (var i = 0; i < _words.Length; i++)
        {
            _words[i] &= ~other._words![i];
        }
    }

    /// <summary>True if a step is in both masks.</summary>
    public readonly bool Overlaps(in StepMask other)
    {
        if (_words is null)
        {
            return (_word & other._word) != 0;
        }

        for (var i = 0; i < _words.Length; i++)
        {
            if ((_words[i] & other._words![i]) != 0)
            {
                return true;
            }
        }

        return false;
    }
}
