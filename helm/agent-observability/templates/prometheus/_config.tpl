{{/* root, shard: prometheus.yml. */}}
{{- define "agentobs.prometheus.config" -}}
{{- $root := .root -}}
{{- $values := .root.Values.prometheus -}}
{{- $server := eq $values.mode "server" -}}
global:
  scrape_interval: {{ $values.scrapeInterval }}
  {{- if $server }}
  evaluation_interval: {{ $values.evaluationInterval }}
  {{- end }}
  external_labels:
    {{- with $root.Values.cluster }}
    cluster: {{ . | quote }}
    {{- end }}
    # Which of several replicas this is; Prometheus fills in the variable. Receivers of remote writes deduplicate by it.
    prometheus_replica: ${POD_NAME}
    {{- with $root.Values.grafanaUrl }}
    grafana_url: {{ trimSuffix "/" . | quote }}
    {{- end }}
    {{- with $values.externalLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- if $server }}
rule_files:
  - /etc/prometheus/rules/*.yaml
alerting:
  alert_relabel_configs:
    # Alerts of two replicas are the same alert, and links have been made.
    - regex: prometheus_replica|grafana_url
      action: labeldrop
  alertmanagers:
    {{- if include "agentobs.bundled.alertmanager" $root }}
    {{- $name := include "agentobs.component" (dict "root" $root "component" "alertmanager") }}
    - path_prefix: {{ include "agentobs.alertmanager.path" $root }}/
      static_configs:
        - targets:
            {{- range until (int $root.Values.alertmanager.replicas) }}
            - {{ $name }}-{{ . }}.{{ $name }}.{{ $root.Release.Namespace }}.svc:9093
            {{- end }}
    {{- end }}
    {{- with $values.alertmanagers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
scrape_configs:
  {{- range $process := (include "agentobs.processes" $root | fromJson).items }}
  {{- range .exporters }}
  - {{ include "agentobs.scrapeJob" (dict "root" $root "process" $process "exporter" . "shard" $.shard) | nindent 4 | trim }}
  {{- end }}
  {{- end }}
  - job_name: prometheus
    metrics_path: {{ include "agentobs.prometheus.path" $root }}/metrics
    kubernetes_sd_configs:
      - role: pod
        namespaces:
          names: [{{ $root.Release.Namespace }}]
    relabel_configs:
      - source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_instance, __meta_kubernetes_pod_label_app_kubernetes_io_component]
        regex: {{ $root.Release.Name }};prometheus
        action: keep
      - source_labels: [__meta_kubernetes_pod_name]
        target_label: instance
      {{- include "agentobs.prometheus.shard" . | nindent 6 }}
  {{- if and (include "agentobs.bundled.alertmanager" $root) (not .shard) }}
  {{- $name := include "agentobs.component" (dict "root" $root "component" "alertmanager") }}
  - job_name: alertmanager
    metrics_path: {{ include "agentobs.alertmanager.path" $root }}/metrics
    static_configs:
      {{- range until (int $root.Values.alertmanager.replicas) }}
      - targets: [{{ $name }}-{{ . }}.{{ $name }}.{{ $root.Release.Namespace }}.svc:9093]
        labels:
          instance: {{ $name }}-{{ . }}
      {{- end }}
  {{- end }}
  {{- if $values.scrapeKubelets }}
  - job_name: kubelet
    scheme: https
    honor_labels: true
    authorization:
      credentials_file: /var/run/secrets/kubernetes.io/serviceaccount/token
    tls_config:
      # Most kubelets sign their certificates themselves.
      insecure_skip_verify: true
    kubernetes_sd_configs:
      - role: node
    relabel_configs:
      - source_labels: [__meta_kubernetes_node_name]
        target_label: instance
      {{- include "agentobs.prometheus.shard" . | nindent 6 }}
    metric_relabel_configs:
      - source_labels: [__name__]
        regex: kubelet_volume_stats_(available|capacity)_bytes
        action: keep
  {{- end }}
  {{- with $values.extraScrapeConfigs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $values.remoteWrite }}
remote_write:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* root, shard: keeps this shard's part of the targets. */}}
{{- define "agentobs.prometheus.shard" -}}
{{- if gt (int .root.Values.prometheus.shards) 1 -}}
- source_labels: [__address__]
  modulus: {{ .root.Values.prometheus.shards }}
  target_label: __tmp_shard
  action: hashmod
- source_labels: [__tmp_shard]
  regex: {{ .shard | quote }}
  action: keep
{{- end -}}
{{- end }}

{{/* root, shard: component name of a shard; the first one, mostly the only one, goes without a number. */}}
{{- define "agentobs.prometheus.component" -}}
prometheus{{ if .shard }}-{{ .shard }}{{ end }}
{{- end }}

{{/* The path in `externalUrl`, under which everything is served. */}}
{{- define "agentobs.prometheus.path" -}}
{{- with .Values.prometheus.externalUrl }}{{ (urlParse .).path | trimSuffix "/" }}{{ end -}}
{{- end }}
