using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Proxy;

namespace MetricsOperator.LocalCluster.Tests.Proxy;

public sealed class IngressRoutesTests
{
    private static readonly IngressRoutes Routes = new(
    [
        (JsonObject)JsonNode.Parse("""
        {"metadata":{"name":"i","namespace":"n","creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{
          "defaultBackend":{"service":{"name":"fallback","port":{"number":1}}},
          "rules":[
            {"host":"a.example","http":{"paths":[
              {"path":"/","pathType":"Prefix","backend":{"service":{"name":"root","port":{"number":80}}}},
              {"path":"/api","pathType":"Prefix","backend":{"service":{"name":"api","port":{"name":"http"}}}},
              {"path":"/api/exact","pathType":"Exact","backend":{"service":{"name":"exact","port":{"number":80}}}}]}},
            {"host":"*.wild.example","http":{"paths":[{"path":"/","pathType":"Prefix","backend":{"service":{"name":"wild","port":{"number":80}}}}]}},
            {"http":{"paths":[{"path":"/any","pathType":"Prefix","backend":{"service":{"name":"any","port":{"number":80}}}}]}}]}}
        """)!,
    ]);

    [Theory]
    [InlineData("a.example", "/", "root")]
    [InlineData("A.example", "/x", "root")]
    [InlineData("a.example", "/api", "api")]
    [InlineData("a.example", "/api/v1", "api")]
    [InlineData("a.example", "/apix", "root")]
    [InlineData("a.example", "/api/exact", "exact")]
    [InlineData("a.example", "/api/exact/", "api")]
    [InlineData("b.wild.example", "/", "wild")]
    [InlineData("c.b.wild.example", "/", "fallback")]
    [InlineData("other", "/any/thing", "any")]
    [InlineData("other", "/", "fallback")]
    public void Find_takes_the_most_specific_rule(string host, string path, string service) => Assert.Equal(service, Routes.Find(host, path)?.Service);

    [Fact]
    public void Find_without_any_rule_is_null() => Assert.Null(new IngressRoutes([]).Find("a", "/"));
}
