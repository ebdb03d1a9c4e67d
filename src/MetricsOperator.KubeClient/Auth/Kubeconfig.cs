using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace MetricsOperator.KubeClient.Auth;

/// <summary>One or several kubeconfig files, merged: of entries with the same name, and of current-context, the first file's wins.</summary>
internal sealed class Kubeconfig
{
    private readonly Dictionary<string, KubeconfigEntry> _clusters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, KubeconfigEntry> _users = new(StringComparer.Ordinal);
    private readonly Dictionary<string, KubeconfigEntry> _contexts = new(StringComparer.Ordinal);
    private readonly List<string> _files = [];

    public string? CurrentContext { get; private set; }

    /// <summary>Loads the given file, or what <c>KUBECONFIG</c> and the home folder say.</summary>
    public static Kubeconfig Load(string? path)
    {
        if (path is not null)
        {
            return Merge([path], mustExist: true);
        }

        var list = Environment.GetEnvironmentVariable("KUBECONFIG");
        return string.IsNullOrEmpty(list)
            ? Merge([Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".kube", "config")], mustExist: true)
            : Merge(list.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries), mustExist: false);
    }

    /// <summary>Merges files in order; ones that do not exist are passed over unless they must exist.</summary>
    /// <exception cref="KubeConfigException">No file could be read, or one is not a kubeconfig.</exception>
    public static Kubeconfig Merge(IReadOnlyList<string> files, bool mustExist)
    {
        var merged = new Kubeconfig();
        foreach (var file in files)
        {
            if (File.Exists(file))
            {
                merged.Add(Path.GetFullPath(file));
            }
            else if (mustExist)
            {
                throw new KubeConfigException($"cannot read kubeconfig: got no file {file}, want one");
            }
        }

        return merged._files.Count > 0
            ? merged
            : throw new KubeConfigException($"cannot read kubeconfig: none of {string.Join(", ", files)} exists");
    }

    /// <summary>What a context (null: the current one) means.</summary>
    /// <exception cref="KubeConfigException">The context does not lead to a usable server and user.</exception>
    public ConnectionSettings Settings(string? contextName, TimeProvider time)
    {
        var name = contextName ?? CurrentContext;
        if (string.IsNullOrEmpty(name))
        {
            throw new KubeConfigException($"cannot choose a context: got no current-context in {string.Join(", ", _files)}, want one or a context name");
        }

        var context = Find(_contexts, "context", name);
        var cluster = Find(_clusters, "cluster", context.Require("cluster"));
        var user = context.Text("user") is { Length: > 0 } userName ? Find(_users, "user", userName) : null;
        return KubeconfigResolver.Resolve(cluster, user, context.Text("namespace"), time);
    }

    private KubeconfigEntry Find(Dictionary<string, KubeconfigEntry> entries, string what, string name) => entries.TryGetValue(name, out var entry)
        ? entry
        : throw new KubeConfigException($"cannot find {what} \"{name}\" in {string.Join(", ", _files)}: got {(entries.Count == 0 ? "none" : string.Join(", ", entries.Keys.Order(StringComparer.Ordinal)))}");

    private void Add(string file)
    {
        _files.Add(file);
        var stream = new YamlStream();
        try
        {
            using var reader = new StreamReader(file);
            stream.Load(reader);
        }
        catch (YamlException e)
        {
            throw new KubeConfigException($"cannot read kubeconfig {file} at line {e.Start.Line}, column {e.Start.Column}: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KubeConfigException($"cannot read kubeconfig {file}: {e.Message}", e);
        }

        if (stream.Documents.Count == 0)
        {
            return;
        }

        if (stream.Documents[0].RootNode is not YamlMappingNode root)
        {
            throw new KubeConfigException($"cannot read kubeconfig {file}: got no mapping at the top, want clusters, users and contexts");
        }

        if (string.IsNullOrEmpty(CurrentContext))
        {
            CurrentContext = KubeconfigEntry.TextOf(root, "current-context");
        }

        AddList(file, root, "clusters", "cluster", _clusters);
        AddList(file, root, "users", "user", _users);
        AddList(file, root, "contexts", "context", _contexts);
    }

    private static void AddList(string file, YamlMappingNode root, string list, string item, Dictionary<string, KubeconfigEntry> into)
    {
        if (!root.Children.TryGetValue(list, out var node) || node is not YamlSequenceNode sequence)
        {
            return;
        }

        foreach (var element in sequence.OfType<YamlMappingNode>())
        {
            var name = KubeconfigEntry.TextOf(element, "name")
                ?? throw new KubeConfigException($"cannot read kubeconfig {file}: {list} has an item without a name at line {element.Start.Line}");
            var fields = element.Children.TryGetValue(item, out var value) ? value as YamlMappingNode : null;
            into.TryAdd(name, new KubeconfigEntry(file, $"{list}[{name}].{item}", fields ?? []));
        }
    }
}
