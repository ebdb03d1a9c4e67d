using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Values;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;

namespace MetricsOperator.Planning.Stacks;

/// <summary>The Deployment of one replica: one pod, replaced only after it is gone, because one data directory has one writer.</summary>
internal static class ServerDeployment
{
    public static PlannedObject Build(StackSnapshot stack, int index)
    {
        var name = StackNames.Replica(stack.Name, index);
        var labels = StackNames.Labels(stack.Name);
        labels[StackNames.ReplicaLabel] = index.ToString(CultureInfo.InvariantCulture);
        var deployment = new V1Deployment
        {
            Metadata = StackMeta.Owned(stack, name, replica: index),
            Spec = new V1DeploymentSpec
            {
                Replicas = 1,
                RevisionHistoryLimit = 2,
                Strategy = new V1DeploymentStrategy { Type = "Recreate" },
                Selector = new V1LabelSelector { MatchLabels = StackNames.PodSelector(stack.Name, index) },
                Template = new V1PodTemplateSpec
                {
                    Metadata = new V1ObjectMeta
                    {
                        Labels = labels,
                        Annotations = new Dictionary<string, string> { ["kubectl.kubernetes.io/default-container"] = StackNames.ServerContainer },
                    },
                    Spec = Pod(stack, index, name),
                },
            },
        };
        var body = JsonNode.Parse(ResourceKinds.Deployments.Serialize(deployment))!.AsObject();
        if (stack.Spec.PodTemplate is { } template)
        {
            var overlay = new JsonObject();
            AddCopy(overlay, "metadata", template.Metadata);
            AddCopy(overlay, "spec", template.Spec);
            body["spec"]!["template"] = PodTemplateMerge.Merge(body["spec"]!["template"], overlay);
        }

        return PlannedObject.Of(ResourceKinds.Deployments, body);
    }

    private static V1PodSpec Pod(StackSnapshot stack, int index, string name) => new()
    {
        ServiceAccountName = StackNames.ServiceAccount(stack.Name),
        TerminationGracePeriodSeconds = 120,
        SecurityContext = new V1PodSecurityContext
        {
            RunAsNonRoot = true,
            RunAsUser = 65532,
            RunAsGroup = 65532,
            FsGroup = 65532,
            FsGroupChangePolicy = "OnRootMismatch",
            SeccompProfile = new V1SeccompProfile { Type = "RuntimeDefault" },
        },
        Containers = [ServerContainer.Build(stack, name)],
        Volumes = [Config(stack), Data(stack, index)],
        Affinity = stack.Spec.Replicas > 1 ? AntiAffinity(stack.Name) : null,
        TopologySpreadConstraints = stack.Spec.Replicas > 1 ? Spread(stack.Name) : null,
    };

    // One directory for configuration, credentials, token and CA: the kubelet swaps them together, and file names in the
    // configuration are relative to it.
    private static V1Volume Config(StackSnapshot stack) => new()
    {
        Name = StackNames.ConfigVolume,
        Projected = new V1ProjectedVolumeSource
        {
            Sources =
            [
                new V1VolumeProjection
                {
                    ConfigMap = new V1NamedProjection
                    {
                        Name = StackNames.Config(stack.Name),
                        Items = [new V1KeyToPath { Key = Scraping.ServerConfigRenderer.FileName, Path = Scraping.ServerConfigRenderer.FileName }],
                    },
                },
                new V1VolumeProjection { Secret = new V1NamedProjection { Name = StackNames.Credentials(stack.Name) } },
                new V1VolumeProjection { ServiceAccountToken = new V1ServiceAccountTokenProjection { Path = Scraping.CredentialFiles.ServiceAccountToken, ExpirationSeconds = 3607 } },
                new V1VolumeProjection
                {
                    ConfigMap = new V1NamedProjection
                    {
                        Name = "kube-root-ca.crt",
                        Items = [new V1KeyToPath { Key = "ca.crt", Path = Scraping.CredentialFiles.ClusterCa }],
                    },
                },
            ],
        },
    };

    private static V1Volume Data(StackSnapshot stack, int index) => stack.Spec.Storage.Volume == StorageSpec.EmptyDir
        ? new V1Volume
        {
            Name = StackNames.DataVolume,
            EmptyDir = new V1EmptyDirVolumeSource { SizeLimit = ResourceQuantity.FromBytes(Quantity.ParseBytes(stack.Spec.Storage.Size)) },
        }
        : new V1Volume
        {
            Name = StackNames.DataVolume,
            PersistentVolumeClaim = new V1PersistentVolumeClaimVolumeSource { ClaimName = StackNames.Claim(stack.Name, index) },
        };

    private static JsonElement AntiAffinity(string stack) => JsonSerializer.SerializeToElement(new JsonObject
    {
        ["podAntiAffinity"] = new JsonObject
        {
            ["preferredDuringSchedulingIgnoredDuringExecution"] = new JsonArray(new JsonObject
            {
                ["weight"] = 100,
                ["podAffinityTerm"] = new JsonObject { ["labelSelector"] = Selector(stack), ["topologyKey"] = "kubernetes.io/hostname" },
            }),
        },
    });

    private static JsonElement Spread(string stack) => JsonSerializer.SerializeToElement(new JsonArray(new JsonObject
    {
        ["maxSkew"] = 1,
        ["topologyKey"] = "topology.kubernetes.io/zone",
        ["whenUnsatisfiable"] = "ScheduleAnyway",
        ["labelSelector"] = Selector(stack),
    }));

    private static JsonObject Selector(string stack) => new()
    {
        ["matchLabels"] = new JsonObject(StackNames.PodSelector(stack).Select(l => KeyValuePair.Create(l.Key, (JsonNode?)l.Value))),
    };

    private static void AddCopy(JsonObject to, string name, JsonObject? value)
    {
        if (value is not null)
        {
            to[name] = value.DeepClone();
        }
    }
}
