using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet.Pods;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Kubelet.Volumes;

/// <summary>The volumes of one pod as directories, and the paths its containers see them under.</summary>
internal sealed class PodVolumes(ClusterApi api, VolumeSource source, TimeProvider time)
{
    /// <summary>Where clients in a pod look for their credentials.</summary>
    public const string ServiceAccountPath = "/var/run/secrets/kubernetes.io/serviceaccount";

    private readonly Dictionary<string, string> _paths = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AtomicDirectory> _published = new(StringComparer.Ordinal);

    /// <summary>The pod's service account folder, or null when the pod asks for none.</summary>
    public string? ServiceAccountFolder { get; private set; }

    /// <summary>
    /// Makes what is missing and brings the files of ConfigMaps, Secrets and tokens up to date; returns whether any file changed. Throws
    /// <see cref="VolumeException"/> naming the volume that cannot be made; files already published stay.
    /// </summary>
    public bool Sync(PodContext pod)
    {
        var changed = false;
        foreach (var volume in pod.Pod.ObjectsAt("spec", "volumes"))
        {
            var name = volume.StringAt("name") ?? string.Empty;
            try
            {
                if (source.Files(pod, volume) is { } files)
                {
                    changed |= Publish(pod, name, files);
                }
                else if (!_paths.ContainsKey(name))
                {
                    var path = PlainDirectory(pod, volume, name);
                    Directory.CreateDirectory(path);
                    _paths[name] = path;
                }
            }
            catch (VolumeException e)
            {
                throw new VolumeException($"MountVolume.SetUp failed for volume \"{name}\" : {e.Message}");
            }
        }

        if (pod.Pod.BoolAt("spec", "automountServiceAccountToken") != false
            && api.Get("serviceaccounts", pod.Namespace, pod.ServiceAccount).BoolAt("automountServiceAccountToken") != false)
        {
            changed |= Publish(pod, "..serviceaccount", source.ServiceAccount(pod));
            ServiceAccountFolder = _paths["..serviceaccount"];
        }

        return changed;
    }

    /// <summary>
    /// Where the container sees what: mount path to real path, the service account folder and the termination message file included.
    /// </summary>
    /// <param name="pod">The pod.</param>
    /// <param name="container">The container.</param>
    /// <param name="environment">Its variables, for <c>subPathExpr</c>.</param>
    /// <param name="terminationFile">Real path of its termination message.</param>
    public PathMap Map(PodContext pod, JsonObject container, IReadOnlyDictionary<string, string> environment, string terminationFile)
    {
        var mounts = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [container.StringAt("terminationMessagePath") ?? "/dev/termination-log"] = terminationFile,
        };
        if (ServiceAccountFolder is not null)
        {
            mounts[ServiceAccountPath] = ServiceAccountFolder;
        }

        foreach (var mount in container.ObjectsAt("volumeMounts"))
        {
            var name = mount.StringAt("name") ?? string.Empty;
            if (!_paths.TryGetValue(name, out var path))
            {
                throw new ContainerConfigException("CreateContainerConfigError", $"cannot find volume \"{name}\" to mount into container \"{container.StringAt("name")}\"");
            }

            var subPath = mount.StringAt("subPathExpr") is { } expression ? VariableExpansion.Expand(expression, environment) : mount.StringAt("subPath");
            mounts[mount.StringAt("mountPath") ?? string.Empty] = string.IsNullOrEmpty(subPath) ? path : SubPath(pod, container, name, path, subPath);
        }

        return new PathMap(mounts);
    }

    private bool Publish(PodContext pod, string name, Dictionary<string, PayloadFile> files)
    {
        if (!_published.TryGetValue(name, out var directory))
        {
            directory = new AtomicDirectory(Path.Join(pod.Folder, "volumes", name.TrimStart('.')), time);
            _published[name] = directory;
            _paths[name] = directory.Path;
        }

        return directory.Publish(files);
    }

    private string PlainDirectory(PodContext pod, JsonObject volume, string name)
    {
        if (volume.ObjectAt("emptyDir") is not null)
        {
            return Path.Join(pod.Folder, "volumes", name);
        }

        if (volume.StringAt("hostPath", "path") is { } hostPath)
        {
            return hostPath;
        }

        if (volume.StringAt("persistentVolumeClaim", "claimName") is { } claimName)
        {
            return ClaimDirectory(pod, claimName);
        }

        var kind = volume.Select(member => member.Key).FirstOrDefault(key => key != "name") ?? "empty";
        throw new VolumeException($"volumes of kind {kind} are not supported here: want configMap, secret, projected, downwardAPI, emptyDir, hostPath or persistentVolumeClaim");
    }

    private string ClaimDirectory(PodContext pod, string claimName)
    {
        var claim = api.Get("persistentvolumeclaims", pod.Namespace, claimName) ?? throw new VolumeException($"persistentvolumeclaim \"{claimName}\" not found");
        if (claim.StringAt("spec", "volumeName") is not { Length: > 0 } volumeName || claim.StringAt("status", "phase") != "Bound")
        {
            throw new VolumeException($"persistentvolumeclaim \"{claimName}\" is not bound");
        }

        var volume = api.Get("persistentvolumes", null, volumeName) ?? throw new VolumeException($"persistentvolume \"{volumeName}\" not found");
        return volume.StringAt("spec", "local", "path") ?? volume.StringAt("spec", "hostPath", "path")
            ?? throw new VolumeException($"persistentvolume \"{volumeName}\" has neither spec.local.path nor spec.hostPath.path");
    }

    /// <summary>A part of a volume. A single file of a published volume is copied, since such mounts never change while the container lives.</summary>
    private string SubPath(PodContext pod, JsonObject container, string volume, string path, string subPath)
    {
        var part = Path.GetFullPath(Path.Join(path, subPath));
        if (!part.StartsWith(path + "/", StringComparison.Ordinal))
        {
            throw new ContainerConfigException("CreateContainerConfigError", $"subPath \"{subPath}\" of volume \"{volume}\" leaves the volume");
        }

        if (!_published.ContainsKey(volume))
        {
            Directory.CreateDirectory(File.Exists(part) ? Path.GetDirectoryName(part)! : part);
            return part;
        }

        if (!File.Exists(part))
        {
            return part;
        }

        var copy = Path.Join(pod.ContainerFolder(container.StringAt("name") ?? string.Empty), "subpaths", volume, subPath);
        Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
        File.Copy(part, copy, overwrite: true);
        return copy;
    }
}
