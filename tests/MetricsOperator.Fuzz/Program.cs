using System.Globalization;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.Fuzz.Targets;
using MetricsOperator.TestKit;

// fuzz [--target all|NAME[,NAME...]] [--inputs N] [--seed S] [--minutes M] [--replay HEX]: exit code 0 without failures, 1 with, 2 for wrong options.
var names = "all";
var minutes = double.PositiveInfinity;
var inputs = 1_000_000L;
var seed = 1;
string? replay = null;
for (var i = 0; i < args.Length; i += 2)
{
    var value = i + 1 < args.Length ? args[i + 1] : string.Empty;
    var isValid = args[i] switch
    {
        "--target" => (names = value).Length > 0,
        "--inputs" => long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out inputs),
        "--seed" => int.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out seed),
        "--minutes" => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out minutes) && minutes > 0,
        "--replay" => (replay = value).Length > 0,
        _ => false,
    };
    if (!isValid)
    {
        Console.Error.WriteLine($"got {args[i]} {value}, want --target all|NAME[,NAME...], --inputs N, --seed S, --minutes M or --replay HEX");
        return 2;
    }
}

var all = AllTargets.Create();
var wanted = names.Split(',');
var targets = all.Where(t => names == "all" || wanted.Contains(t.Name)).ToList();
if (targets.Count == 0 || (names != "all" && targets.Count != wanted.Length))
{
    Console.Error.WriteLine($"got --target {names}, want all or some of {string.Join(',', all.Select(t => t.Name))}");
    return 2;
}

if (replay is not null)
{
    _ = targets[0].Seeds();
    Console.WriteLine(targets[0].Run(Convert.FromHexString(replay)));
    return 0;
}

var folder = Path.Combine(RepositoryRoot.Path, "artifacts", "fuzz");
Directory.CreateDirectory(folder);
var options = new FuzzOptions
{
    Inputs = inputs,
    Seed = seed,
    Folder = folder,
    TimeLimit = double.IsPositiveInfinity(minutes) ? Timeout.InfiniteTimeSpan : TimeSpan.FromMinutes(minutes),
    Progress = r => Console.WriteLine($"{r.Target}: {r.Inputs:N0} inputs, {r.InputsPerSecond:N0}/s, {r.Outcomes:N0} outcomes, {r.Failures.Count} failures"),
};
var results = new List<FuzzResult>();
foreach (var target in targets)
{
    using (target)
    {
        var result = new Fuzzer(target, options).Run();
        results.Add(result);
        foreach (var failure in result.Failures)
        {
            Console.WriteLine(failure);
        }
    }
}

Console.WriteLine($"seed {options.Seed}; failing inputs are in {Path.GetRelativePath(RepositoryRoot.Path, folder)}");
Console.WriteLine("| target | inputs | inputs/s | inputs/s of CPU time | outcomes | most allocated by an input | allowed for n bytes | failures |");
Console.WriteLine("|---|---|---|---|---|---|---|---|");
foreach (var r in results)
{
    Console.WriteLine($"| {r.Target} | {r.Inputs:N0} | {r.InputsPerSecond:N0} | {r.InputsPerCpuSecond:N0} | {r.Outcomes:N0} | {r.MaxAllocated:N0} | {r.Bound} | {r.Failures.Count} |");
}

return results.All(r => r.Failures.Count == 0) ? 0 : 1;
