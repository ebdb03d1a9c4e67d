namespace MetricsOperator.LocalCluster.Kubelet.Volumes;

/// <summary>One file of a ConfigMap, Secret or projected volume.</summary>
/// <param name="Content">The bytes.</param>
/// <param name="Mode">Permission bits, for example 0644 octal.</param>
internal readonly record struct PayloadFile(byte[] Content, UnixFileMode Mode)
{
    /// <summary>rw-r--r--, the default of every such volume.</summary>
    public const UnixFileMode DefaultMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
}
