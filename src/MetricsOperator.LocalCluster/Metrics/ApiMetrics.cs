using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Metrics;

/// <summary>Counts requests and renders them, with the store's size and the process' figures, in the Prometheus text format 0.0.4.</summary>
internal sealed class ApiMetrics(ObjectStore store)
{
    private static readonly double[] Bounds = [0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
    private readonly ConcurrentDictionary<(string Verb, string Group, string Version, string Resource, string Subresource, string Scope, int Code), long> _requests = new();
    private readonly ConcurrentDictionary<(string Verb, string Resource), Durations> _durations = new();
    private readonly ConcurrentDictionary<(string Verb, string Group, string Resource), long> _longRunning = new();
    private long _inflightReads;
    private long _inflightWrites;

    public void Began(bool write) => Interlocked.Increment(ref write ? ref _inflightWrites : ref _inflightReads);

    public void Ended(bool write) => Interlocked.Decrement(ref write ? ref _inflightWrites : ref _inflightReads);

    public void LongRunning(string verb, string group, string resource, long by) => _longRunning.AddOrUpdate((verb, group, resource), by, (_, count) => count + by);

    public void Answered(string verb, string group, string version, string resource, string subresource, string scope, int code, TimeSpan took)
    {
        _requests.AddOrUpdate((verb, group, version, resource, subresource, scope, code), 1, (_, count) => count + 1);
        if (verb != "WATCH")
        {
            _durations.GetOrAdd((verb, resource), _ => new Durations()).Add(took.TotalSeconds);
        }
    }

    public string Render()
    {
        var text = new StringBuilder(8192);
        Header(text, "apiserver_request_total", "counter", "Requests answered.");
        foreach (var ((verb, group, version, resource, subresource, scope, code), count) in _requests.OrderBy(r => r.Key))
        {
            text.Append(CultureInfo.InvariantCulture, $"apiserver_request_total{{code=\"{code}\",group=\"{group}\",resource=\"{resource}\",scope=\"{scope}\",subresource=\"{subresource}\",verb=\"{verb}\",version=\"{version}\"}} {count}\n");
        }

        Header(text, "apiserver_request_duration_seconds", "histogram", "Time from request to answer.");
        foreach (var ((verb, resource), durations) in _durations.OrderBy(d => d.Key))
        {
            durations.Render(text, $"resource=\"{resource}\",verb=\"{verb}\"");
        }

        Header(text, "apiserver_longrunning_requests", "gauge", "Watches and log streams that are open.");
        foreach (var ((verb, group, resource), count) in _longRunning.OrderBy(r => r.Key))
        {
            text.Append(CultureInfo.InvariantCulture, $"apiserver_longrunning_requests{{group=\"{group}\",resource=\"{resource}\",verb=\"{verb}\"}} {count}\n");
        }

        Header(text, "apiserver_current_inflight_requests", "gauge", "Requests being answered.");
        text.Append(CultureInfo.InvariantCulture, $"apiserver_current_inflight_requests{{request_kind=\"mutating\"}} {Interlocked.Read(ref _inflightWrites)}\n");
        text.Append(CultureInfo.InvariantCulture, $"apiserver_current_inflight_requests{{request_kind=\"readOnly\"}} {Interlocked.Read(ref _inflightReads)}\n");
        Header(text, "apiserver_storage_objects", "gauge", "Objects stored.");
        foreach (var resource in store.Resources.Order(StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"apiserver_storage_objects{{resource=\"{resource}\"}} {store.List(resource).Objects.Count}\n");
        }

        Header(text, "apiserver_storage_revision", "counter", "Revision of the newest change.");
        text.Append(CultureInfo.InvariantCulture, $"apiserver_storage_revision {store.Revision}\n");
        RenderProcess(text);
        return text.ToString();
    }

    private static void RenderProcess(StringBuilder text)
    {
        using var process = Process.GetCurrentProcess();
        Header(text, "process_cpu_seconds_total", "counter", "CPU time spent.");
        text.Append(CultureInfo.InvariantCulture, $"process_cpu_seconds_total {process.TotalProcessorTime.TotalSeconds}\n");
        Header(text, "process_resident_memory_bytes", "gauge", "Resident set size.");
        text.Append(CultureInfo.InvariantCulture, $"process_resident_memory_bytes {process.WorkingSet64}\n");
        Header(text, "process_start_time_seconds", "gauge", "Start of the process, seconds since the epoch.");
        text.Append(CultureInfo.InvariantCulture, $"process_start_time_seconds {new DateTimeOffset(process.StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0}\n");
        Header(text, "process_threads", "gauge", "Threads.");
        text.Append(CultureInfo.InvariantCulture, $"process_threads {process.Threads.Count}\n");
    }

    private static void Header(StringBuilder text, string name, string type, string help) => text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");

    private sealed class Durations
    {
        private readonly long[] _counts = new long[Bounds.Length + 1];
        private readonly Lock _gate = new();
        private double _sum;

        public void Add(double seconds)
        {
            var index = Array.FindIndex(Bounds, b => seconds <= b);
            lock (_gate)
            {
                _counts[index < 0 ? Bounds.Length : index]++;
                _sum += seconds;
            }
        }

        public void Render(StringBuilder text, string labels)
        {
            lock (_gate)
            {
                var total = 0L;
                for (var i = 0; i <= Bounds.Length; i++)
                {
                    total += _counts[i];
                    var bound = i == Bounds.Length ? "+Inf" : Bounds[i].ToString(CultureInfo.InvariantCulture);
                    text.Append(CultureInfo.InvariantCulture, $"apiserver_request_duration_seconds_bucket{{{labels},le=\"{bound}\"}} {total}\n");
                }

                text.Append(CultureInfo.InvariantCulture, $"apiserver_request_duration_seconds_sum{{{labels}}} {_sum}\n");
                text.Append(CultureInfo.InvariantCulture, $"apiserver_request_duration_seconds_count{{{labels}}} {total}\n");
            }
        }
    }
}
