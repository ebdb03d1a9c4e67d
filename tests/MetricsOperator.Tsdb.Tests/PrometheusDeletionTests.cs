using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MetricsOperator.TestKit;

namespace MetricsOperator.Tsdb.Tests;

/// <summary>What a real Prometheus deleted is deleted for us, in its blocks and in its head; and we clean it out.</summary>
public sealed class PrometheusDeletionTests
{
    [Fact]
    public async Task Deletions_of_Prometheus_are_read_from_blocks_and_log()
    {
        var source = Path.Combine(Peer.RequireShared(), "fixtures", "prometheus-data", "prom242-blocks-checkpoint");
        Peer.Require("promtool", "prometheus");
        using var folder = new TempDir();
        MakeWritable(folder.CopyFrom(source, "data"));
        var all = Promtool.Dump(MakeWritable(folder.CopyFrom(source, "before")));
        var names = all.Keys.Select(k => k.Split('"')[1]).Distinct(StringComparer.Ordinal).Where(n => n.StartsWith("go_", StringComparison.Ordinal)).ToList();
        Assert.True(names.Count > 3);
        var middle = all.Values.SelectMany(s => s).Select(s => s.T).Order().ElementAt(all.Values.Sum(s => s.Count) / 2);
        await DeleteAsync(folder, [$"match[]={names[0]}", $"match[]={names[1]}"], $"match[]={names[2]}&end={middle / 1000}");
        Assert.Contains(Directory.GetFiles(folder["data"], "tombstones", SearchOption.AllDirectories), f => new FileInfo(f).Length > 9);

        var want = Promtool.Dump(folder.CopyFrom(folder["data"], "after"));
        Assert.DoesNotContain(want.Keys, k => k.Split('"')[1] == names[0] || k.Split('"')[1] == names[1]);
        using (var db = TestDb.Open(folder["data"], o => o with { RetentionMs = 0 }))
        {
            Promtool.AssertSame(want, Promtool.DumpOf(db));
            Assert.Contains(db.Blocks, b => b.Stats.NumTombstones > 0);
            db.CleanTombstones(CancellationToken.None);
            Promtool.AssertSame(want, Promtool.DumpOf(db));
        }

        Assert.All(Directory.GetFiles(folder["data"], "tombstones", SearchOption.AllDirectories), f => Assert.Equal(9, new FileInfo(f).Length));
        Promtool.AssertSame(want, Promtool.Dump(folder["data"]));
    }

    private static async Task DeleteAsync(TempDir folder, string[] whole, string part)
    {
        await File.WriteAllTextAsync(folder["empty.yml"], "global: {}\n");
        var port = FreePort();
        var start = new ProcessStartInfo(Peer.Require("prometheus", "prometheus")) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in new[]
        {
            $"--config.file={folder["empty.yml"]}", $"--storage.tsdb.path={folder["data"]}", "--storage.tsdb.retention.time=100y", "--web.enable-admin-api",
            $"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.min-block-duration=2m", "--storage.tsdb.max-block-duration=2m",
        })
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        try
        {
            using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
            await Eventually.True(
                async () =>
                {
                    try
                    {
                        return (await client.GetAsync("/-/ready")).IsSuccessStatusCode;
                    }
                    catch (HttpRequestException) when (!process.HasExited)
                    {
                        return false;
                    }
                },
                "Prometheus is ready");
            foreach (var query in whole.Append(part))
            {
                using var answer = await client.PostAsync($"/api/v1/admin/tsdb/delete_series?{query}", null);
                Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
            }
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
            _ = await errors;
            _ = await output;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string MakeWritable(string path)
    {
        foreach (var entry in Directory.EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories).Append(path))
        {
            File.SetUnixFileMode(entry, File.GetUnixFileMode(entry) | UnixFileMode.UserWrite | UnixFileMode.UserRead);
        }

        return path;
    }
}
