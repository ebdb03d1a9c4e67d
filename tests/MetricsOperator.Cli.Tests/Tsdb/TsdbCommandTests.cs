using System.CommandLine;
using System.Text.Json.Nodes;
using MetricsOperator.Cli.Tsdb;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb;

namespace MetricsOperator.Cli.Tests.Tsdb;

/// <summary>What <c>metricsctl tsdb</c> prints and how it ends, on a small directory of two blocks and a head.</summary>
public sealed class TsdbCommandTests : IDisposable
{
    private const int Series = 4;
    private const long Minute = 60_000;

    private readonly TempDir _folder = new();

    public TsdbCommandTests()
    {
        var options = new TsdbOptions { Path = Data, MinBlockDurationMs = 10 * Minute, MaxBlockDurationMs = 10 * Minute, RetentionMs = 0, HeadStateMinLogBytes = 0 };
        using var db = TimeSeriesDb.Open(options, null, CancellationToken.None);
        for (var time = 0L; time < 30 * Minute; time += Minute)
        {
            using var appender = db.CreateAppender();
            for (var i = 0; i < Series; i++)
            {
                var labels = LabelSet.Of(("__name__", i == 0 ? "up" : "requests_total"), ("job", "api"), ("pod", $"pod-{i}"));
                appender.Append(appender.GetOrCreate(labels, out _), time, time * i);
            }

            appender.Commit();
        }

        db.RunMaintenance(CancellationToken.None);
    }

    private string Data => _folder["data"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task List_shows_blocks_and_the_parts_of_the_head()
    {
        var (code, output, errors) = await RunAsync("list", Data);
        Assert.Equal((0, string.Empty), (code, errors));
        Assert.Contains("BLOCK", output, StringComparison.Ordinal);
        Assert.Contains("1970-01-01 00:00:00  1970-01-01 00:10:00  0", output, StringComparison.Ordinal);
        Assert.Contains("1970-01-01 00:10:00  1970-01-01 00:20:00  600000", output, StringComparison.Ordinal);
        Assert.Matches("head_state +1 +- +- ", output);

        (code, output, _) = await RunAsync("list", "--json", Data);
        Assert.Equal(0, code);
        var listing = JsonNode.Parse(output)!;
        Assert.Equal([40L, 40L], listing["blocks"]!.AsArray().Select(b => b!["meta"]!["stats"]!["numSamples"]!.GetValue<long>()));
        Assert.Equal(["wal", "checkpoint", "wbl", "chunks_head", "head_state"], listing["head"]!.AsArray().Select(p => p!["name"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Analyze_counts_labels_of_a_block()
    {
        var (code, output, _) = await RunAsync("analyze", Data);
        Assert.Equal(0, code);
        Assert.Contains($"Series: {Series}\n", output, StringComparison.Ordinal);
        Assert.Contains("3 requests_total", output, StringComparison.Ordinal);
        Assert.Contains("4 job=api", output, StringComparison.Ordinal);

        (code, _, var errors) = await RunAsync("analyze", Data, "01M7ZVGA06DA3826YYG15BG5HG");
        Assert.Equal(TsdbCommand.CannotRead, code);
        Assert.Contains("01M7ZVGA06DA3826YYG15BG5HG", errors, StringComparison.Ordinal);
        (code, _, errors) = await RunAsync("analyze", "--head", Data, "01M7ZVGA06DA3826YYG15BG5HG");
        Assert.Equal((TsdbCommand.CannotRead, "error: give a block or --head, not both"), (code, errors.Trim()));
    }

    [Fact]
    public async Task Damage_is_named_by_verify_told_by_repair_and_gone_after_it()
    {
        var (code, output, _) = await RunAsync("verify", Data);
        Assert.Equal(0, code);
        Assert.EndsWith("files are intact", output.TrimEnd(), StringComparison.Ordinal);

        var segment = Directory.EnumerateFiles(Path.Combine(Data, "wal")).Order(StringComparer.Ordinal).First(f => new FileInfo(f).Length > 100);
        var bytes = File.ReadAllBytes(segment);
        bytes[20] ^= 1;
        File.WriteAllBytes(segment, bytes);
        var name = Path.GetRelativePath(Data, segment);

        (code, output, _) = await RunAsync("verify", Data);
        Assert.Equal(1, code);
        Assert.Contains($"DAMAGED  {name}", output, StringComparison.Ordinal);
        Assert.Contains("at offset 0:", output, StringComparison.Ordinal);
        (code, output, _) = await RunAsync("verify", "--json", Data);
        Assert.Equal(1, code);
        var report = JsonNode.Parse(output)!;
        Assert.False(report["isClean"]!.GetValue<bool>());
        Assert.Equal([name], report["files"]!.AsArray().Where(f => f!["damages"]!.AsArray().Count > 0).Select(f => f!["file"]!.GetValue<string>()));

        (code, output, _) = await RunAsync("repair", "--dry-run", Data);
        Assert.Equal(0, code);
        Assert.Contains(name, output, StringComparison.Ordinal);
        Assert.EndsWith("none of them done", output.TrimEnd(), StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(segment));

        (code, output, _) = await RunAsync("repair", Data);
        Assert.Equal(0, code);
        Assert.EndsWith("steps done", output.TrimEnd(), StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(segment + ".damaged-1"));
        (code, output, _) = await RunAsync("verify", Data);
        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task Damaged_state_of_the_head_is_named_and_set_aside()
    {
        var state = Path.Combine(Data, "head_state");
        var bytes = File.ReadAllBytes(state);
        bytes[30] ^= 1;
        File.WriteAllBytes(state, bytes);
        var (code, output, _) = await RunAsync("verify", Data);
        Assert.Equal(1, code);
        Assert.Contains("DAMAGED  head_state", output, StringComparison.Ordinal);
        (code, output, _) = await RunAsync("repair", Data);
        Assert.Equal(0, code);
        Assert.Contains("head_state: set aside", output, StringComparison.Ordinal);
        Assert.False(File.Exists(state));
        Assert.Equal(bytes, File.ReadAllBytes(state + ".damaged-1"));
        (code, output, _) = await RunAsync("verify", Data);
        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task Repair_waits_for_no_server()
    {
        using var db = TimeSeriesDb.Open(new TsdbOptions { Path = Data }, null, CancellationToken.None);
        var (code, _, errors) = await RunAsync("repair", Data);
        Assert.Equal(TsdbCommand.CannotRead, code);
        Assert.Contains(Data, errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("list")]
    [InlineData("analyze")]
    [InlineData("verify")]
    [InlineData("repair")]
    [InlineData("dump")]
    public async Task Directory_that_is_not_there_is_named(string command)
    {
        var missing = _folder["missing"];
        var (code, _, errors) = await RunAsync(command, missing);
        Assert.Equal(TsdbCommand.CannotRead, code);
        Assert.StartsWith("error: ", errors, StringComparison.Ordinal);
        Assert.Contains(missing, errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Selector_that_cannot_be_read_is_told_with_its_place()
    {
        var (code, _, errors) = await RunAsync("dump", "--match", "up{", Data);
        Assert.Equal(TsdbCommand.CannotRead, code);
        Assert.StartsWith("error: --match: 1:", errors, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        var (output, errors) = (new StringWriter(), new StringWriter());
        var code = await TsdbCommand.Build().Parse(arguments).InvokeAsync(new InvocationConfiguration { Output = output, Error = errors });
        return (code, output.ToString(), errors.ToString());
    }
}
