using System.Runtime.InteropServices;
using System.Text;
using MetricsOperator.Timeseries.Hashing;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// Decides which new series the head accepts when memory is short, so that what grows without end is stopped while restarted pods, new
/// targets and protected metrics still get in. Siblings (buckets, sum and count of one histogram) share one fate. Not thread-safe: the
/// head's lock guards it.
/// </summary>
internal sealed class SeriesAdmission
{
    private const int MaxTargets = 20_000;
    private const int MaxFamilies = 50_000;

    /// <summary>Families are told apart only to show them up to here, so that the rest is left for those that may get in.</summary>
    private const int MaxRefusedFamilies = 5000;
    private const int MaxJobs = 1000;
    private const int RecentSlots = 1 << 14;

    /// <summary>Parts of what is left that one target, and one family of it, may take in an episode.</summary>
    private const int TargetShare = 8;
    private const int FamilyShare = 32;
    private const int MinTargetSeries = 200;
    private const int MinFamilySeries = 50;

    private static readonly byte[] Job = "job"u8.ToArray();
    private static readonly byte[] Instance = "instance"u8.ToArray();

    private readonly Dictionary<ulong, int> _targets = [];
    private readonly Dictionary<ulong, Family> _families = [];
    private readonly Dictionary<string, long[]> _refusedByJob = new(StringComparer.Ordinal);
    private readonly Dictionary<ulong, bool> _protectedNames = [];

    /// <summary>The newest decisions by hash of what siblings share: the upper bits of the hash, and whether they are in.</summary>
    private ulong[]? _recent;
    private long _targetAllowance;
    private long _familyAllowance;
    private long _admitted;

    /// <summary>What is accepted now.</summary>
    public SeriesAdmissionLevel Level { get; private set; }

    /// <summary>Count what would be refused, and accept it.</summary>
    public bool IsObserving { get; set; }

    /// <summary>Bytes that the head may use; 0 for no limit.</summary>
    public long CapBytes { get; set; }

    /// <summary>True for metrics that are accepted as long as there is any memory at all.</summary>
    public Func<string, bool>? IsProtected { get; set; }

    /// <summary>Series accepted while not everything was.</summary>
    public long AdmittedUnderPressure => _admitted;

    /// <summary>Changes the level.</summary>
    /// <param name="level">What is accepted from here on.</param>
    /// <param name="headBytes">Bytes in use.</param>
    /// <param name="seriesCount">Series in the head.</param>
    public void SetLevel(SeriesAdmissionLevel level, long headBytes, long seriesCount)
    {
        if (Level == SeriesAdmissionLevel.Open && level != SeriesAdmissionLevel.Open)
        {
            var bytesPerSeries = seriesCount == 0 ? 500 : Math.Clamp(headBytes / seriesCount, 200, 5000);
            var left = Math.Max(0, CapBytes - headBytes) / bytesPerSeries;
            _targetAllowance = Math.Max(MinTargetSeries, left / TargetShare);
            _familyAllowance = Math.Max(MinFamilySeries, left / FamilyShare);
            _recent = new ulong[RecentSlots];
        }
        else if (level == SeriesAdmissionLevel.Open)
        {
            // The next episode judges anew.
            _targets.Clear();
            _families.Clear();
            _recent = null;
        }

        Level = level;
    }

    /// <summary>Whether a new series may be created.</summary>
    /// <param name="labels">Its labels.</param>
    /// <param name="headBytes">Bytes in use.</param>
    public bool Admit(LabelSet labels, long headBytes)
    {
        if (CapBytes > 0 && headBytes >= CapBytes)
        {
            return Refuse(labels, Reason.Budget);
        }

        if (Level == SeriesAdmissionLevel.Open)
        {
            return true;
        }

        if (IsProtectedName(labels.GetUtf8(LabelNames.MetricNameUtf8)))
        {
            _admitted++;
            return true;
        }

        if (Level == SeriesAdmissionLevel.Closed)
        {
            return Refuse(labels, Reason.Budget);
        }

        if (!FairlyAdmit(labels))
        {
            return Refuse(labels, Reason.FairShare);
        }

        _admitted++;
        return true;
    }

    /// <summary>What was refused since the start.</summary>
    public IReadOnlyList<RefusedSeries> Refused() => _refusedByJob
        .SelectMany(j => j.Value.Select((count, reason) => new RefusedSeries(j.Key, NameOf((Reason)reason), count)))
        .Where(r => r.Count > 0)
        .OrderByDescending(r => r.Count)
        .ThenBy(r => r.Job, StringComparer.Ordinal)
        .ToList();

    /// <summary>The families that were refused most in this episode.</summary>
    public IReadOnlyList<RefusedFamily> RefusedFamilies(int limit) => _families.Values
        .Where(f => f.Refused > 0)
        .OrderByDescending(f => f.Refused)
        .Take(limit)
        .Select(f => new RefusedFamily(f.Job, f.Instance, f.Name, f.Refused))
        .ToList();

