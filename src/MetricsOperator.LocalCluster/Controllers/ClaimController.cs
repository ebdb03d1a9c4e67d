using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet;
using MetricsOperator.LocalCluster.Rules;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>
/// Gives every PersistentVolumeClaim of the class <c>local</c> a volume that is a directory, keeps a claim while a pod uses it, lets it grow, and
/// removes volume and directory after the claim when the reclaim policy is Delete. The size of a directory is not enforced.
/// </summary>
internal sealed class ClaimController : ObjectController
{
    /// <summary>The storage class; the default one.</summary>
    public const string ClassName = "local";

    private const string Provisioner = "metricsoperator.dev/local-directory";
    private const string ClaimProtection = "kubernetes.io/pvc-protection";
    private const string Claims = "persistentvolumeclaims";
    private const string Volumes = "persistentvolumes";
    private const string Classes = "storage.k8s.io/storageclasses";

    private readonly string _folder;

    /// <param name="context">API, clock, logs.</param>
    /// <param name="folder">Directory below which each volume gets one.</param>
    public ClaimController(ControllerContext context, string folder)
        : base("persistentvolume-controller", context) => _folder = folder;

    protected override void Subscribe()
    {
        EnsureClass();
        Watch(Claims);
        Watch("pods", pod => pod.ObjectsAt("spec", "volumes")
            .Select(volume => volume.StringAt("persistentVolumeClaim", "claimName"))
            .OfType<string>()
            .Select(claim => new QueueKey(pod.NamespaceOf(), claim)));
        Watch(Volumes, volume => volume.StringAt("spec", "claimRef", "name") is { } claim
            ? [new QueueKey(volume.StringAt("spec", "claimRef", "namespace") ?? string.Empty, claim)]
            : []);
    }

    protected override TimeSpan? Reconcile(QueueKey key)
    {
        var claim = Api.Get(Claims, key.Namespace, key.Name);
        ReleaseVolumes(key, claim?.UidOf());
        if (claim is null)
        {
            return null;
        }

        if (claim.IsBeingDeleted())
        {
            Unprotect(claim);
        }
        else if (claim.StringAt("spec", "storageClassName") == ClassName)
        {
            Provide(claim);
        }

        return null;
    }

    private void EnsureClass()
    {
        if (Api.Get(Classes, null, ClassName) is not null)
        {
            return;
        }

        Api.Create(
            Classes,
            null,
            new JsonObject
            {
                ["apiVersion"] = "storage.k8s.io/v1",
                ["kind"] = "StorageClass",
                ["metadata"] = new JsonObject
                {
                    ["name"] = ClassName,
                    ["annotations"] = new JsonObject { ["storageclass.kubernetes.io/is-default-class"] = "true" },
                },
                ["provisioner"] = Provisioner,
                ["reclaimPolicy"] = "Delete",
                ["allowVolumeExpansion"] = true,
                ["volumeBindingMode"] = "Immediate",
            },
            Name);
    }

    private void Provide(JsonObject claim)
    {
        if (!claim.StringsAt("metadata", "finalizers").Contains(ClaimProtection))
        {
            claim.Metadata()["finalizers"] = JsonAccess.StringArray([.. claim.StringsAt("metadata", "finalizers"), ClaimProtection]);
            claim = Api.Update(Claims, claim, Name);
        }

        var wanted = claim.At("spec", "resources", "requests", "storage")?.DeepClone();
        var name = claim.StringAt("spec", "volumeName") is { Length: > 0 } bound ? bound : "pvc-" + claim.UidOf();
        var volume = Api.Get(Volumes, null, name) ?? CreateVolume(claim, name, wanted);
        if (volume.StringAt("spec", "claimRef", "uid") != claim.UidOf())
        {
            return;
        }

        if (claim.StringAt("spec", "volumeName") != name)
        {
            claim["spec"]!["volumeName"] = name;
            claim = Api.Update(Claims, claim, Name);
        }

        if (Quantity.Parse(wanted) > Quantity.Parse(volume.At("spec", "capacity", "storage")))
        {
            volume["spec"]!["capacity"]!["storage"] = wanted?.DeepClone();
            volume = Api.Update(Volumes, volume, Name);
            Events.Normal(claim, "FileSystemResizeSuccessful", "MountVolume.NodeExpandVolume succeeded for volume \"" + name + "\" local");
        }

        WriteStatus(Volumes, volume, new JsonObject { ["phase"] = "Bound" });
        WriteStatus(Claims, claim, new JsonObject
        {
            ["accessModes"] = claim.At("spec", "accessModes")?.DeepClone(),
            ["capacity"] = new JsonObject { ["storage"] = volume.At("spec", "capacity", "storage")?.DeepClone() },
            ["phase"] = "Bound",
        });
    }

