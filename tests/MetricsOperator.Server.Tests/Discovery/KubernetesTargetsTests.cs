using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Server.Discovery;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Tests.Discovery;

public sealed class KubernetesTargetsTests
{
    private static readonly V1Pod Pod = new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = "web-1",
            Namespace = "shop",
            Uid = "u-1",
            Labels = new Dictionary<string, string> { ["app.kubernetes.io/name"] = "web" },
            Annotations = new Dictionary<string, string> { ["scrape/me"] = "yes" },
            OwnerReferences = [new V1OwnerReference { Kind = "ReplicaSet", Name = "web", Controller = true }],
        },
        Spec = new V1PodSpec
        {
            NodeName = "node-a",
            Containers =
            [
                new V1Container { Name = "main", Image = "web:1", Ports = [new V1ContainerPort { Name = "http", ContainerPort = 8080 }, new V1ContainerPort { ContainerPort = 9000, Protocol = "TCP" }] },
                new V1Container { Name = "side", Image = "side:1" },
            ],
            InitContainers = [new V1Container { Name = "init", Image = "init:1" }],
        },
        Status = new V1PodStatus
        {
            PodIP = "10.0.0.1",
            HostIP = "192.168.0.1",
            Phase = "Running",
            Conditions = [new V1PodCondition { Type = "Ready", Status = "True" }],
            ContainerStatuses = [new V1ContainerStatus { Name = "main", ContainerID = "containerd://1" }],
        },
    };

    private static readonly V1Service Service = new()
    {
        Metadata = new V1ObjectMeta { Name = "web", Namespace = "shop", Labels = new Dictionary<string, string> { ["tier"] = "front" } },
        Spec = new V1ServiceSpec { Type = "ClusterIP", ClusterIP = "10.1.0.1", Ports = [new V1ServicePort { Name = "http", Port = 80, Protocol = "TCP" }] },
    };

    private static readonly EndpointLookups Lookups = new(
        key => key == new ObjectKey("shop", "web-1") ? Pod : null,
        key => key == new ObjectKey("shop", "web") ? Service : null,
        (_, _) => { },
        (_, _) => { });

    [Fact]
    public void Pod_gives_a_target_per_port_and_one_per_container_without_ports()
    {
        var targets = PodTargets.Build(Pod, _ => { }).ToList();
        Assert.Equal(["10.0.0.1:8080", "10.0.0.1:9000", "10.0.0.1", "10.0.0.1"], targets.Select(t => t.Get("__address__")));
        AssertLabels(
            targets[0],
            """
            __address__=10.0.0.1:8080
            __meta_kubernetes_namespace=shop
            __meta_kubernetes_pod_annotation_scrape_me=yes
            __meta_kubernetes_pod_annotationpresent_scrape_me=true
            __meta_kubernetes_pod_container_id=containerd://1
            __meta_kubernetes_pod_container_image=web:1
            __meta_kubernetes_pod_container_init=false
            __meta_kubernetes_pod_container_name=main
            __meta_kubernetes_pod_container_port_name=http
            __meta_kubernetes_pod_container_port_number=8080
            __meta_kubernetes_pod_container_port_protocol=TCP
            __meta_kubernetes_pod_controller_kind=ReplicaSet
            __meta_kubernetes_pod_controller_name=web
            __meta_kubernetes_pod_host_ip=192.168.0.1
            __meta_kubernetes_pod_ip=10.0.0.1
            __meta_kubernetes_pod_label_app_kubernetes_io_name=web
            __meta_kubernetes_pod_labelpresent_app_kubernetes_io_name=true
            __meta_kubernetes_pod_name=web-1
            __meta_kubernetes_pod_node_name=node-a
            __meta_kubernetes_pod_phase=Running
            __meta_kubernetes_pod_ready=true
            __meta_kubernetes_pod_uid=u-1
            """);
        Assert.Equal("true", targets[3].Get("__meta_kubernetes_pod_container_init"));
    }

    [Fact]
    public void Pod_without_an_address_is_no_target() => Assert.Empty(PodTargets.Build(Pod with { Status = new V1PodStatus { Phase = "Pending" } }, _ => { }));

    [Fact]
    public void Service_is_its_dns_name() => AssertLabels(
        ServiceTargets.Build(Service, _ => { }).Single(),
        """
        __address__=web.shop.svc:80
        __meta_kubernetes_namespace=shop
        __meta_kubernetes_service_cluster_ip=10.1.0.1
        __meta_kubernetes_service_label_tier=front
        __meta_kubernetes_service_labelpresent_tier=true
        __meta_kubernetes_service_name=web
        __meta_kubernetes_service_port_name=http
        __meta_kubernetes_service_port_number=80
        __meta_kubernetes_service_port_protocol=TCP
        __meta_kubernetes_service_type=ClusterIP
        """);

    [Fact]
    public void Node_is_its_kubelet()
    {
        var node = new V1Node
        {
            Metadata = new V1ObjectMeta { Name = "node-a", Labels = new Dictionary<string, string> { ["kubernetes.io/os"] = "linux" } },
            Spec = new V1NodeSpec { ProviderID = "p://1" },
            Status = new V1NodeStatus
            {
                Addresses = [new V1NodeAddress { Type = "Hostname", Address = "a" }, new V1NodeAddress { Type = "InternalIP", Address = "fd00::1" }],
                DaemonEndpoints = new V1NodeDaemonEndpoints { KubeletEndpoint = new V1DaemonEndpoint { Port = 10250 } },
            },
        };
        AssertLabels(
            NodeTargets.Build(node).Single(),
            """
            __address__=[fd00::1]:10250
            __meta_kubernetes_node_address_Hostname=a
            __meta_kubernetes_node_address_InternalIP=fd00::1
            __meta_kubernetes_node_label_kubernetes_io_os=linux
            __meta_kubernetes_node_labelpresent_kubernetes_io_os=true
            __meta_kubernetes_node_name=node-a
            __meta_kubernetes_node_provider_id=p://1
            instance=node-a
            """);
    }

    [Fact]
    public void Endpoint_slice_carries_service_pod_and_the_uncovered_ports()
    {
        var slice = new V1EndpointSlice
        {
            Metadata = new V1ObjectMeta { Name = "web-x", Namespace = "shop", Labels = new Dictionary<string, string> { ["kubernetes.io/service-name"] = "web" } },
            AddressType = "IPv4",
            Ports = [new Discoveryv1EndpointPort { Name = "http", Port = 8080, Protocol = "TCP" }],
            Endpoints =
            [
                new V1Endpoint
                {
                    Addresses = ["10.0.0.1"],
                    Conditions = new V1EndpointConditions { Ready = true },
                    NodeName = "node-a",
                    TargetRef = new V1ObjectReference { Kind = "Pod", Name = "web-1", Namespace = "shop" },
                },
                new V1Endpoint { Addresses = ["10.0.0.9"], TargetRef = new V1ObjectReference { Kind = "External", Name = "e" } },
            ],
        };
        var targets = EndpointTargets.Build(slice, Lookups);
        Assert.Equal(["10.0.0.1:8080", "10.0.0.9:8080", "10.0.0.1:9000"], targets.Select(t => t.Get("__address__")));
        AssertHas(
            targets[0],
            """
            __meta_kubernetes_endpointslice_address_target_kind=Pod
            __meta_kubernetes_endpointslice_address_target_name=web-1
            __meta_kubernetes_endpointslice_address_type=IPv4
            __meta_kubernetes_endpointslice_endpoint_conditions_ready=true
            __meta_kubernetes_endpointslice_endpoint_node_name=node-a
            __meta_kubernetes_endpointslice_label_kubernetes_io_service_name=web
            __meta_kubernetes_endpointslice_name=web-x
            __meta_kubernetes_endpointslice_port=8080
            __meta_kubernetes_endpointslice_port_name=http
            __meta_kubernetes_endpointslice_port_protocol=TCP
            __meta_kubernetes_namespace=shop
            __meta_kubernetes_pod_container_name=main
            __meta_kubernetes_pod_container_port_number=8080
            __meta_kubernetes_pod_name=web-1
            __meta_kubernetes_service_label_tier=front
            __meta_kubernetes_service_name=web
            """);
        Assert.Equal("", targets[1].Get("__meta_kubernetes_pod_name"));
        Assert.Equal(("9000", "web"), (targets[2].Get("__meta_kubernetes_pod_container_port_number"), targets[2].Get("__meta_kubernetes_service_name")));
    }

    [Fact]
    public void Endpoints_tell_ready_from_not_ready()
    {
        var endpoints = new V1Endpoints
        {
            Metadata = new V1ObjectMeta { Name = "web", Namespace = "shop" },
            Subsets =
            [
                new V1EndpointSubset
                {
                    Ports = [new Corev1EndpointPort { Name = "http", Port = 80, Protocol = "TCP" }],
                    Addresses = [new V1EndpointAddress { Ip = "10.0.0.7", NodeName = "n", Hostname = "h" }],
                    NotReadyAddresses = [new V1EndpointAddress { Ip = "10.0.0.8" }],
                },
            ],
        };
        var targets = EndpointTargets.Build(endpoints, Lookups);
        AssertHas(
            targets[0],
            """
            __address__=10.0.0.7:80
            __meta_kubernetes_endpoint_hostname=h
            __meta_kubernetes_endpoint_node_name=n
            __meta_kubernetes_endpoint_port_name=http
            __meta_kubernetes_endpoint_port_protocol=TCP
            __meta_kubernetes_endpoint_ready=true
            __meta_kubernetes_endpoints_name=web
            __meta_kubernetes_service_name=web
            """);
        Assert.Equal("false", targets[1].Get("__meta_kubernetes_endpoint_ready"));
    }

    private static string Lines(LabelSet labels) => string.Join('\n', labels.ToPairs().Select(p => $"{p.Key}={p.Value}"));

    private static void AssertLabels(LabelSet labels, string expected) => Assert.Equal(expected, Lines(labels));

    private static void AssertHas(LabelSet labels, string expected) => Assert.Subset(Lines(labels).Split('\n').ToHashSet(), expected.Split('\n').ToHashSet());
}
