using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Planning.Tuning;

namespace MetricsOperator.Planning.Stacks;

/// <summary>Settings of the operator that show in what it plans.</summary>
/// <param name="ServerImage">Image of servers whose stack names none.</param>
/// <param name="ListenOnPodIp">Servers listen on the address of their pod only, not on any address.</param>
public sealed record PlanningSettings(string ServerImage, bool ListenOnPodIp);

/// <summary>What a replica says about its configuration.</summary>
/// <param name="Hash">Hash of the configuration in force.</param>
/// <param name="Error">Why it refused the newest one; empty when it did not.</param>
/// <param name="Phase">replay, ready or stopping.</param>
public sealed record ReplicaReport(string Hash, string Error, string Phase);

/// <summary>Everything one decision needs, read at one time.</summary>
public sealed record StackSnapshot
{
    /// <summary>The stack, with a spec that validation accepted: the newest, or the last good one.</summary>
    public required MetricsStack Stack { get; init; }

    public required PlanningSettings Settings { get; init; }

    /// <summary>Keep-lists of the namespace.</summary>
    public IReadOnlyList<MetricsKeepList> KeepLists { get; init; } = [];

    public TuningLedger Ledger { get; init; } = TuningLedger.Empty;

    /// <summary>The claims of the stack.</summary>
    public IReadOnlyList<V1PersistentVolumeClaim> Claims { get; init; } = [];

    /// <summary>Contents of the credential files, by file name. Null when some cannot be had: then the Secret stays as it is.</summary>
    public IReadOnlyDictionary<string, byte[]>? Credentials { get; init; } = new Dictionary<string, byte[]>();

    public string Name => Stack.Metadata.Name!;

    public string Namespace => Stack.Metadata.Namespace!;

    public MetricsStackSpec Spec => Stack.Spec;

    public string ServerImage => Spec.Image ?? Settings.ServerImage;

    /// <summary>Prefix of all paths of the servers; empty for none.</summary>
    public string RoutePrefix => Spec.Ingress?.Path.TrimEnd('/') ?? "";
}
