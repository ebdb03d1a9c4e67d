using System.Net;

namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>
/// Gives every pod an own loopback address from 127.64.0.0/11 (127.96.0.0/12 beside it is for ClusterIPs). The kernel answers on all of
/// 127.0.0.0/8 without setup. The search starts at a place that depends on the data directory, so that two clusters on one machine stay apart.
/// </summary>
internal sealed class PodAddresses
{
    private const uint First = (127u << 24) | (64u << 16);
    private const uint Count = 1u << 21;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, uint> _byUid = [];
    private readonly HashSet<uint> _taken = [];
    private uint _next;

    /// <param name="seed">Any number that differs between clusters.</param>
    public PodAddresses(int seed) => _next = (uint)seed % Count & ~0xffu;

    /// <summary>The pod's address; the one it has, the one it had in an earlier run when that is free, or a new one.</summary>
    public string Assign(string uid, string? earlier)
    {
        lock (_gate)
        {
            if (!_byUid.TryGetValue(uid, out var address))
            {
                address = Parse(earlier) is { } had && _taken.Add(had) ? had : TakeFree();
                _byUid[uid] = address;
            }

            return new IPAddress([(byte)(address >> 24), (byte)(address >> 16), (byte)(address >> 8), (byte)address]).ToString();
        }
    }

    public void Release(string uid)
    {
        lock (_gate)
        {
            if (_byUid.Remove(uid, out var address))
            {
                _taken.Remove(address);
            }
        }
    }

    private static uint? Parse(string? text)
    {
        if (!IPAddress.TryParse(text, out var address))
        {
            return null;
        }

        var bytes = address.GetAddressBytes();
        var value = bytes.Length == 4 ? ((uint)bytes[0] << 24) | ((uint)bytes[1] << 16) | ((uint)bytes[2] << 8) | bytes[3] : 0;
        return value is >= First and < First + Count ? value : null;
    }

    /// <summary>Goes round, so that an address is not given to another pod right after its pod went.</summary>
    private uint TakeFree()
    {
        while (true)
        {
            _next = (_next + 1) % Count;
            var last = _next & 0xff;
            if (last is not (0 or 1 or 255) && _taken.Add(First + _next))
            {
                return First + _next;
            }
        }
    }
}
