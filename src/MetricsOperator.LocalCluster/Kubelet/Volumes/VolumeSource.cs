using System.Text;
using System.Text.Json.Nodes;
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
        if (volume.Map("configMap") is { } configMap)
        {
            AddObject(pod, "configmaps", configMap.Text("name"), configMap, configMap.Number("defaultMode") ?? DefaultMode, files);
        }
        else if (volume.Map("secret") is { } secret)
        {
            AddObject(pod, "secrets", secret.Text("secretName"), secret, secret.Number("defaultMode") ?? DefaultMode, files);
        }
        else if (volume.Map("downwardAPI") is { } downward)
        {
            AddFields(pod, downward, downward.Number("defaultMode") ?? DefaultMode, files);
        }
        else if (volume.Map("projected") is { } projected)
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
        var mode = projected.Number("defaultMode") ?? DefaultMode;
        foreach (var source in projected.Items("sources"))
        {
            if (source.Map("configMap") is { } configMap)
            {
                AddObject(pod, "configmaps", configMap.Text("name"), configMap, mode, files);
            }

            if (source.Map("secret") is { } secret)
            {
                AddObject(pod, "secrets", secret.Text("name"), secret, mode, files);
            }

            if (source.Map("downwardAPI") is { } downward)
            {
                AddFields(pod, downward, mode, files);
            }

            if (source.Map("serviceAccountToken") is { } account)
            {
                files[account.Text("path") ?? "token"] = Payload(token(pod), mode);
            }
        }
    }

    private void AddObject(PodContext pod, string resource, string? name, JsonObject reference, long mode, Dictionary<string, PayloadFile> files)
    {
        var kind = resource == "secrets" ? "secret" : "configmap";
        var optional = reference.Flag("optional") == true;
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

        foreach (var item in reference.Items("items"))
        {
            var key = item.Text("key") ?? string.Empty;
            if (content.TryGetValue(key, out var value))
            {
                files[item.Text("path") ?? key] = new PayloadFile(value, ToMode(item.Number("mode") ?? mode));
            }
            else if (!optional)
            {
                throw new VolumeException($"references non-existent {kind} key: {key}");
            }
        }
    }

    private static void AddFields(PodContext pod, JsonObject source, long mode, Dictionary<string, PayloadFile> files)
    {
        foreach (var item in source.Items("items"))
        {
            var value = item.Map("fieldRef") is { } field
                ? DownwardFields.Field(pod, field.Text("fieldPath") ?? string.Empty)
                : DownwardFields.Resource(pod, pod.Pod.Items("spec", "containers").First(), item.Map("resourceFieldRef") ?? []);
            files[item.Text("path") ?? string.Empty] =
                Payload(value ?? throw new VolumeException($"unsupported downward API item {item.ToJsonString()}"), item.Number("mode") ?? mode);
        }
    }

    private static PayloadFile Payload(string text, long mode) => new(Encoding.UTF8.GetBytes(text), ToMode(mode));

    /// <summary>Only the owner's bits: everything the local cluster keeps is readable by its owner alone.</summary>
    private static UnixFileMode ToMode(long mode) => (UnixFileMode)(mode & 0x1C0) | UnixFileMode.UserRead;
}
