using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet.Pods;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Kubelet.Volumes;

/// <summary>A volume that cannot be made yet; the message is what a kubelet's FailedMount Event says.</summary>
internal sealed class VolumeException(string message) : Exception(message);

/// <summary>Collects the files of ConfigMap, Secret, downward API and projected volumes from the API.</summary>
internal sealed class VolumeSource(ClusterApi api, Func<PodContext, string> token, string caCertificatePem)
{
    private const long DefaultMode = 0x1A4; // 0644 octal

    /// <summary>The files of the volume, or null when it is of a kind that has no files from the API. Throws <see cref="VolumeException"/>.</summary>
    public Dictionary<string, PayloadFile>? Files(PodContext pod, JsonObject volume)
    {
        var files = new Dictionary<string, PayloadFile>(StringComparer.Ordinal);
        if (volume.ObjectAt("configMap") is { } configMap)
        {
            AddObject(pod, "configmaps", configMap.StringAt("name"), configMap, configMap.LongAt("defaultMode") ?? DefaultMode, files);
        }
        else if (volume.ObjectAt("secret") is { } secret)
        {
            AddObject(pod, "secrets", secret.StringAt("secretName"), secret, secret.LongAt("defaultMode") ?? DefaultMode, files);
        }
        else if (volume.ObjectAt("downwardAPI") is { } downward)
        {
            AddFields(pod, downward, downward.LongAt("defaultMode") ?? DefaultMode, files);
        }
        else if (volume.ObjectAt("projected") is { } projected)
        {
            AddProjected(pod, projected, files);
        }
        else
        {
            return null;
        }

        return files;
    }

    /// <summary>The three files of a service account folder.</summary>
    public Dictionary<string, PayloadFile> ServiceAccount(PodContext pod) => new(StringComparer.Ordinal)
    {
        ["token"] = Payload(token(pod), DefaultMode),
        ["ca.crt"] = Payload(caCertificatePem, DefaultMode),
        ["namespace"] = Payload(pod.Namespace, DefaultMode),
    };

    private void AddProjected(PodContext pod, JsonObject projected, Dictionary<string, PayloadFile> files)
    {
        var mode = projected.LongAt("defaultMode") ?? DefaultMode;
        foreach (var source in projected.ObjectsAt("sources"))
        {
            if (source.ObjectAt("configMap") is { } configMap)
            {
                AddObject(pod, "configmaps", configMap.StringAt("name"), configMap, mode, files);
            }

            if (source.ObjectAt("secret") is { } secret)
            {
                AddObject(pod, "secrets", secret.StringAt("name"), secret, mode, files);
            }

            if (source.ObjectAt("downwardAPI") is { } downward)
            {
                AddFields(pod, downward, mode, files);
            }

            if (source.ObjectAt("serviceAccountToken") is { } account)
            {
                files[account.StringAt("path") ?? "token"] = Payload(token(pod), mode);
            }
        }
    }

    private void AddObject(PodContext pod, string resource, string? name, JsonObject reference, long mode, Dictionary<string, PayloadFile> files)
    {
        var kind = resource == "secrets" ? "secret" : "configmap";
        var optional = reference.BoolAt("optional") == true;
        if (api.Get(resource, pod.Namespace, name ?? string.Empty) is not { } found)
        {
            if (!optional && kind == "configmap" && name == "kube-root-ca.crt")
            {
                files["ca.crt"] = Payload(caCertificatePem, mode);
                return;
            }

            if (!optional)
            {
                throw new VolumeException($"{kind} \"{name}\" not found");
            }

            return;
        }

        var content = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var (key, value) in found.Pairs("data"))
        {
            content[key] = kind == "secret" ? Convert.FromBase64String(value) : Encoding.UTF8.GetBytes(value);
        }

        foreach (var (key, value) in found.Pairs("binaryData"))
        {
            content[key] = Convert.FromBase64String(value);
        }

        if (reference.At("items") is not JsonArray)
        {
            foreach (var (key, value) in content)
            {
                files[key] = new PayloadFile(value, ToMode(mode));
            }

            return;
        }

        foreach (var item in reference.ObjectsAt("items"))
        {
            var key = item.StringAt("key") ?? string.Empty;
            if (content.TryGetValue(key, out var value))
            {
                files[item.StringAt("path") ?? key] = new PayloadFile(value, ToMode(item.LongAt("mode") ?? mode));
            }
            else if (!optional)
            {
                throw new VolumeException($"references non-existent {kind} key: {key}");
            }
        }
    }

    private static void AddFields(PodContext pod, JsonObject source, long mode, Dictionary<string, PayloadFile> files)
    {
        foreach (var item in source.ObjectsAt("items"))
        {
            var value = item.ObjectAt("fieldRef") is { } field
                ? DownwardFields.Field(pod, field.StringAt("fieldPath") ?? string.Empty)
                : DownwardFields.Resource(pod, pod.Pod.ObjectsAt("spec", "containers").First(), item.ObjectAt("resourceFieldRef") ?? []);
            files[item.StringAt("path") ?? string.Empty] =
                Payload(value ?? throw new VolumeException($"unsupported downward API item {item.ToJsonString()}"), item.LongAt("mode") ?? mode);
        }
    }

    private static PayloadFile Payload(string text, long mode) => new(Encoding.UTF8.GetBytes(text), ToMode(mode));

    /// <summary>Only the owner's bits: everything the local cluster keeps is readable by its owner alone.</summary>
    private static UnixFileMode ToMode(long mode) => (UnixFileMode)(mode & 0x1C0) | UnixFileMode.UserRead;
}
