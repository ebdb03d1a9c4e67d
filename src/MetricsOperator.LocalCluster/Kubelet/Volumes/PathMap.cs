using System.Text;

namespace MetricsOperator.LocalCluster.Kubelet.Volumes;

/// <summary>
/// Translates the paths a container would see to where they really are. A process has no file system of its own here, so the paths of its volume
/// mounts are rewritten wherever they occur in its arguments and environment values. The longest mount path wins.
/// </summary>
internal sealed class PathMap
{
    private readonly (string Seen, string Real)[] _mounts;

    /// <param name="mounts">Mount path in the container (absolute, no trailing slash needed) to real path.</param>
    public PathMap(IEnumerable<KeyValuePair<string, string>> mounts) =>
        _mounts = [.. mounts.Select(mount => (mount.Key.TrimEnd('/'), mount.Value)).Where(mount => mount.Item1.Length > 0).OrderByDescending(mount => mount.Item1.Length)];

    /// <summary>
    /// Rewrites every mount path in the text. A mount path counts where a path can start (at the start, or after anything but a letter, a digit or
    /// one of <c>. - _ / ~ + %</c>) and where a path element ends (at the end, before <c>/</c>, or before anything that is not part of a name); so <c>http://host/data</c> and
    /// <c>/database</c> stay as they are when <c>/data</c> is mounted.
    /// </summary>
    public string Rewrite(string text)
    {
        if (_mounts.Length == 0 || !text.Contains('/', StringComparison.Ordinal))
        {
            return text;
        }

        StringBuilder? rewritten = null;
        var copied = 0;
        for (var at = text.IndexOf('/', StringComparison.Ordinal); at >= 0; at = at + 1 < text.Length ? text.IndexOf('/', at + 1) : -1)
        {
            if ((at > 0 && !MayPrecedePath(text[at - 1])) || MountAt(text, at) is not { } mount)
            {
                continue;
            }

            rewritten ??= new StringBuilder();
            rewritten.Append(text, copied, at - copied).Append(mount.Real);
            copied = at + mount.Seen.Length;
            at = copied - 1;
        }

        return rewritten is null ? text : rewritten.Append(text, copied, text.Length - copied).ToString();
    }

    private (string Seen, string Real)? MountAt(string text, int at)
    {
        foreach (var mount in _mounts)
        {
            var end = at + mount.Seen.Length;
            if (string.CompareOrdinal(text, at, mount.Seen, 0, mount.Seen.Length) == 0 && (end == text.Length || !IsNamePart(text[end])))
            {
                return mount;
            }
        }

        return null;
    }

    private static bool MayPrecedePath(char c) => !IsNamePart(c) && c is not ('/' or '~' or '+' or '%');

    private static bool IsNamePart(char c) => char.IsLetterOrDigit(c) || c is '.' or '-' or '_';
}
