{{/* Names and labels. Every helper that needs more than the root context takes a dict with `root` in it. */}}

{{- define "agentobs.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* Cut at 40, so that suffixes, StatefulSet ordinals and hashes of revisions still fit into 63. */}}
{{- define "agentobs.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "agentobs.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "agentobs.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* root, component: the name of a component's objects. Exporters are named with _, objects with -. */}}
{{- define "agentobs.component" -}}
{{- printf "%s-%s" (include "agentobs.fullname" .root) (.component | replace "_" "-") -}}
{{- end }}

{{/*
root, process: the Service that applications push to, `…-intake`. A process of that name has its Service for pods, which a
StatefulSet wants, under another one.
*/}}
{{- define "agentobs.intake" -}}
{{- $name := include "agentobs.component" (dict "root" .root "component" .process.name) -}}
{{- hasSuffix "-intake" $name | ternary $name (printf "%s-intake" $name) -}}
{{- end }}

{{/* root, process: the Service that names the pods of a StatefulSet. */}}
{{- define "agentobs.podsService" -}}
{{- $name := include "agentobs.component" (dict "root" .root "component" .process.name) -}}
{{- if and .process.values.intake (eq $name (include "agentobs.intake" .)) -}}
{{ $name }}-pods
{{- else -}}
{{ $name }}
{{- end -}}
{{- end }}

{{/* root, component: what selects a component's pods. Prometheus, Alertmanager and Grafana go by their own names, as everywhere. */}}
{{- define "agentobs.selector" -}}
app.kubernetes.io/name: {{ if has .component (list "prometheus" "alertmanager" "grafana") }}{{ .component }}{{ else }}{{ include "agentobs.name" .root }}{{ end }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component | replace "_" "-" }}
{{- end }}

{{/* root, component: the labels of an object. */}}
{{- define "agentobs.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{ include "agentobs.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: agent-observability
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* root, component, and optionally name, labels, annotations: the metadata of an object. */}}
{{- define "agentobs.metadata" -}}
name: {{ .name | default (include "agentobs.component" .) }}
namespace: {{ .namespace | default .root.Release.Namespace }}
labels:
  {{- merge (dict) (.labels | default dict) (include "agentobs.labels" . | fromYaml) | toYaml | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* root, image: the reference of an image; the chart's own tag is the version of the suite. */}}
{{- define "agentobs.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end }}
