namespace MetricsOperator.LocalCluster.Store;

/// <summary>What happened to an object, as named on the wire of a Kubernetes watch.</summary>
public enum WatchEventType
{
    /// <summary>The object is new to this watch.</summary>
    Added,

    /// <summary>The object changed.</summary>
    Modified,

    /// <summary>The object is gone; the event carries its last state.</summary>
    Deleted,
}
