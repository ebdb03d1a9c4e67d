using MetricsOperator.LocalCluster.Kubelet.Memory;
using MetricsOperator.LocalCluster.Kubelet.Processes;
using MetricsOperator.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.LocalCluster.Tests.Kubelet.Processes;

public sealed class ContainerRuntimeTests
{
    private static readonly string Id = new('a', 64);

    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 78", 78)]
    [InlineData("kill -TERM $$", 143)]
    [InlineData("kill -ABRT $$", 134)]
    [InlineData("kill -KILL $$", 137)]
    public async Task Exited_gives_the_exit_code_or_128_plus_the_signal(string script, int expected)
    {
        await using var bench = await Bench.CreateAsync("off");

        var run = await bench.StartAsync(script, limitBytes: null);

        Assert.Equal(expected, (await run.Exited).ExitCode);
    }

    [Fact]
    public async Task Exited_comes_after_the_output_is_in_the_log()
    {
        await using var bench = await Bench.CreateAsync("off");

        var run = await bench.StartAsync("echo one; echo two >&2; printf three", limitBytes: null);
        await run.Exited;

        var lines = await File.ReadAllLinesAsync(bench.LogFile);
        Assert.Equal(["stderr F two", "stdout F one", "stdout F three"], lines.Select(line => line.Split(' ', 2)[1]).Order());
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$", lines[0].Split(' ')[0]);
    }

    [Theory]
    [InlineData("cgroup")]
    [InlineData("rss")]
    public async Task Exited_of_a_process_above_its_limit_is_an_out_of_memory_kill(string mode)
    {
        Assert.SkipWhen(mode == "cgroup" && await Bench.CgroupRefusedAsync(), "this user may not create a memory cgroup here");
        await using var bench = await Bench.CreateAsync(mode);

        var run = await bench.StartAsync("exec tail /dev/zero", limitBytes: 48 << 20);
        var exit = await run.Exited.WaitAsync(TimeSpan.FromSeconds(60));

        Assert.True(exit.OutOfMemory);
        Assert.Equal(137, exit.ExitCode);
    }

    [Fact]
    public async Task Exited_of_a_killed_process_without_memory_pressure_is_no_out_of_memory_kill()
    {
        await using var bench = await Bench.CreateAsync("auto");

        var run = await bench.StartAsync("kill -KILL $$", limitBytes: 48 << 20);

        Assert.False((await run.Exited).OutOfMemory);
    }

    [Fact]
    public async Task Exited_of_the_first_process_takes_its_children_along()
    {
        await using var bench = await Bench.CreateAsync("auto");

        var run = await bench.StartAsync("sleep 300 & echo $!", limitBytes: null);
        await run.Exited;

        var child = int.Parse((await File.ReadAllLinesAsync(bench.LogFile))[0].Split(' ')[3]);
        await Eventually.True(() => ProcessTable.Read(child) is null or { State: 'Z' }, "the child is gone");
    }

    [Fact]
    public async Task StopAsync_of_a_process_that_ignores_SIGTERM_kills_it_after_the_grace_period()
    {
        await using var bench = await Bench.CreateAsync("off");
        var run = await bench.StartAsync("trap '' TERM; echo up; while :; do sleep 0.1; done", limitBytes: null);
        await Eventually.True(() => File.Exists(bench.LogFile) && new FileInfo(bench.LogFile).Length > 0, "the trap is set");

        await run.StopAsync(TimeSpan.FromMilliseconds(300));

        Assert.Equal(137, (await run.Exited).ExitCode);
    }

    [Fact]
    public async Task Exited_comes_although_the_disk_of_the_log_is_full()
    {
        await using var bench = await Bench.CreateAsync("off");
        Directory.CreateDirectory(Path.GetDirectoryName(bench.LogFile)!);
        File.CreateSymbolicLink(bench.LogFile, "/dev/full");

        var run = await bench.StartAsync("i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; i=$((i+1)); done; exit 7", limitBytes: null);

        Assert.Equal(7, (await run.Exited.WaitAsync(TimeSpan.FromSeconds(20))).ExitCode);
    }

    [Fact]
    public async Task Exited_takes_cgroups_along_that_the_container_made()
    {
        Assert.SkipWhen(await Bench.CgroupRefusedAsync(), "this user may not create a memory cgroup here");
        await using var bench = await Bench.CreateAsync("cgroup");
        var run = await bench.StartAsync("exec sleep 300", limitBytes: 48 << 20);
        var below = Directory.CreateDirectory(Path.Join(Path.GetDirectoryName(run.Plan.CgroupProcs!), "below"));

        await run.StopAsync(TimeSpan.FromSeconds(2));

        Assert.Equal(143, (await run.Exited).ExitCode);
        Assert.False(Directory.Exists(below.Parent!.FullName));
    }

    [Fact]
    public async Task EndStale_kills_what_an_earlier_run_left_and_no_stranger()
    {
        using var temp = new TempDir();
        using var spawner = new ProcessSpawner();
        using var left = await spawner.StartAsync(Bench.Plan("exec sleep 300", temp.Path));
        using var stranger = await spawner.StartAsync(Bench.Plan("exec sleep 300", temp.Path));
        await Eventually.True(() => ProcessTable.Read(left.Pid)?.Session == left.Pid, "the process leads its session");
        var first = new ProcessLedger(temp["processes"]);
        first.Add(left.Pid, left.StartTicks);
        first.Add(stranger.Pid, stranger.StartTicks - 1);

        Assert.Equal(1, new ProcessLedger(temp["processes"]).EndStale());

        Assert.Equal(137, await left.Exited);
        Assert.False(stranger.Exited.IsCompleted);
        stranger.KillAll();
        await stranger.Exited;
    }

    private sealed class Bench : IAsyncDisposable
    {
        private readonly TempDir _temp;
        private readonly ResidentSetGuard _guard = new(TimeProvider.System);
        private readonly MemoryEnforcement _memory;
        private readonly ContainerRuntime _runtime;

        private Bench(TempDir temp, MemoryEnforcement memory)
        {
            _temp = temp;
            _memory = memory;
            _guard.Start();
            _runtime = new ContainerRuntime(memory, _guard, new ProcessLedger(_temp["processes"]), TimeProvider.System);
        }

        public string LogFile => _temp["logs/0.log"];

        public static async Task<Bench> CreateAsync(string mode)
        {
            var temp = new TempDir();
            return new Bench(temp, await ChooseAsync(mode, temp));
        }

        public static async Task<bool> CgroupRefusedAsync()
        {
            using var temp = new TempDir();
            var memory = await ChooseAsync("auto", temp);
            await memory.RemoveAsync();
            return memory.Mode == MemoryMode.ResidentSetPolling;
        }

        public static LaunchPlan Plan(string script, string folder) => new()
        {
            Executable = "/bin/sh",
            Arguments = ["-c", script],
            Environment = new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" },
            WorkingDirectory = folder,
        };

        public Task<ContainerRun> StartAsync(string script, long? limitBytes) => _runtime.StartAsync(Id, Plan(script, _temp.Path), limitBytes, LogFile);

        public async ValueTask DisposeAsync()
        {
            _runtime.Dispose();
            await _guard.DisposeAsync();
            await _memory.RemoveAsync();
            _temp.Dispose();
        }

        private static Task<MemoryEnforcement> ChooseAsync(string mode, TempDir temp) =>
            MemoryEnforcement.ChooseAsync(mode, "metricsoperator-test-" + Guid.NewGuid().ToString("n"), TimeProvider.System, NullLogger.Instance, temp["cgroup"]);
    }
}
