{{/* What the cluster offers and what is therefore installed. Each answers "true" or "". */}}

{{- define "agentobs.prometheusOperator" -}}
{{- $known := and (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1/PodMonitor") (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1/PrometheusRule") -}}
{{- if eq (toString .Values.prometheusOperator.enabled) "auto" | ternary $known (eq (toString .Values.prometheusOperator.enabled) "true") }}true{{ end -}}
{{- end }}

{{- define "agentobs.grafanaOperator" -}}
{{- $known := .Capabilities.APIVersions.Has "grafana.integreatly.org/v1beta1/GrafanaDashboard" -}}
{{- if eq (toString .Values.grafanaOperator.enabled) "auto" | ternary $known (eq (toString .Values.grafanaOperator.enabled) "true") }}true{{ end -}}
{{- end }}

{{- define "agentobs.openshift" -}}
{{- $known := .Capabilities.APIVersions.Has "security.openshift.io/v1" -}}
{{- if eq (toString .Values.openshift) "auto" | ternary $known (eq (toString .Values.openshift) "true") }}true{{ end -}}
{{- end }}

{{- define "agentobs.bundled.prometheus" -}}
{{- $auto := not (include "agentobs.prometheusOperator" .) -}}
{{- if eq (toString .Values.prometheus.enabled) "auto" | ternary $auto (eq (toString .Values.prometheus.enabled) "true") }}true{{ end -}}
{{- end }}

{{- define "agentobs.bundled.alertmanager" -}}
{{- $auto := and (include "agentobs.bundled.prometheus" .) (eq .Values.prometheus.mode "server") (not (include "agentobs.prometheusOperator" .)) -}}
{{- if eq (toString .Values.alertmanager.enabled) "auto" | ternary (not (empty $auto)) (eq (toString .Values.alertmanager.enabled) "true") }}true{{ end -}}
{{- end }}

{{- define "agentobs.bundled.grafana" -}}
{{- $auto := not (or (include "agentobs.prometheusOperator" .) (include "agentobs.grafanaOperator" .) (not (include "agentobs.prometheusUrl" .))) -}}
{{- if eq (toString .Values.grafana.enabled) "auto" | ternary $auto (eq (toString .Values.grafana.enabled) "true") }}true{{ end -}}
{{- end }}

{{/* Where pods of the release reach Prometheus; empty when there is none that answers queries. */}}
{{- define "agentobs.prometheusUrl" -}}
{{- if .Values.grafana.prometheusUrl -}}
{{ .Values.grafana.prometheusUrl }}
{{- else if and (include "agentobs.bundled.prometheus" .) (eq .Values.prometheus.mode "server") -}}
http://{{ include "agentobs.component" (dict "root" . "component" "prometheus") }}.{{ .Release.Namespace }}.svc:9090{{ include "agentobs.prometheus.path" . }}
{{- end -}}
{{- end }}

{{/* The Prometheus that the check asks; empty when there is none, or no check. */}}
{{- define "agentobs.checkUrl" -}}
{{- if .Values.check.enabled }}{{ .Values.check.prometheusUrl | default (include "agentobs.prometheusUrl" .) }}{{ end -}}
{{- end }}

{{/*
Processes that run, as JSON: [{"name", "exporters": [{"name", "port", "job"}], "values"}]. A StatefulSet on PostgreSQL, which has no
volume to keep, is a Deployment: an update of the one waits for every pod to be ready, and a standby never is.
*/}}
{{- define "agentobs.processes" -}}
{{- $found := list -}}
{{- range $name, $exporters := .Files.Get "files/exporters.yaml" | fromYaml -}}
{{- $values := index $.Values.exporters $name -}}
{{- if $values.enabled -}}
{{- if and (eq $values.kind "StatefulSet") (eq $values.ledger.engine "postgresql") }}{{ $values = set (deepCopy $values) "kind" "Deployment" }}{{ end -}}
{{- $found = append $found (dict "name" $name "exporters" $exporters "values" $values) -}}
{{- end -}}
{{- end -}}
{{- dict "items" $found | toJson -}}
{{- end }}

{{/* Names of the exporters that do not run, as JSON: {"items": […]}. */}}
{{- define "agentobs.disabledExporters" -}}
{{- $found := list -}}
{{- range $name, $exporters := .Files.Get "files/exporters.yaml" | fromYaml -}}
{{- if not (index $.Values.exporters $name).enabled -}}
{{- range $exporters }}{{ $found = append $found .name }}{{ end -}}
{{- end -}}
{{- end -}}
{{- dict "items" $found | toJson -}}
{{- end }}
