{{/* Scraping, the same for Prometheus with and without an operator. */}}

{{/*
root, process: relabelings in Prometheus' own spelling. `job` is the same in every installation, and `instance` stays when a pod
is replaced: counters restored from a ledger go on in the same series. Of several replicas, the leader (the ready one) has it. The
ledger of a sidecar goes with its pod, and one node may have several such pods, so there the pod is the instance.
*/}}
{{- define "agentobs.relabelings" -}}
- target_label: job
  replacement: {{ .exporter.job }}
{{- if eq .process.values.kind "DaemonSet" }}
- source_labels: [__meta_kubernetes_pod_node_name]
  target_label: instance
{{- else if eq .process.values.kind "Sidecar" }}
- source_labels: [__meta_kubernetes_namespace, __meta_kubernetes_pod_name]
  separator: /
  target_label: instance
{{- else if eq (int .process.values.replicas) 1 }}
- target_label: instance
  replacement: {{ include "agentobs.component" (dict "root" .root "component" .process.name) }}
{{- else }}
- source_labels: [__meta_kubernetes_pod_name]
  target_label: instance
- source_labels: [__meta_kubernetes_pod_ready]
  regex: "true"
  target_label: instance
  replacement: {{ include "agentobs.component" (dict "root" .root "component" .process.name) }}
{{- end }}
{{- end }}

{{/* root, process, exporter, shard: a job of the bundled Prometheus. */}}
{{- define "agentobs.scrapeJob" -}}
{{- $sidecar := eq .process.values.kind "Sidecar" -}}
job_name: {{ .exporter.job }}
honor_labels: true
scrape_interval: {{ .process.values.scrape.interval }}
scrape_timeout: {{ .process.values.scrape.timeout }}
scheme: {{ .process.values.scrape.scheme }}
{{- with .process.values.scrape.job }}
{{ toYaml . }}
{{- end }}
kubernetes_sd_configs:
  - role: pod
    namespaces:
      names:
        {{- toYaml ($sidecar | ternary .process.values.namespaces (list .root.Release.Namespace)) | nindent 8 }}
relabel_configs:
  # Pods that have ended keep their address for a while.
  - source_labels: [__meta_kubernetes_pod_phase]
    regex: Succeeded|Failed
    action: drop
  {{- if not $sidecar }}
  - source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_instance, __meta_kubernetes_pod_label_app_kubernetes_io_component]
    regex: {{ .root.Release.Name }};{{ .process.name | replace "_" "-" }}
    action: keep
  {{- end }}
  {{- range $label, $value := $sidecar | ternary .process.values.podLabels dict }}
  - source_labels: [__meta_kubernetes_pod_label_{{ regexReplaceAll "[^a-zA-Z0-9_]" $label "_" }}]
    regex: {{ regexQuoteMeta $value | quote }}
    action: keep
  {{- end }}
  - source_labels: [__meta_kubernetes_pod_container_port_name]
    regex: metrics-{{ .exporter.port }}
    action: keep
  {{- include "agentobs.relabelings" . | nindent 2 }}
  {{- include "agentobs.prometheus.shard" . | nindent 2 }}
{{- end }}

{{/* root, process, exporter: an endpoint of a PodMonitor. The operator's own target labels would change with every pod. */}}
{{- define "agentobs.podMonitorEndpoint" -}}
port: metrics-{{ .exporter.port }}
scheme: {{ .process.values.scrape.scheme }}
honorLabels: true
interval: {{ .process.values.scrape.interval }}
scrapeTimeout: {{ .process.values.scrape.timeout }}
relabelings:
  {{- include "agentobs.relabelings" . | replace "source_labels" "sourceLabels" | replace "target_label" "targetLabel" | nindent 2 }}
  - action: labeldrop
    regex: namespace|pod|container|endpoint
{{- with .process.values.scrape.podMonitor }}
{{ toYaml . }}
{{- end }}
{{- end }}
