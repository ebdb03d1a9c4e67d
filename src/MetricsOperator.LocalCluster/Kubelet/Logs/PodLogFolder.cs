using System.Globalization;

namespace MetricsOperator.LocalCluster.Kubelet.Logs;

/// <summary>Where the logs of pods are: <c>ROOT/NAMESPACE_NAME_UID/CONTAINER/RESTART.log</c>, as under /var/log/pods of a node.</summary>
internal sealed class PodLogFolder(string root)
{
    private const int KeptPods = 20;
    private const int KeptRuns = 3;

    /// <summary>The log file of one run of a container.</summary>
    public string File(string ns, string pod, string uid, string container, int restart) =>
        Path.Join(Folder(ns, pod, uid), container, string.Create(CultureInfo.InvariantCulture, $"{restart}.log"));

    /// <summary>Deletes the logs of runs that are too old to be asked for.</summary>
    public void Prune(string ns, string pod, string uid, string container, int newestRestart)
    {
        for (var restart = newestRestart - KeptRuns; restart >= 0 && System.IO.File.Exists(File(ns, pod, uid, container, restart)); restart--)
        {
            System.IO.File.Delete(File(ns, pod, uid, container, restart));
            System.IO.File.Delete(File(ns, pod, uid, container, restart) + ".1");
        }
    }

    /// <summary>Deletes the logs of pods that are gone, but for the youngest twenty: a dead pod's last words are what one looks for.</summary>
    public void PruneGonePods(IReadOnlySet<string> livingUids)
    {
        if (!Directory.Exists(root))
        {
            return;
        }

        var gone = new DirectoryInfo(root).GetDirectories()
            .Where(folder => !livingUids.Contains(folder.Name[(folder.Name.LastIndexOf('_') + 1)..]))
            .OrderByDescending(folder => folder.LastWriteTimeUtc)
            .Skip(KeptPods);
        foreach (var folder in gone)
        {
            folder.Delete(recursive: true);
        }
    }

    private string Folder(string ns, string pod, string uid) => Path.Join(root, $"{ns}_{pod}_{uid}");
}
