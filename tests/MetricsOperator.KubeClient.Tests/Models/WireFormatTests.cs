using System.Text;
using System.Text.Json;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;

namespace MetricsOperator.KubeClient.Tests.Models;

public sealed class WireFormatTests
{
    private static readonly DateTimeOffset Noon = new(2026, 5, 1, 14, 0, 0, 123, 456, TimeSpan.FromHours(2));

    [Fact]
    public void Times_are_written_in_utc_with_the_digits_the_field_wants()
    {
        var lease = Write(ResourceKinds.Leases, new V1Lease
        {
            Metadata = new V1ObjectMeta { CreationTimestamp = Noon },
            Spec = new V1LeaseSpec { RenewTime = Noon, HolderIdentity = "a" },
        });

        Assert.Contains("\"creationTimestamp\":\"2026-05-01T12:00:00Z\"", lease, StringComparison.Ordinal);
        Assert.Contains("\"renewTime\":\"2026-05-01T12:00:00.123456Z\"", lease, StringComparison.Ordinal);
    }

    [Fact]
    public void Times_with_nanoseconds_and_offsets_are_read()
    {
        var lease = ResourceKinds.Leases.Deserialize("""{"spec":{"renewTime":"2026-05-01T14:00:00.123456789+02:00","acquireTime":null}}"""u8);
        Assert.Equal(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero).AddTicks(1234567), lease.Spec!.RenewTime);
        Assert.Equal(TimeSpan.Zero, lease.Spec.RenewTime!.Value.Offset);
        Assert.Null(lease.Spec.AcquireTime);
    }

    [Fact]
    public void Absent_members_are_not_sent_and_kind_is_always_sent()
        => Assert.Equal(
            """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"x"},"spec":{"replicas":0}}""",
            Write(ResourceKinds.Deployments, new V1Deployment { Metadata = new() { Name = "x" }, Spec = new() { Replicas = 0 } }));

    [Fact]
    public void List_items_without_kind_get_it()
    {
        var list = ObjectDecoder.ReadList("""{"kind":"SecretList","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"s"},"data":{"k":"aGk="}}]}"""u8, ResourceKinds.Secrets);
        Assert.Equal(("v1", "Secret"), (list.Items[0].ApiVersion, list.Items[0].Kind));
        Assert.Equal("hi", Encoding.UTF8.GetString(list.Items[0].Data!["k"]));
    }

    [Fact]
    public void Object_without_metadata_has_empty_metadata()
        => Assert.NotNull(ResourceKinds.Pods.Deserialize("""{"metadata":null}"""u8).Metadata);

    [Fact]
    public void Ports_are_numbers_or_names()
    {
        var service = ResourceKinds.Services.Deserialize("""{"spec":{"ports":[{"targetPort":9090},{"targetPort":"web"}]}}"""u8);
        Assert.Equal(9090, service.Spec!.Ports![0].TargetPort);
        Assert.Equal("web", service.Spec.Ports[1].TargetPort!.Value.Text);
        Assert.Contains("""[{"targetPort":9090},{"targetPort":"web"}]""", Write(ResourceKinds.Services, service), StringComparison.Ordinal);
        Assert.Throws<JsonException>(() => ResourceKinds.Services.Deserialize("""{"spec":{"ports":[{"targetPort":1.5}]}}"""u8));
    }

    [Fact]
    public void Every_kind_says_the_apiVersion_and_kind_it_is_listed_under()
    {
        foreach (var kind in ResourceKinds.All)
        {
            var value = kind.DeserializeObject("{}"u8);
            Assert.Equal((kind.ApiVersion, kind.Kind), (value.ApiVersion, value.Kind));
            Assert.Same(kind, ResourceKinds.Find(kind.ApiVersion, kind.Kind));
        }
    }

    private static string Write<T>(ResourceKind<T> kind, T value)
        where T : class, IKubernetesObject
        => Encoding.UTF8.GetString(kind.Serialize(value));
}
