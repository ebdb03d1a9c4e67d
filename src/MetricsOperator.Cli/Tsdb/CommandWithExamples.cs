using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace MetricsOperator.Cli.Tsdb;

/// <summary>A command whose help ends with examples.</summary>
internal sealed class CommandWithExamples(string name, string description, string examples) : Command(name, description)
{
    /// <summary>Lines that can be typed as they are.</summary>
    public string Examples => examples;

    /// <summary>Makes the help of every such command below a root show its examples.</summary>
    public static void ShowExamples(RootCommand root)
    {
        foreach (var help in root.Options.OfType<HelpOption>())
        {
            help.Action = new HelpThenExamples((SynchronousCommandLineAction)help.Action!);
        }
    }

    private sealed class HelpThenExamples(SynchronousCommandLineAction help) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var result = help.Invoke(parseResult);
            if (parseResult.CommandResult.Command is CommandWithExamples command)
            {
                var output = parseResult.InvocationConfiguration.Output;
                output.WriteLine("Examples:");
                foreach (var line in command.Examples.Split('\n'))
                {
                    output.WriteLine("  " + line);
                }

                output.WriteLine();
            }

            return result;
        }
    }
}
