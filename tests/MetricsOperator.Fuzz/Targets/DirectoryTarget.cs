using MetricsOperator.Fuzz.Corpus;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>
/// A whole data directory with one damaged file: opened, asked for everything, maintained, closed and opened once more. The first byte of an
/// input says which file, the rest is its content.
/// </summary>
public sealed class DirectoryTarget : FuzzTarget
{
    private readonly long[] _times = new long[128];
    private readonly double[] _values = new double[128];
    private readonly FloatHistogram?[] _histograms = new FloatHistogram?[8];
    private readonly Lazy<DataDirectory> _template = new(DataDirectory.Create);
    private TempDir? _folder;

    public override string Name => "directory";

    /// <summary>Buffers of files and head, several of them a quarter of a MiB.</summary>
    public override AllocationBound Bound => new(48 * 1024 * 1024, 1024);

    public override int MaxInputBytes => 256 * 1024;

    public override int Cost => 1000;

    public override bool HasChecksums => true;

    public override IReadOnlyList<byte[]> Seeds() =>
        [.. _template.Value.Files.SelectMany((file, i) => Enumerable.Repeat<byte[]>([(byte)i, .. file.Content], file.Content.Length < 64 ? 1 : 2))];

    public override void FixChecksums(Span<byte> input)
    {
        if (input.Length > 1)
        {
            Checksums.FixFile(FileOf(input[0]).Path, input[1..]);
        }
    }

    public override ulong Run(ReadOnlyMemory<byte> input)
    {
        _folder?.Dispose();
        _folder = new TempDir();
        foreach (var (path, content) in _template.Value.Files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder[path])!);
            File.WriteAllBytes(_folder[path], content);
        }

        var outcome = new Outcome();
        if (!input.IsEmpty)
        {
            outcome.Add(input.Span[0]);
            File.WriteAllBytes(_folder[FileOf(input.Span[0]).Path], input[1..].ToArray());
        }

        for (var round = 0; round < 2; round++)
        {
            var options = new TsdbOptions { Path = _folder.Path, WalSegmentBytes = 32 * 1024, Files = UnsyncedFiles.Instance };
            using var db = TimeSeriesDb.Open(options, null, CancellationToken.None);
            Guarded(ref outcome, () => ReadEverything(db));
            Guarded(ref outcome, () => db.RunMaintenance(CancellationToken.None));
            Guarded(ref outcome, () => ReadEverything(db));
        }

        return outcome.Value;
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _folder?.Dispose();
    }

    private (string Path, byte[] Content) FileOf(byte number) => _template.Value.Files[number % _template.Value.Files.Count];

    private void ReadEverything(TimeSeriesDb db)
    {
        using var querier = db.OpenQuerier(long.MinValue, long.MaxValue);
        foreach (var name in querier.LabelNames([], 0, CancellationToken.None))
        {
            querier.LabelValues(name, [], 0, CancellationToken.None);
        }

        var set = querier.Select(
            true, new SelectHints(long.MinValue, long.MaxValue), [new LabelMatcher(MatchType.RegexMatch, "__name__", ".*")], CancellationToken.None);
        while (set.MoveNext())
        {
            using var reader = set.OpenReader();
            for (var kind = reader.NextKind(); kind != SampleKind.None; kind = reader.NextKind())
            {
                _ = kind == SampleKind.Float ? reader.ReadFloats(_times, _values) : reader.ReadHistograms(_times, _histograms);
            }
        }
    }

    private static void Guarded(ref Outcome outcome, Action action)
    {
        try
        {
            action();
        }
        catch (StorageException e)
        {
            outcome.AddMessage(e.Message);
        }
    }
}
