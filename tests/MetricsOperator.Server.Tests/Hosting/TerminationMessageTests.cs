using System.Text;
using System.Text.Json;
using MetricsOperator.Server.Hosting;
using MetricsOperator.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Server.Tests.Hosting;

public sealed class TerminationMessageTests
{
    private static readonly Ledger Sample = new()
    {
        Phase = "ready",
        BootId = "b",
        ConfigHash = "c",
        RssBytes = 1,
        HeapBytes = 2,
        BudgetBytes = 3,
        HeadSeries = 4,
        SamplesPerSecond = 5.5,
        NewSeriesPerSecond = 6,
        ReplayPercent = 100,
        QueryBytes = 8,
        TopQuery = ("00000000000000ff", 9),
        Top = [("up", 7)],
    };

    [Fact]
    public void Heartbeat_writes_every_field()
    {
        using var folder = new TempDir();
        using var message = new TerminationMessage(folder["log"], NullLogger.Instance);
        message.Heartbeat(Sample);
        const string Expected = """
            {"v":1,"class":"Running","phase":"ready","bootId":"b","configHash":"c","rssBytes":1,"heapBytes":2,"budgetBytes":3,"headSeries":4,"samplesPerSecond":5.5,"newSeriesPerSecond":6,"replayPercent":100,"queryBytes":8,"topQuery":["00000000000000ff",9],"top":[["up",7]],"message":""}
            """;
        Assert.Equal(Expected, File.ReadAllText(folder["log"]));
    }

    [Fact]
    public void A_shorter_message_leaves_nothing_of_a_longer_one()
    {
        using var folder = new TempDir();
        using var message = new TerminationMessage(folder["log"], NullLogger.Instance);
        message.Heartbeat(Sample with { Top = [.. Enumerable.Range(0, 10).Select(i => ("metric_number_" + i, 10L))] });
        message.Heartbeat(Sample with { Top = [] });
        Assert.Equal("Running", JsonDocument.Parse(File.ReadAllText(folder["log"])).RootElement.GetProperty("class").GetString());
    }

    [Fact]
    public void The_message_never_exceeds_its_limit()
    {
        using var folder = new TempDir();
        using var message = new TerminationMessage(folder["log"], NullLogger.Instance);
        message.Heartbeat(Sample with { Top = [.. Enumerable.Range(0, 20).Select(i => (new string('é', 500) + i, long.MaxValue))] });
        message.Final("Bug", string.Concat(Enumerable.Repeat("\U0001F600\n", 500)));
        Assert.InRange(new FileInfo(folder["log"]).Length, 1, TerminationMessage.MaxBytes);
        JsonDocument.Parse(File.ReadAllText(folder["log"]));
    }

    [Fact]
    public void A_full_disk_does_not_end_the_server()
    {
        const string Full = "/dev/full";
        Assert.SkipUnless(File.Exists(Full), "there is no device that is always full");
        using var message = new TerminationMessage(Full, NullLogger.Instance);
        message.Heartbeat(Sample);
        message.Final("Stopped", "stopped cleanly");
    }

    [Fact]
    public void The_last_words_stay()
    {
        using var folder = new TempDir();
        using var message = new TerminationMessage(folder["log"], NullLogger.Instance);
        message.Heartbeat(Sample);
        message.Final("Stopped", "bye");
        message.Heartbeat(Sample);
        message.Final("Bug", "late");
        var root = JsonDocument.Parse(File.ReadAllText(folder["log"])).RootElement;
        Assert.Equal(("Stopped", "bye", 4), (root.GetProperty("class").GetString(), root.GetProperty("message").GetString(), root.GetProperty("headSeries").GetInt32()));
    }

    [Fact]
    public void Dying_by_lack_of_memory_writes_the_prepared_account_without_allocating()
    {
        using var folder = new TempDir();
        using var message = new TerminationMessage(folder["log"], NullLogger.Instance);
        message.Heartbeat(Sample);
        AllocationAssert.AtMost(0, message.OutOfMemoryNow);
        var root = JsonDocument.Parse(File.ReadAllText(folder["log"], Encoding.UTF8)).RootElement;
        Assert.Equal(("OutOfMemory", 4), (root.GetProperty("class").GetString(), root.GetProperty("headSeries").GetInt32()));
    }
}
