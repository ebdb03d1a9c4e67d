using System.Globalization;
using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Labels;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Events;
using Serilog.Extensions.Logging;
using Serilog.Formatting;
using Serilog.Formatting.Json;
using Serilog.Parsing;

namespace MetricsOperator.Server.Hosting;

/// <summary>Logs go to standard error, one line per event.</summary>
internal static class LogSetup
{
    public static ILoggerFactory Create(ServerFlags flags)
    {
        var level = flags.LogLevel switch
        {
            "debug" => LogEventLevel.Debug,
            "warn" => LogEventLevel.Warning,
            "error" => LogEventLevel.Error,
            _ => LogEventLevel.Information,
        };
        ITextFormatter format = flags.LogFormat == "json" ? new JsonFormatter(renderMessage: true, formatProvider: CultureInfo.InvariantCulture) : new Logfmt();
        var logger = new LoggerConfiguration()
            .MinimumLevel.Is(level)
            .MinimumLevel.Override("Microsoft.AspNetCore", level > LogEventLevel.Warning ? level : LogEventLevel.Warning)
            .WriteTo.Console(format, standardErrorFromLevel: LogEventLevel.Verbose)
            .CreateLogger();
        return new SerilogLoggerFactory(logger, dispose: true);
    }

    /// <summary><c>time=... level=info component=... msg="..."</c>, as Prometheus logs.</summary>
    private sealed class Logfmt : ITextFormatter
    {
        public void Format(LogEvent logEvent, TextWriter output)
        {
            var component = logEvent.Properties.TryGetValue("SourceContext", out var source) && source is ScalarValue { Value: string name } ? name : "server";
            output.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"time={logEvent.Timestamp.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ} level={Level(logEvent.Level)} component={component} msg="));
            output.Write(LabelNames.Quote(Message(logEvent)));
            if (logEvent.Exception is not null)
            {
                output.Write(" err=");
                output.Write(LabelNames.Quote(logEvent.Exception.ToString()));
            }

            output.Write('\n');
        }

        // Serilog puts quotes around strings inside a message; the message as a whole is quoted here.
        private static string Message(LogEvent logEvent)
        {
            var text = new StringWriter(CultureInfo.InvariantCulture);
            foreach (var token in logEvent.MessageTemplate.Tokens)
            {
                if (token is PropertyToken property
                    && logEvent.Properties.TryGetValue(property.PropertyName, out var value)
                    && value is ScalarValue { Value: string literal })
                {
                    text.Write(literal);
                }
                else
                {
                    token.Render(logEvent.Properties, text, CultureInfo.InvariantCulture);
                }
            }

            return text.ToString();
        }

        private static string Level(LogEventLevel level) => level switch
        {
            LogEventLevel.Verbose or LogEventLevel.Debug => "debug",
            LogEventLevel.Information => "info",
            LogEventLevel.Warning => "warn",
            _ => "error",
        };
    }
}
