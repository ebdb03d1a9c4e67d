using MetricsOperator.LocalCluster.Kubelet.Pods;
using MetricsOperator.TestKit;

namespace MetricsOperator.LocalCluster.Tests.Kubelet.Pods;

public sealed class TerminationMessageTests
{
    [Fact]
    public void Read_of_a_long_file_gives_its_last_4096_bytes()
    {
        using var temp = new TempDir();
        File.WriteAllText(temp["m"], new string('a', 5000) + "end");

        var message = TerminationMessage.Read(temp["m"]);

        Assert.Equal(4096, message!.Length);
        Assert.EndsWith("aend", message);
    }

    [Fact]
    public void Read_of_an_empty_or_absent_file_is_null()
    {
        using var temp = new TempDir();
        File.WriteAllText(temp["m"], "");

        Assert.Null(TerminationMessage.Read(temp["m"]));
        Assert.Null(TerminationMessage.Read(temp["absent"]));
    }
}
