using MetricsOperator.LocalCluster.Kubelet.Volumes;

namespace MetricsOperator.LocalCluster.Tests.Kubelet.Volumes;

public sealed class PathMapTests
{
    private static readonly PathMap Map = new(new Dictionary<string, string>
    {
        ["/data"] = "/real/claim",
        ["/etc/metricsoperator"] = "/real/etc",
        ["/etc/metricsoperator/config/"] = "/real/config",
        ["/dev/termination-log"] = "/real/term",
    });

    [Theory]
    [InlineData("--storage.tsdb.path=/data", "--storage.tsdb.path=/real/claim")]
    [InlineData("--config.file=/etc/metricsoperator/config/server.yaml", "--config.file=/real/config/server.yaml")]
    [InlineData("/etc/metricsoperator/other", "/real/etc/other")]
    [InlineData("/data:/data/wal,/etc/metricsoperator", "/real/claim:/real/claim/wal,/real/etc")]
    [InlineData("--termination-log=/dev/termination-log", "--termination-log=/real/term")]
    [InlineData("cat '/data/x' \"/data\"", "cat '/real/claim/x' \"/real/claim\"")]
    public void Rewrite_of_a_mounted_path_gives_the_real_one_longest_first(string text, string expected) => Assert.Equal(expected, Map.Rewrite(text));

    [Theory]
    [InlineData("http://host/data")]
    [InlineData("http://127.0.0.1:9090/data")]
    [InlineData("/database")]
    [InlineData("/data-old/x")]
    [InlineData("/data.bak")]
    [InlineData("/var/data")]
    [InlineData("./data")]
    [InlineData("~/data")]
    [InlineData("/")]
    [InlineData("plain")]
    public void Rewrite_of_anything_else_leaves_it(string text) => Assert.Equal(text, Map.Rewrite(text));
}
