namespace MetricsOperator.KubeClient.Models;

/// <summary>One container of a pod.</summary>
public sealed record V1Container
{
    public string? Name { get; init; }
    public string? Image { get; init; }
    public string? ImagePullPolicy { get; init; }
    public IReadOnlyList<string>? Command { get; init; }
    public IReadOnlyList<string>? Args { get; init; }
    public string? WorkingDir { get; init; }
    public IReadOnlyList<V1ContainerPort>? Ports { get; init; }
    public IReadOnlyList<V1EnvVar>? Env { get; init; }
    public IReadOnlyList<V1EnvFromSource>? EnvFrom { get; init; }
    public V1ResourceRequirements? Resources { get; init; }
    public IReadOnlyList<V1VolumeMount>? VolumeMounts { get; init; }
    public V1Probe? LivenessProbe { get; init; }
    public V1Probe? ReadinessProbe { get; init; }
    public V1Probe? StartupProbe { get; init; }
    public V1Lifecycle? Lifecycle { get; init; }
    public string? TerminationMessagePath { get; init; }

    /// <summary><c>File</c> or <c>FallbackToLogsOnError</c>.</summary>
    public string? TerminationMessagePolicy { get; init; }
    public V1SecurityContext? SecurityContext { get; init; }

    /// <summary><c>Always</c> on an init container makes it a sidecar.</summary>
    public string? RestartPolicy { get; init; }
}

/// <summary>A port a container listens on.</summary>
public sealed record V1ContainerPort
{
    public string? Name { get; init; }
    public int? ContainerPort { get; init; }
    public int? HostPort { get; init; }
    public string? HostIP { get; init; }
    public string? Protocol { get; init; }
}

/// <summary>One environment variable: a value (with <c>$(NAME)</c> expansion) or a source.</summary>
public sealed record V1EnvVar
{
    public string? Name { get; init; }
    public string? Value { get; init; }
    public V1EnvVarSource? ValueFrom { get; init; }
}

/// <summary>Exactly one is set.</summary>
public sealed record V1EnvVarSource
{
    public V1ObjectFieldSelector? FieldRef { get; init; }
    public V1ResourceFieldSelector? ResourceFieldRef { get; init; }
    public V1SecretKeySelector? SecretKeyRef { get; init; }
    public V1ConfigMapKeySelector? ConfigMapKeyRef { get; init; }
}

/// <summary>A field of the pod, for example <c>status.podIP</c>.</summary>
public sealed record V1ObjectFieldSelector
{
    public string? ApiVersion { get; init; }
    public string? FieldPath { get; init; }
}

/// <summary>A container resource, for example <c>limits.memory</c>, in units of the divisor.</summary>
public sealed record V1ResourceFieldSelector
{
    public string? ContainerName { get; init; }
    public string? Resource { get; init; }
    public ResourceQuantity? Divisor { get; init; }
}

/// <summary>One key of a Secret.</summary>
public sealed record V1SecretKeySelector
{
    public string? Name { get; init; }
    public string? Key { get; init; }
    public bool? Optional { get; init; }
}

/// <summary>One key of a ConfigMap.</summary>
public sealed record V1ConfigMapKeySelector
{
    public string? Name { get; init; }
    public string? Key { get; init; }
    public bool? Optional { get; init; }
}

/// <summary>All keys of a ConfigMap or Secret as variables.</summary>
public sealed record V1EnvFromSource
{
    public string? Prefix { get; init; }
    public V1EnvSourceReference? ConfigMapRef { get; init; }
    public V1EnvSourceReference? SecretRef { get; init; }
}

/// <summary>Names the ConfigMap or Secret of a <see cref="V1EnvFromSource"/>.</summary>
public sealed record V1EnvSourceReference
{
    public string? Name { get; init; }
    public bool? Optional { get; init; }
}

/// <summary>Requests and limits by resource name (<c>cpu</c>, <c>memory</c>).</summary>
public sealed record V1ResourceRequirements
{
    public IReadOnlyDictionary<string, ResourceQuantity>? Limits { get; init; }
    public IReadOnlyDictionary<string, ResourceQuantity>? Requests { get; init; }
}

/// <summary>Where a volume appears in a container.</summary>
public sealed record V1VolumeMount
{
    public string? Name { get; init; }
    public string? MountPath { get; init; }
    public string? SubPath { get; init; }
    public bool? ReadOnly { get; init; }
}

/// <summary>A health check; times in seconds.</summary>
public sealed record V1Probe
{
    public V1HTTPGetAction? HttpGet { get; init; }
    public V1TCPSocketAction? TcpSocket { get; init; }
    public V1ExecAction? Exec { get; init; }
    public int? InitialDelaySeconds { get; init; }
    public int? PeriodSeconds { get; init; }
    public int? TimeoutSeconds { get; init; }
    public int? SuccessThreshold { get; init; }
    public int? FailureThreshold { get; init; }
    public long? TerminationGracePeriodSeconds { get; init; }
}

/// <summary>HTTP GET; 200..399 is success.</summary>
public sealed record V1HTTPGetAction
{
    public string? Path { get; init; }
    public IntOrString? Port { get; init; }
    public string? Host { get; init; }
    public string? Scheme { get; init; }
    public IReadOnlyList<V1HTTPHeader>? HttpHeaders { get; init; }
}

/// <summary>One header of a probe.</summary>
public sealed record V1HTTPHeader
{
    public string? Name { get; init; }
    public string? Value { get; init; }
}

/// <summary>TCP connect.</summary>
public sealed record V1TCPSocketAction
{
    public IntOrString? Port { get; init; }
    public string? Host { get; init; }
}

/// <summary>Run a command in the container.</summary>
public sealed record V1ExecAction
{
    public IReadOnlyList<string>? Command { get; init; }
}

/// <summary>Hooks around a container's life.</summary>
public sealed record V1Lifecycle
{
    public V1LifecycleHandler? PostStart { get; init; }
    public V1LifecycleHandler? PreStop { get; init; }
}

/// <summary>Exactly one is set.</summary>
public sealed record V1LifecycleHandler
{
    public V1ExecAction? Exec { get; init; }
    public V1HTTPGetAction? HttpGet { get; init; }
}

/// <summary>Security settings of one container.</summary>
public sealed record V1SecurityContext
{
    public long? RunAsUser { get; init; }
    public long? RunAsGroup { get; init; }
    public bool? RunAsNonRoot { get; init; }
    public bool? ReadOnlyRootFilesystem { get; init; }
    public bool? AllowPrivilegeEscalation { get; init; }
    public bool? Privileged { get; init; }
    public V1Capabilities? Capabilities { get; init; }
    public V1SeccompProfile? SeccompProfile { get; init; }
}

/// <summary>Linux capabilities to add and drop.</summary>
public sealed record V1Capabilities
{
    public IReadOnlyList<string>? Add { get; init; }
    public IReadOnlyList<string>? Drop { get; init; }
}
