using MetricsOperator.LocalCluster.Kubelet.Processes;

namespace MetricsOperator.LocalCluster.Tests.Kubelet.Processes;

public sealed class ProcessTableTests
{
    [Fact]
    public void Parse_of_a_name_with_parentheses_and_spaces_counts_fields_from_its_end()
    {
        var entry = ProcessTable.Parse(7, "7 (a) b (c)) S 1 7 6 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 1000 10 0 0");

        Assert.Equal(new ProcessEntry(7, "a) b (c)", 'S', 6, 12345, 10L * Environment.SystemPageSize), entry);
    }

    [Fact]
    public void Read_of_the_own_process_finds_it() => Assert.True(ProcessTable.Read(Environment.ProcessId)?.ResidentBytes > 1 << 20);
}
