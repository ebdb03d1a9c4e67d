using MetricsOperator.LocalCluster.Kubelet;

namespace MetricsOperator.LocalCluster.Tests.Kubelet;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("512Mi", 536870912)]
    [InlineData("1G", 1000000000)]
    [InlineData("1.5Gi", 1610612736)]
    [InlineData("250m", 1)]
    [InlineData("1e3", 1000)]
    [InlineData("64", 64)]
    public void ParseWhole_of_a_quantity_gives_base_units_rounded_up(string text, long expected) => Assert.Equal(expected, Quantity.ParseWhole(text));

    [Theory]
    [InlineData("")]
    [InlineData("Mi")]
    [InlineData("12 Mi x")]
    public void ParseWhole_of_other_text_is_null(string text) => Assert.Null(Quantity.ParseWhole(text));
}
