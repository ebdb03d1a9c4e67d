using System.Text;
using MetricsOperator.LocalCluster.Kubelet.Volumes;
using MetricsOperator.TestKit;

namespace MetricsOperator.LocalCluster.Tests.Kubelet.Volumes;

public sealed class AtomicDirectoryTests
{
    [Fact]
    public void Publish_lays_files_out_behind_the_data_link()
    {
        using var temp = new TempDir();
        var directory = new AtomicDirectory(temp["v"], TimeProvider.System);

        Assert.True(directory.Publish(Files(("a.yaml", "1"), ("sub/b", "2"))));

        Assert.Equal("1", File.ReadAllText(temp["v/a.yaml"]));
        Assert.Equal("2", File.ReadAllText(temp["v/sub/b"]));
        Assert.Equal("..data/a.yaml", new FileInfo(temp["v/a.yaml"]).LinkTarget);
        Assert.StartsWith("..2", new FileInfo(temp["v/..data"]).LinkTarget);
    }

    [Fact]
    public void Publish_of_the_same_files_changes_nothing()
    {
        using var temp = new TempDir();
        var directory = new AtomicDirectory(temp["v"], TimeProvider.System);
        directory.Publish(Files(("a", "1")));
        var before = new FileInfo(temp["v/..data"]).LinkTarget;

        Assert.False(directory.Publish(Files(("a", "1"))));

        Assert.Equal(before, new FileInfo(temp["v/..data"]).LinkTarget);
    }

    [Fact]
    public void Publish_after_a_restart_goes_on_with_what_is_there_and_removes_names_that_went()
    {
        using var temp = new TempDir();
        new AtomicDirectory(temp["v"], TimeProvider.System).Publish(Files(("a", "1"), ("b", "2")));

        Assert.True(new AtomicDirectory(temp["v"], TimeProvider.System).Publish(Files(("b", "3"), ("c", "4"))));

        Assert.Equal(["..data", "b", "c"], Directory.GetFileSystemEntries(temp["v"]).Select(Path.GetFileName).Where(name => !name!.StartsWith("..2", StringComparison.Ordinal)).Order());
        Assert.Single(Directory.GetDirectories(temp["v"], "..2*"));
        Assert.Equal("3", File.ReadAllText(temp["v/b"]));
    }

    [Fact]
    public async Task Publish_while_a_reader_follows_the_link_never_shows_a_mixture()
    {
        using var temp = new TempDir();
        var directory = new AtomicDirectory(temp["v"], TimeProvider.System);
        directory.Publish(Files(("a", "0"), ("b", "0")));
        using var stop = new CancellationTokenSource();
        var mixtures = 0;
        var reads = 0;
        var reader = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                // One resolution of the link, as a program that opens a directory does.
                var folder = Path.Join(temp["v"], new FileInfo(temp["v/..data"]).LinkTarget!);
                try
                {
                    mixtures += File.ReadAllText(Path.Join(folder, "a")) == File.ReadAllText(Path.Join(folder, "b")) ? 0 : 1;
                    reads++;
                }
                catch (IOException)
                {
                    // The set was replaced between the two steps; the next resolution finds the new one.
                }
            }
        });

        for (var i = 1; i <= 200 || Volatile.Read(ref reads) == 0; i++)
        {
            directory.Publish(Files(("a", $"{i}"), ("b", $"{i}")));
        }

        await stop.CancelAsync();
        await reader;
        Assert.Equal(0, mixtures);
    }

    private static Dictionary<string, PayloadFile> Files(params (string Name, string Text)[] files) =>
        files.ToDictionary(file => file.Name, file => new PayloadFile(Encoding.UTF8.GetBytes(file.Text), PayloadFile.DefaultMode));
}
