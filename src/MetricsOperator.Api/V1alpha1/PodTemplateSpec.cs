using System.ComponentModel;
using System.Text.Json.Nodes;
using MetricsOperator.Api.Schema;

namespace MetricsOperator.Api.V1alpha1;

/// <summary>The escape hatch: a partial pod template in the schema of Kubernetes, kept as it is written.</summary>
public sealed record PodTemplateSpec
{
    [Description("Labels and annotations of the pods.")]
    [PreserveUnknown]
    public JsonObject? Metadata { get; set; }

    [Description("Partial pod spec. The server's container is called server.")]
    [PreserveUnknown]
    public JsonObject? Spec { get; set; }
}
