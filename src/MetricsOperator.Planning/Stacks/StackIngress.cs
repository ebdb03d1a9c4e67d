using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;

namespace MetricsOperator.Planning.Stacks;

/// <summary>The way in from outside of the cluster.</summary>
internal static class StackIngress
{
    public static PlannedObject? Build(StackSnapshot stack)
    {
        if (stack.Spec.Ingress is not { } ingress)
        {
            return null;
        }

        return PlannedObject.Of(ResourceKinds.Ingresses, new V1Ingress
        {
            Metadata = StackMeta.Owned(stack, stack.Name, ingress.Annotations),
            Spec = new V1IngressSpec
            {
                IngressClassName = ingress.ClassName,
                Tls = ingress.TlsSecretName is null ? null : [new V1IngressTLS { SecretName = ingress.TlsSecretName, Hosts = ingress.Host is null ? null : [ingress.Host] }],
                Rules =
                [
                    new V1IngressRule
                    {
                        Host = ingress.Host,
                        Http = new V1HTTPIngressRuleValue
                        {
                            Paths =
                            [
                                new V1HTTPIngressPath
                                {
                                    Path = ingress.Path,
                                    PathType = "Prefix",
                                    Backend = new V1IngressBackend
                                    {
                                        Service = new V1IngressServiceBackend { Name = stack.Name, Port = new V1ServiceBackendPort { Name = StackNames.WebPortName } },
                                    },
                                },
                            ],
                        },
                    },
                ],
            },
        });
    }
}
