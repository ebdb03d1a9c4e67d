using Xunit;

namespace MetricsOperator.TestKit;

/// <summary>Real programs that tests compare with. One that is absent is a skip on a user's machine and a failure in CI.</summary>
public static class Peer
{
    /// <summary>Path of the program, or a skip (a failure when <c>CI=true</c>) that says how to install it.</summary>
    public static string Require(string program, string debianPackage)
    {
        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':'))
        {
            var path = Path.Combine(folder, program);
            if (File.Exists(path))
            {
                return path;
            }
        }

        var message = $"{program} is not installed; apt-get install {debianPackage}";
        Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") != "true", message);
        Assert.Fail(message);
        return string.Empty;
    }

    /// <summary>The shared reference folder, or a skip where there is none.</summary>
    public static string RequireShared()
    {
        Assert.SkipWhen(RepositoryRoot.Shared is null, "the shared reference material is not beside this checkout");
        return RepositoryRoot.Shared!;
    }
}
