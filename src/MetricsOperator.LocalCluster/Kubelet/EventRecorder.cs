using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Store;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Kubelet;

/// <summary>
/// Writes Events as client-go's recorder does: the same thing said again about the same object raises <c>count</c> and <c>lastTimestamp</c> of the first
/// Event, and a source may say 25 things about an object at once and one more every five minutes.
/// </summary>
internal sealed class EventRecorder(ClusterApi api, string component, string? host, TimeProvider time, ILogger logger)
{
    private const int Burst = 25;
    private const int MaxRemembered = 4096;
    private static readonly TimeSpan Refill = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (double Tokens, DateTimeOffset At)> _buckets = new(StringComparer.Ordinal);

    public void Normal(JsonObject about, string reason, string message, string? fieldPath = null) => Record(about, "Normal", reason, message, fieldPath);

    public void Warning(JsonObject about, string reason, string message, string? fieldPath = null) => Record(about, "Warning", reason, message, fieldPath);

    private void Record(JsonObject about, string type, string reason, string message, string? fieldPath)
    {
        lock (_gate)
        {
            var uid = about.UidOf();
            if (!Allow(uid))
            {
                return;
            }

            // Events about cluster-scoped objects live in "default".
            var ns = about.NamespaceOf() is { Length: > 0 } own ? own : "default";
            var key = string.Join('\n', uid, fieldPath, type, reason, message);
            try
            {
                if (_names.TryGetValue(key, out var name) && api.Get("events", ns, name) is { } earlier)
                {
                    earlier["count"] = (earlier.LongAt("count") ?? 1) + 1;
                    earlier["lastTimestamp"] = time.GetUtcNow().ToSeconds();
                    api.Update("events", earlier, component);
                    return;
                }

                if (_names.Count >= MaxRemembered)
                {
                    _names.Clear();
                    _buckets.Clear();
                }

                var created = New(about, ns, type, reason, message, fieldPath);
                api.Create("events", ns, created, component);
                _names[key] = created.NameOf();
            }
            catch (ApiStatusException e)
            {
                // Events are best effort: a namespace that is going away refuses new ones.
                logger.LogDebug("Event {Reason} about {Namespace}/{Name} was refused: {Message}", reason, ns, about.NameOf(), e.Message);
            }
        }
    }

    private bool Allow(string uid)
    {
        var now = time.GetUtcNow();
        var (tokens, at) = _buckets.TryGetValue(uid, out var bucket) ? bucket : (Burst, now);
        tokens = Math.Min(Burst, tokens + ((now - at) / Refill));
        _buckets[uid] = (tokens >= 1 ? tokens - 1 : tokens, now);
        return tokens >= 1;
    }

    private JsonObject New(JsonObject about, string ns, string type, string reason, string message, string? fieldPath)
    {
        var now = time.GetUtcNow();
        var involved = new JsonObject { ["apiVersion"] = about.StringAt("apiVersion"), ["kind"] = about.StringAt("kind"), ["name"] = about.NameOf() };
        if (about.NamespaceOf() is { Length: > 0 } own)
        {
            involved["namespace"] = own;
        }

        if (fieldPath is not null)
        {
            involved["fieldPath"] = fieldPath;
        }

        involved["resourceVersion"] = about.StringAt("metadata", "resourceVersion");
        involved["uid"] = about.UidOf();
        var source = new JsonObject { ["component"] = component };
        if (host is not null)
        {
            source["host"] = host;
        }

        // As client-go names them: the object and the time in hexadecimal nanoseconds.
        var nanoseconds = (now - DateTimeOffset.UnixEpoch).Ticks * 100;
        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Event",
            ["metadata"] = new JsonObject { ["name"] = string.Create(CultureInfo.InvariantCulture, $"{about.NameOf()}.{nanoseconds:x}"), ["namespace"] = ns },
            ["involvedObject"] = involved,
            ["type"] = type,
            ["reason"] = reason,
            ["message"] = message,
            ["source"] = source,
            ["firstTimestamp"] = now.ToSeconds(),
            ["lastTimestamp"] = now.ToSeconds(),
            ["count"] = 1,
            ["eventTime"] = null,
            ["reportingComponent"] = string.Empty,
            ["reportingInstance"] = string.Empty,
        };
    }
}
