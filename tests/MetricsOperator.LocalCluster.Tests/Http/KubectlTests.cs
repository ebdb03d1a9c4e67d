namespace MetricsOperator.LocalCluster.Tests.Http;

/// <summary>The stock kubectl, end to end; nothing may print a warning.</summary>
public sealed class KubectlTests(ApiWorld world) : IClassFixture<ApiWorld>
{
    private const string Manifest = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, labels: {app: web}}
        spec:
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers:
              - name: app
                image: example/app:1
                env: [{name: A, value: "1"}]
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec: {selector: {app: web}, ports: [{port: 80}]}

        """;

    [Fact]
    public async Task Apply_get_describe_patch_scale_and_delete()
    {
        Assert.Equal("deployment.apps/web created\nservice/web created\n", await Run("apply -f -", Manifest));
        Assert.Equal("deployment.apps/web unchanged\nservice/web unchanged\n", await Run("apply -f -", Manifest));
        Assert.Equal("deployment.apps/web configured\nservice/web unchanged\n", await Run("apply -f -", Manifest.Replace("value: \"1\"", "value: \"2\"", StringComparison.Ordinal)));
        Assert.Matches(@"(?m)^web\s+0/1\s+0\s+0\s+\S+\s+app\s+example/app:1\s+app=web$", await Run("get deployments web -o wide"));
        Assert.Contains("Image:      example/app:1", await Run("describe deployment web"), StringComparison.Ordinal);
        Assert.Contains("127.96.", await Run("describe service web"), StringComparison.Ordinal);
        Assert.Equal("deployment.apps/web patched\n", await Run("patch deployment web -p " + """{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"example/app:2"}]}}}}""".Replace("\"", "\\\"", StringComparison.Ordinal)));
        Assert.Equal("example/app:2_2", await Run("get deployment web -o jsonpath={.spec.template.spec.containers[0].image}_{.spec.template.spec.containers[0].env[0].value}"));
        Assert.Equal("deployment.apps/web scaled\n", await Run("scale deployment web --replicas=3"));
        Assert.Equal("deployment.apps/web condition met\n", await Run("wait --for=jsonpath={.spec.replicas}=3 deployment/web --timeout=5s"));
        Assert.Equal("deployment.apps/web labeled\n", await Run("label deployment web tier=front"));
        Assert.Equal("deployment.apps \"web\" deleted\nservice \"web\" deleted\n", await Run("delete -f -", Manifest));
        var (code, _, errors) = await world.Kubectl("get deployment web");
        Assert.Equal(1, code);
        Assert.Equal("Error from server (NotFound): deployments.apps \"web\" not found\n", errors);
    }

    [Fact]
    public async Task Server_side_apply_reports_conflicts_and_can_force()
    {
        const string Map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ssa}\ndata: {a: \"1\"}\n";
        await Run("apply --server-side --field-manager=one -f -", Map);

        var (code, _, errors) = await world.Kubectl("apply --server-side --field-manager=two -f -", Map.Replace("\"1\"", "\"2\"", StringComparison.Ordinal));
        Assert.Equal(1, code);
        Assert.Contains("Apply failed with 1 conflict: conflict with \"one\": .data.a", errors, StringComparison.Ordinal);

        Assert.Equal("configmap/ssa serverside-applied\n", await Run("apply --server-side --force-conflicts --field-manager=two -f -", Map.Replace("\"1\"", "\"2\"", StringComparison.Ordinal)));
        Assert.Contains("manager: two", await Run("get configmap ssa -o yaml --show-managed-fields"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Discovery_explain_and_access_questions()
    {
        Assert.Matches(@"(?m)^deployments\s+deploy\s+apps/v1\s+true\s+Deployment$", await Run("api-resources"));
        Assert.Contains("apps/v1", await Run("api-versions"), StringComparison.Ordinal);
        Assert.Contains("failureThreshold\t<integer>", await Run("explain pod.spec.containers.livenessProbe"), StringComparison.Ordinal);
        Assert.Equal("yes\n", await Run("auth can-i create deployments"));
        Assert.Equal("no\n", (await world.Kubectl("auth can-i create deployments --as nobody")).Output);
        Assert.Contains("admin", await Run("auth whoami"), StringComparison.Ordinal);
        Assert.Contains("Server Version: v1.32", await Run("version"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Typed_commands_that_send_protobuf()
    {
        await Run("create namespace typed");
        await Run("-n typed create deployment d --image=a/b:1 --replicas=0 --port=8080");
        await Run("-n typed create secret generic s --from-literal=password=hunter2");
        await Run("-n typed create ingress i --rule=example.com/path*=web:80");
        await Run("-n typed create service clusterip web --tcp=80:8080");
        await Run("-n typed create serviceaccount robot");
        await Run("-n typed create role r --verb=get,list --resource=pods");
        await Run("-n typed create rolebinding r --role=r --serviceaccount=typed:robot");

        Assert.Equal("0_a/b:1_8080", await Run("-n typed get deployment d -o jsonpath={.spec.replicas}_{.spec.template.spec.containers[0].image}_{.spec.template.spec.containers[0].ports[0].containerPort}"));
        Assert.Equal("aHVudGVyMg==", await Run("-n typed get secret s -o jsonpath={.data.password}"));
        Assert.Equal("web_/path_Prefix", await Run("-n typed get ingress i -o jsonpath={.spec.rules[0].http.paths[0].backend.service.name}_{.spec.rules[0].http.paths[0].path}_{.spec.rules[0].http.paths[0].pathType}"));
        Assert.Equal("8080", await Run("-n typed get service web -o jsonpath={.spec.ports[0].targetPort}"));
        Assert.Equal("yes\n", await Run("-n typed auth can-i list pods --as system:serviceaccount:typed:robot"));
        Assert.StartsWith("ey", await Run("-n typed create token robot"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unknown_field_is_refused_by_name()
    {
        var deployment = Manifest.Split("---")[0];
        var (code, _, errors) = await world.Kubectl("apply -f -", deployment.Replace("image: example/app:1", "image: example/app:1\n        imgae: x", StringComparison.Ordinal));

        Assert.Equal(1, code);
        Assert.Contains("strict decoding error: unknown field \"spec.template.spec.containers[0].imgae\"", errors, StringComparison.Ordinal);
    }

    private async Task<string> Run(string arguments, string? input = null)
    {
        var (code, output, errors) = await world.Kubectl(arguments, input);
        Assert.True(code == 0, $"kubectl {arguments} exited {code}: {errors}{output}");
        Assert.DoesNotContain("Warning", errors, StringComparison.OrdinalIgnoreCase);
        return output;
    }
}
