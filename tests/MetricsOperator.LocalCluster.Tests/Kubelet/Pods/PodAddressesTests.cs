using MetricsOperator.LocalCluster.Kubelet.Pods;

namespace MetricsOperator.LocalCluster.Tests.Kubelet.Pods;

public sealed class PodAddressesTests
{
    [Fact]
    public void Assign_gives_every_pod_an_own_address_and_keeps_it()
    {
        var addresses = new PodAddresses(seed: 300);

        var first = addresses.Assign("a", null);

        Assert.Equal("127.64.1.2", first);
        Assert.Equal("127.64.1.3", addresses.Assign("b", null));
        Assert.Equal(first, addresses.Assign("a", null));
    }

    [Fact]
    public void Assign_gives_back_the_address_of_an_earlier_run_when_it_is_free()
    {
        var addresses = new PodAddresses(0);

        Assert.Equal("127.70.3.4", addresses.Assign("a", "127.70.3.4"));
        Assert.NotEqual("127.70.3.4", addresses.Assign("b", "127.70.3.4"));
        Assert.StartsWith("127.64.", addresses.Assign("c", "10.0.0.1"));
    }

    [Fact]
    public void Assign_after_a_release_does_not_hand_out_the_same_address_at_once()
    {
        var addresses = new PodAddresses(0);
        var first = addresses.Assign("a", null);
        addresses.Release("a");

        Assert.NotEqual(first, addresses.Assign("b", null));
    }
}
