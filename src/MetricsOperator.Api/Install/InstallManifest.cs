using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.Api.Schema;

namespace MetricsOperator.Api.Install;

/// <summary>The plain install manifest and the RBAC template of the chart.</summary>
public static class InstallManifest
{
    /// <summary>Namespace, service account and Deployment name of the plain install.</summary>
    public const string Name = "metrics-operator";

    private const string Workload = """
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: metrics-operator
          namespace: metrics-operator
          labels:
            app.kubernetes.io/name: metrics-operator
        spec:
          replicas: 1
          selector:
            matchLabels:
              app.kubernetes.io/name: metrics-operator
          template:
            metadata:
              labels:
                app.kubernetes.io/name: metrics-operator
              annotations:
                kubectl.kubernetes.io/default-container: operator
            spec:
              serviceAccountName: metrics-operator
              securityContext:
                runAsNonRoot: true
                runAsUser: 65532
                runAsGroup: 65532
                seccompProfile:
                  type: RuntimeDefault
              containers:
              - name: operator
                image: metricsoperator/operator:0.1.0
                args:
                - --leader-elect
                - --metrics-bind-address=$(POD_IP):8080
                - --health-probe-bind-address=$(POD_IP):8081
                - --server-image=metricsoperator/server:0.1.0
                - --server-listen=any
                env:
                - name: POD_IP
                  valueFrom:
                    fieldRef:
                      fieldPath: status.podIP
                - name: POD_NAME
                  valueFrom:
                    fieldRef:
                      fieldPath: metadata.name
                - name: POD_NAMESPACE
                  valueFrom:
                    fieldRef:
                      fieldPath: metadata.namespace
                - name: DOTNET_EnableDiagnostics
                  value: "0"
                - name: DOTNET_EnableWriteXorExecute
                  value: "0"
                - name: DOTNET_TieredPGO
                  value: "0"
                - name: MALLOC_ARENA_MAX
                  value: "2"
                ports:
                - name: metrics
                  containerPort: 8080
                - name: health
                  containerPort: 8081
                livenessProbe:
                  httpGet:
                    path: /healthz
                    port: 8081
                  periodSeconds: 20
                readinessProbe:
                  httpGet:
                    path: /readyz
                    port: 8081
                  periodSeconds: 2
                resources:
                  requests:
                    cpu: 50m
                    memory: 192Mi
                  limits:
                    memory: 192Mi
                securityContext:
                  allowPrivilegeEscalation: false
                  readOnlyRootFilesystem: true
                  capabilities:
                    drop:
                    - ALL

        """;

    /// <summary>Namespace, service account, role and Deployment, ready for <c>kubectl apply</c> after the CRDs.</summary>
    public static string Plain()
    {
        var text = new StringBuilder();
        foreach (var document in Documents())
        {
            text.Append("---\n").Append(YamlText.Write(document));
        }

        return text.Append(Workload).ToString();
    }

    /// <summary>The same role as a template whose names come from the release.</summary>
    public static string ChartRole()
    {
        var rules = YamlText.Write(new JsonObject { ["rules"] = OperatorAccess.ToPolicyRules() });
        return $$$"""
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata:
              name: {{ include "metrics-operator.fullname" . }}
              labels:
                {{- include "metrics-operator.labels" . | nindent 4 }}
            {{{rules}}}---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata:
              name: {{ include "metrics-operator.fullname" . }}
              labels:
                {{- include "metrics-operator.labels" . | nindent 4 }}
            roleRef:
              apiGroup: rbac.authorization.k8s.io
              kind: ClusterRole
              name: {{ include "metrics-operator.fullname" . }}
            subjects:
            - kind: ServiceAccount
              name: {{ include "metrics-operator.serviceAccountName" . }}
              namespace: {{ .Release.Namespace }}

            """;
    }

    private static IEnumerable<JsonObject> Documents()
    {
        yield return new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = Name } };
        yield return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "ServiceAccount",
            ["metadata"] = new JsonObject { ["name"] = Name, ["namespace"] = Name },
        };
        yield return new JsonObject
        {
            ["apiVersion"] = "rbac.authorization.k8s.io/v1",
            ["kind"] = "ClusterRole",
            ["metadata"] = new JsonObject { ["name"] = Name },
            ["rules"] = OperatorAccess.ToPolicyRules(),
        };
        yield return new JsonObject
        {
            ["apiVersion"] = "rbac.authorization.k8s.io/v1",
            ["kind"] = "ClusterRoleBinding",
            ["metadata"] = new JsonObject { ["name"] = Name },
            ["roleRef"] = new JsonObject { ["apiGroup"] = "rbac.authorization.k8s.io", ["kind"] = "ClusterRole", ["name"] = Name },
            ["subjects"] = new JsonArray(new JsonObject { ["kind"] = "ServiceAccount", ["name"] = Name, ["namespace"] = Name }),
        };
    }
}
