{{- define "metrics-operator.fullname" -}}
{{- if contains "metrics-operator" .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-metrics-operator" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "metrics-operator.serviceAccountName" -}}
{{- default (include "metrics-operator.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "metrics-operator.selector" -}}
app.kubernetes.io/name: metrics-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "metrics-operator.labels" -}}
{{ include "metrics-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}
