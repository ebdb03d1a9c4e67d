using System.CommandLine;
using System.Globalization;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Config;

/// <summary>The command line of one server process, checked. Immutable.</summary>
public sealed class ServerFlags
{
    private readonly IReadOnlyDictionary<string, string> _values;

    private ServerFlags(IReadOnlyDictionary<string, string> values) => _values = values;

    /// <summary>All flags as text, by name without dashes, as <c>/api/v1/status/flags</c> shows them.</summary>
    public IReadOnlyDictionary<string, string> All => _values;

    public string ConfigFile => Path.GetFullPath(_values["config.file"]);

    public TimeSpan AutoReloadInterval => Duration("config.auto-reload-interval");

    public IReadOnlyList<string> ListenAddresses => List("web.listen-address");

    public TimeSpan ReadTimeout => Duration("web.read-timeout");

    public long MaxConnections => Number("web.max-connections");

    /// <summary>The external URL, or null when it was not given.</summary>
    public Uri? ExternalUrl => _values["web.external-url"].Length == 0 ? null : new Uri(_values["web.external-url"]);

    /// <summary>Prefix of all paths, without a slash at its end; empty for none.</summary>
    public string RoutePrefix => (_values["web.route-prefix"].Length > 0 ? _values["web.route-prefix"] : ExternalUrl?.AbsolutePath ?? "/").TrimEnd('/');

    public bool EnableLifecycle => Switch("web.enable-lifecycle");

    public bool EnableAdminApi => Switch("web.enable-admin-api");

    public bool EnableRemoteWriteReceiver => Switch("web.enable-remote-write-receiver");

    public IReadOnlyList<string> AcceptedWriteMessages => List("web.remote-write-receiver.accepted-protobuf-messages");

    public string PageTitle => _values["web.page-title"];

    public string CorsOrigin => _values["web.cors.origin"];

    public string StoragePath => Path.GetFullPath(_values["storage.tsdb.path"]);

    /// <summary>How long a part of the server may stand still before the process ends itself; zero for ever.</summary>
    public TimeSpan StallRestart => Duration("stall-restart");

    public TimeSpan RetentionTime => Duration("storage.tsdb.retention.time");

    public long RetentionBytes => Size("storage.tsdb.retention.size");

    public int RetentionPercentage => (int)Number("storage.tsdb.retention.percentage");

    public long MaxExemplarBytes => Size("storage.exemplars.max-bytes");

    public TimeSpan MinBlockDuration => Duration("storage.tsdb.min-block-duration");

    public TimeSpan MaxBlockDuration => Duration("storage.tsdb.max-block-duration");

    public long WalSegmentBytes => Size("storage.tsdb.wal-segment-size");

    public bool WalCompression => Switch("storage.tsdb.wal-compression");

    public TimeSpan LookbackDelta => Duration("query.lookback-delta");

    public TimeSpan QueryTimeout => Duration("query.timeout");

    public int QueryConcurrency => (int)Math.Clamp(Number("query.max-concurrency"), 1, 100_000);

    public long QueryMaxSamples => Number("query.max-samples");

    /// <summary>How long a query that killed the server twice is refused; zero to do nothing about such queries.</summary>
    public TimeSpan KillerRefusal => Duration("query.killer-refusal");

    public bool AdjustTimestamps => Switch("scrape.adjust-timestamps");

    public TimeSpan TimestampTolerance => Duration("scrape.timestamp-tolerance");

    /// <summary>Names given to <c>--enable-feature</c>.</summary>
    public IReadOnlyList<string> Features => List("enable-feature");

    /// <summary>True when the budget is only watched.</summary>
    public bool OnlyObservesMemory => _values["memory.guard"] == "observe";

    /// <summary>Metrics whose new series are accepted as long as there is any memory; null for none.</summary>
    public AnchoredRegex? ProtectedMetrics => _values["memory.protected-metrics"] is { Length: > 0 } pattern ? new AnchoredRegex(pattern) : null;

    /// <summary>Bytes that the process may use; 0 when it was not told.</summary>
    public long MemoryBudget => ByteSize.TryParseQuantity(_values["memory.budget"], out var bytes) ? bytes : 0;

    /// <summary>Path of the termination message; empty for none.</summary>
    public string TerminationLog => _values["termination-log"];

    public string LogLevel => _values["log.level"];

    public string LogFormat => _values["log.format"];