    private JsonObject CreateVolume(JsonObject claim, string name, JsonNode? size)
    {
        var path = Path.Join(_folder, $"{name}_{claim.NamespaceOf()}_{claim.NameOf()}");
        Directory.CreateDirectory(path);
        var volume = Api.Create(
            Volumes,
            null,
            new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "PersistentVolume",
                ["metadata"] = new JsonObject { ["name"] = name, ["annotations"] = new JsonObject { ["pv.kubernetes.io/provisioned-by"] = Provisioner } },
                ["spec"] = new JsonObject
                {
                    ["accessModes"] = claim.At("spec", "accessModes")?.DeepClone(),
                    ["capacity"] = new JsonObject { ["storage"] = size?.DeepClone() },
                    ["claimRef"] = new JsonObject
                    {
                        ["apiVersion"] = "v1",
                        ["kind"] = "PersistentVolumeClaim",
                        ["name"] = claim.NameOf(),
                        ["namespace"] = claim.NamespaceOf(),
                        ["uid"] = claim.UidOf(),
                    },
                    ["local"] = new JsonObject { ["path"] = path },
                    ["nodeAffinity"] = new JsonObject
                    {
                        ["required"] = new JsonObject
                        {
                            ["nodeSelectorTerms"] = new JsonArray(new JsonObject
                            {
                                ["matchExpressions"] = new JsonArray(new JsonObject
                                {
                                    ["key"] = "kubernetes.io/hostname",
                                    ["operator"] = "In",
                                    ["values"] = new JsonArray(NodeDocument.NodeName),
                                }),
                            }),
                        },
                    },
                    ["persistentVolumeReclaimPolicy"] = Api.Get(Classes, null, ClassName)?.StringAt("reclaimPolicy") ?? "Delete",
                    ["storageClassName"] = ClassName,
                    ["volumeMode"] = "Filesystem",
                },
            },
            Name);
        Events.Normal(claim, "ProvisioningSucceeded", $"Successfully provisioned volume {name}");
        return volume;
    }

    /// <summary>Lets a deleted claim go once no pod uses it.</summary>
    private void Unprotect(JsonObject claim)
    {
        var rest = claim.StringsAt("metadata", "finalizers").Where(finalizer => finalizer != ClaimProtection).ToList();
        var used = Api.List("pods", claim.NamespaceOf()).Any(pod =>
            pod.StringAt("status", "phase") is not ("Succeeded" or "Failed")
            && pod.ObjectsAt("spec", "volumes").Any(volume => volume.StringAt("persistentVolumeClaim", "claimName") == claim.NameOf()));
        if (!used && rest.Count < claim.StringsAt("metadata", "finalizers").Count)
        {
            claim.Metadata()["finalizers"] = JsonAccess.StringArray(rest);
            Api.Update(Claims, claim, Name);
        }
    }

    /// <summary>Volumes whose claim is gone are removed with their directory, or only released when they are to be retained.</summary>
    private void ReleaseVolumes(QueueKey key, string? claimUid)
    {
        foreach (var volume in Api.List(Volumes))
        {
            if (volume.StringAt("spec", "claimRef", "namespace") != key.Namespace
                || volume.StringAt("spec", "claimRef", "name") != key.Name
                || volume.StringAt("spec", "claimRef", "uid") == claimUid
                || volume.StringAt("metadata", "annotations", "pv.kubernetes.io/provisioned-by") != Provisioner)
            {
                continue;
            }

            if (volume.StringAt("spec", "persistentVolumeReclaimPolicy") != "Delete")
            {
                WriteStatus(Volumes, volume, new JsonObject { ["phase"] = "Released" });
                continue;
            }

            if (volume.StringAt("spec", "local", "path") is { } path && path.StartsWith(_folder + "/", StringComparison.Ordinal) && Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }

            DeleteIfThere(Volumes, volume);
        }
    }
}
