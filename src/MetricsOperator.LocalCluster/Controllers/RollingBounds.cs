using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Kubelet;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>Resolves <c>maxSurge</c> and <c>maxUnavailable</c>: surge rounds up, unavailable down, and never both zero.</summary>
internal static class RollingBounds
{
    public static (long Surge, long Unavailable) Of(JsonObject? rolling, long replicas)
    {
        var surge = Resolve(rolling.IntOrText("maxSurge") ?? "25%", replicas, up: true);
        var unavailable = Resolve(rolling.IntOrText("maxUnavailable") ?? "25%", replicas, up: false);
        return (surge, surge == 0 && unavailable == 0 ? 1 : unavailable);
    }

    /// <summary>A number, or a percentage of the total.</summary>
    public static long Resolve(string value, long total, bool up)
    {
        if (!value.EndsWith('%'))
        {
            return long.Parse(value, CultureInfo.InvariantCulture);
        }

        var share = decimal.Parse(value.AsSpan(0, value.Length - 1), CultureInfo.InvariantCulture) * total / 100;
        return (long)(up ? Math.Ceiling(share) : Math.Floor(share));
    }
}