    /// <summary>The name of the family of a metric: without what histograms and summaries append.</summary>
    internal static ReadOnlySpan<byte> FamilyOf(ReadOnlySpan<byte> metric)
    {
        if (metric.EndsWith("_bucket"u8))
        {
            return metric[..^"_bucket".Length];
        }

        return metric.EndsWith("_count"u8) ? metric[..^"_count".Length] : metric.EndsWith("_sum"u8) ? metric[..^"_sum".Length] : metric;
    }

    private static string NameOf(Reason reason) => reason == Reason.FairShare ? "fair-share" : "budget";

    private bool FairlyAdmit(LabelSet labels)
    {
        var name = FamilyOf(labels.GetUtf8(LabelNames.MetricNameUtf8));
        var target = TargetOf(labels);
        var siblings = SiblingHash(labels, name);
        ref var recent = ref _recent![siblings & (RecentSlots - 1)];
        var tag = siblings & ~1UL;
        if ((recent & ~1UL) == tag)
        {
            if ((recent & 1) == 0)
            {
                return false;
            }
        }
        else
        {
            var isIn = Taken(target) < _targetAllowance && FindFamily(target, name, MaxFamilies) is { } wanted && wanted.Admitted < _familyAllowance;
            recent = tag | (isIn ? 1UL : 0);
            if (!isIn)
            {
                return false;
            }
        }

        if (FindFamily(target, name, MaxFamilies) is { } family)
        {
            family.Admitted++;
        }

        if (_targets.Count < MaxTargets || _targets.ContainsKey(target))
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_targets, target, out _)++;
        }

        return true;
    }

    private static ulong TargetOf(LabelSet labels) => Combine(StableHash.Hash64(labels.GetUtf8(Job)), StableHash.Hash64(labels.GetUtf8(Instance)));

    /// <summary>The account of a family of a target; null when there are <paramref name="most"/> already, which is a flood of names.</summary>
    private Family? FindFamily(ulong target, ReadOnlySpan<byte> name, int most)
    {
        var key = Combine(target, StableHash.Hash64(name));
        if (!_families.TryGetValue(key, out var family) && _families.Count < most)
        {
            _families[key] = family = new Family();
        }

        return family;
    }

    private int Taken(ulong target) => _targets.TryGetValue(target, out var taken) ? taken : _targets.Count < MaxTargets ? 0 : int.MaxValue;

    private bool Refuse(LabelSet labels, Reason reason)
    {
        var job = Encoding.UTF8.GetString(labels.GetUtf8(Job));
        if (!_refusedByJob.TryGetValue(job, out var counts))
        {
            job = _refusedByJob.Count < MaxJobs ? job : "other";
            if (!_refusedByJob.TryGetValue(job, out counts))
            {
                _refusedByJob[job] = counts = new long[2];
            }
        }

        counts[(int)reason]++;
        CountFamily(labels);
        return IsObserving;
    }

    private void CountFamily(LabelSet labels)
    {
        var name = FamilyOf(labels.GetUtf8(LabelNames.MetricNameUtf8));
        if (FindFamily(TargetOf(labels), name, MaxRefusedFamilies) is { } family && family.Refused++ == 0)
        {
            family.Job = Encoding.UTF8.GetString(labels.GetUtf8(Job));
            family.Instance = Encoding.UTF8.GetString(labels.GetUtf8(Instance));
            family.Name = Encoding.UTF8.GetString(name);
        }
    }

    private bool IsProtectedName(ReadOnlySpan<byte> name)
    {
        if (IsProtected is null)
        {
            return false;
        }

        var hash = StableHash.Hash64(name);
        if (!_protectedNames.TryGetValue(hash, out var isProtected))
        {
            isProtected = IsProtected(Encoding.UTF8.GetString(name));
            if (_protectedNames.Count < MaxFamilies)
            {
                _protectedNames[hash] = isProtected;
            }
        }

        return isProtected;
    }

    // Of what the buckets, sum and count of one histogram have in common.
    private static ulong SiblingHash(LabelSet labels, ReadOnlySpan<byte> family)
    {
        var hash = StableHash.Hash64(family);
        foreach (var label in labels)
        {
            if (!label.Name.SequenceEqual(LabelNames.MetricNameUtf8) && !label.Name.SequenceEqual("le"u8) && !label.Name.SequenceEqual("quantile"u8))
            {
                hash = Combine(Combine(hash, StableHash.Hash64(label.Name)), StableHash.Hash64(label.Value));
            }
        }

        return hash;
    }

    private static ulong Combine(ulong left, ulong right) => (System.Numerics.BitOperations.RotateLeft(left, 23) ^ right) * 0x9E3779B97F4A7C15;

    private enum Reason
    {
        FairShare,
        Budget,
    }

    private sealed class Family
    {
        public string Job = string.Empty;
        public string Instance = string.Empty;
        public string Name = string.Empty;
        public int Admitted;
        public long Refused;
    }
}
