using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace MetricsOperator.Cli.Up;

/// <summary>Says what is being done while it is done: a live line with a spinner on a terminal, plain lines elsewhere.</summary>
internal sealed class StepProgress
{
    private readonly IAnsiConsole _console;
    private readonly Stopwatch _total = Stopwatch.StartNew();

    public StepProgress(IAnsiConsole console) => _console = console;

    public TimeSpan Elapsed => _total.Elapsed;

    /// <summary>Runs one step under its title; the callback it gets replaces the detail behind the title.</summary>
    public async Task RunAsync(string title, Func<Action<string>, Task> step)
    {
        var watch = Stopwatch.StartNew();
        if (_console.Profile.Capabilities.Interactive && _console.Profile.Out.IsTerminal)
        {
            await _console.Status().Spinner(Spinner.Known.Dots).StartAsync(
                Markup.Escape(title),
                context => step(detail => context.Status(Markup.Escape(title) + " [grey]" + Markup.Escape(detail) + "[/]"))).ConfigureAwait(false);
            _console.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"[green]✓[/] {Markup.Escape(title)} [grey]{watch.Elapsed.TotalSeconds:0.0} s[/]"));
            return;
        }

        Console.WriteLine($"-> {title}");
        var last = string.Empty;
        await step(detail =>
        {
            if (detail != last)
            {
                last = detail;
                Console.WriteLine($"   {detail}");
            }
        }).ConfigureAwait(false);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"   done in {watch.Elapsed.TotalSeconds:0.0} s"));
    }
}
