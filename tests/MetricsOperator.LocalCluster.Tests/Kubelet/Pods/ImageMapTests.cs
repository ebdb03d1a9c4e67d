using MetricsOperator.LocalCluster.Kubelet.Pods;

namespace MetricsOperator.LocalCluster.Tests.Kubelet.Pods;

public sealed class ImageMapTests
{
    [Theory]
    [InlineData("busybox", "docker.io/library/busybox:latest")]
    [InlineData("prom/node-exporter", "docker.io/prom/node-exporter:latest")]
    [InlineData("localhost:5000/x/y:1", "localhost:5000/x/y:1")]
    [InlineData("quay.io/a/b@sha256:00", "quay.io/a/b:latest")]
    public void FullName_writes_out_what_a_short_name_leaves_out(string image, string expected) => Assert.Equal(expected, ImageMap.FullName(image));

    [Fact]
    public void Find_sees_through_different_spellings_and_nothing_else()
    {
        var images = new ImageMap(new Dictionary<string, string> { ["prom/node-exporter:latest"] = "/bin/true" });

        Assert.Equal("/bin/true", images.Find("docker.io/prom/node-exporter"));
        Assert.Null(images.Find("prom/node-exporter:v1"));
    }

    [Theory]
    [InlineData("/opt/server", new string[0], "/opt/server", new string[0])]
    [InlineData("/opt/server", new[] { "/app/server", "-x" }, "/opt/server", new[] { "-x" })]
    [InlineData("/opt/server", new[] { "/bin/sh", "-c", "true" }, "/bin/sh", new[] { "-c", "true" })]
    public void Program_of_a_command_is_the_images_executable_unless_the_command_names_another(string executable, string[] command, string program, string[] before)
    {
        var (chosen, words) = ContainerPlanner.Program(executable, command);

        Assert.Equal(program, chosen);
        Assert.Equal(before, words);
    }
}