    /// <summary>Adds the flags to a command.</summary>
    /// <returns>Turns a parse result of that command into flags.</returns>
    public static Func<ParseResult, ServerFlags> AddTo(Command command)
    {
        var readers = new List<(FlagDefinition Flag, Func<ParseResult, string> Read)>();
        foreach (var flag in FlagTable.All)
        {
            readers.Add((flag, AddFlag(command, flag)));
        }

        return result => new ServerFlags(readers.ToDictionary(r => r.Flag.Name, r => r.Read(result), StringComparer.Ordinal));
    }

    /// <summary>Parses a command line that holds flags only.</summary>
    /// <exception cref="ArgumentException">It does not; the message says why.</exception>
    public static ServerFlags Parse(params string[] arguments)
    {
        var command = new RootCommand();
        var read = AddTo(command);
        var result = command.Parse(arguments);
        return result.Errors.Count == 0 ? read(result) : throw new ArgumentException(string.Join("; ", result.Errors.Select(e => e.Message)), nameof(arguments));
    }

    private static Func<ParseResult, string> AddFlag(Command command, FlagDefinition flag)
    {
        if (flag.Kind == FlagKind.Switch)
        {
            var on = new Option<bool>("--" + flag.Name) { Description = flag.Help, DefaultValueFactory = _ => flag.Default == "true" };
            var off = new Option<bool>("--no-" + flag.Name) { Hidden = true };
            command.Options.Add(on);
            command.Options.Add(off);
            return result => result.GetValue(on) && !result.GetValue(off) ? "true" : "false";
        }

        return flag.Kind == FlagKind.List
            ? AddValue<string[]>(command, flag, ArgumentArity.OneOrMore, values => values is { Length: > 0 } ? string.Join(',', values) : flag.Default)
            : AddValue<string>(command, flag, ArgumentArity.ExactlyOne, value => value ?? flag.Default);
    }

    private static Func<ParseResult, string> AddValue<T>(Command command, FlagDefinition flag, ArgumentArity arity, Func<T?, string> text)
    {
        var option = new Option<T>("--" + flag.Name)
        {
            Description = $"{flag.Help}{(flag.Default.Length == 0 ? "" : $" [{flag.Default}]")}",
            Arity = arity,
            AllowMultipleArgumentsPerToken = false,
            HelpName = "value",
        };
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens)
            {
                if (Problem(flag, token.Value) is { } problem)
                {
                    result.AddError($"--{flag.Name}: {problem}");
                }
            }
        });
        command.Options.Add(option);
        return result => text(result.GetValue(option));
    }

    private static string? Problem(FlagDefinition flag, string value) => (flag.Kind, flag.Name) switch
    {
        (FlagKind.Duration, _) => DurationText.TryParse(value, out _, out var problem) ? null : problem,
        (_, "storage.tsdb.retention.percentage") => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var percent) && percent <= 100
            ? null
            : $"got {value}, want a number from 0 to 100",
        (FlagKind.Number, _) => long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out _) ? null : $"got {value}, want a number",
        (FlagKind.Size, _) => ByteSize.TryParse(value, out _) ? null : $"got {value}, want a size such as 512MB",
        (FlagKind.Quantity, _) => ByteSize.TryParseQuantity(value, out _) ? null : $"got {value}, want a quantity such as 512Mi",
        (_, "log.level") => value is "debug" or "info" or "warn" or "error" ? null : $"got {value}, want debug, info, warn or error",
        (_, "memory.protected-metrics") => RegexProblem(value),
        (_, "memory.guard") => value is "enforce" or "observe" ? null : $"got {value}, want enforce or observe",
        (_, "log.format") => value is "logfmt" or "json" ? null : $"got {value}, want logfmt or json",
        (_, "web.external-url") => value.Length == 0 || Uri.TryCreate(value, UriKind.Absolute, out _) ? null : $"got {value}, want an absolute URL",
        _ => null,
    };

    private static string? RegexProblem(string pattern)
    {
        try
        {
            _ = new AnchoredRegex(pattern);
            return null;
        }
        catch (ArgumentException e)
        {
            return e.Message;
        }
    }

    private TimeSpan Duration(string name) => DurationText.Parse(_values[name]);

    private long Number(string name) => long.Parse(_values[name], CultureInfo.InvariantCulture);

    private long Size(string name) => ByteSize.TryParse(_values[name], out var bytes) ? bytes : 0;

    private bool Switch(string name) => _values[name] == "true";

    private string[] List(string name) => _values[name].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
