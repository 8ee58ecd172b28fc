{{/* Pods of exporters: `root` and `process` (see agentobs.processes). */}}

{{/* The configuration file: what the chart knows, and on top of it what the values say. */}}
{{- define "agentobs.exporter.config" -}}
{{- $config := dict "log" (deepCopy .root.Values.log) -}}
{{- if .process.values.hostPaths -}}
{{- $config = set $config "host" (dict "path" (dict "rootfs" "/host/root" "procfs" "/host/proc" "sysfs" "/host/sys")) -}}
{{- end -}}
{{- with .process.values.ledger -}}
{{- if eq (.engine | default "sqlite") "postgresql" -}}
{{- $config = set $config "ledger" (dict "url_file" (printf "/etc/agent-obs/ledger/%s" .postgresql.key)) -}}
{{- else -}}
{{- $config = set $config "ledger" (dict "directory" "/var/lib/agent-obs") -}}
{{- end -}}
{{- end -}}
{{- with .process.values.intake -}}
{{- $config = set $config "intake" (dict "listen" (list (printf ":%v" .port)) "keys_file" "/etc/agent-obs/keys/keys.yml") -}}
{{- end -}}
{{- if .process.values.log -}}
{{- $config = merge $config (include "agentobs.beside.config" .process.values | fromYaml) -}}
{{- end -}}
{{- if .process.values.prices -}}
{{- $config = set $config "llm_cost" (dict "prices" "/etc/agent-obs/config/prices.yaml") -}}
{{- end -}}
{{- toYaml (mergeOverwrite $config (deepCopy .process.values.config)) -}}
{{- end }}

{{/* The files of its ConfigMap, as YAML: the configuration and, where the values have any, prices. */}}
{{- define "agentobs.exporter.files" -}}
agent-obs.yaml: |
  {{- include "agentobs.exporter.config" . | nindent 2 }}
{{- with .process.values.prices }}
prices.yaml: |
  {{- toYaml (dict "prices" .) | nindent 2 }}
{{- end }}
{{- end }}

{{/* A process: the providers' admin APIs are asked, so it must reach them. */}}
{{- define "agentobs.exporter.bills" -}}
{{- with (.values.config.llm_cost | default dict).billing }}{{ if or .openai .anthropic }}true{{ end }}{{ end -}}
{{- end }}

{{/* root, process: the secret with the keys of its intake. */}}
{{- define "agentobs.exporter.keys" -}}
{{- .process.values.intake.keysSecret | default (printf "%s-keys" (include "agentobs.intake" .)) -}}
{{- end }}

{{/* A process: the rules of its role, as YAML; empty for one that asks the API nothing. */}}
{{- define "agentobs.exporter.rules" -}}
{{- $rules := .values.rbac.clusterRules -}}
{{- if (.values.config.cr_state | default dict).namespace_labels -}}
{{- $rules = append $rules (dict "apiGroups" (list "") "resources" (list "namespaces") "verbs" (list "list" "watch")) -}}
{{- end -}}
{{- with $rules }}{{ toYaml . }}{{ end -}}
{{- end }}

{{- define "agentobs.exporter.container" -}}
{{- $values := .process.values -}}
{{- $prefix := include "agentobs.exporter.prefix" .process -}}
{{- $sidecar := eq $values.kind "Sidecar" -}}
name: {{ $sidecar | ternary (printf "agent-obs-%s" (.process.name | replace "_" "-")) "exporter" }}
image: {{ include "agentobs.image" (dict "root" .root "image" .root.Values.image) | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args:
  - run
  {{- range .process.exporters }}
  - {{ .name }}
  {{- end }}
  - --config=/etc/agent-obs/config/agent-obs.yaml
  {{- if $values.webConfigSecret }}
  - --web.config.file=/etc/agent-obs/web/web-config.yml
  {{- end }}
{{- with $values.pod.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  {{- range .process.exporters }}
  - name: metrics-{{ .port }}
    containerPort: {{ .port }}
  {{- end }}
  {{- with $values.intake }}
  - name: intake
    containerPort: {{ .port }}
  {{- end }}
livenessProbe:
  httpGet:
    path: /-/healthy
    port: metrics-{{ (first .process.exporters).port }}
    scheme: {{ upper $values.scrape.scheme }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- /* Somebody else's pod shall not be taken for unready because of a sidecar. */}}
{{- if not $sidecar }}
readinessProbe:
  httpGet:
    path: /-/ready
    port: metrics-{{ (first .process.exporters).port }}
    scheme: {{ upper $values.scrape.scheme }}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end }}
securityContext:
  {{- include "agentobs.containerSecurity" .root | nindent 2 }}
  {{- if $sidecar }}
  {{- /* What the pod's own would say. */}}
  {{- include "agentobs.exporter.security" (dict "root" .root "process" .process "container" true) | nindent 2 }}
  {{- end }}
resources:
  {{- toYaml $values.resources | nindent 2 }}
volumeMounts:
  - name: {{ $prefix }}config
    mountPath: /etc/agent-obs/config
    readOnly: true
  {{- if $values.webConfigSecret }}
  - name: {{ $prefix }}web
    mountPath: /etc/agent-obs/web
    readOnly: true
  {{- end }}
  {{- if $values.intake }}
  - name: {{ $prefix }}keys
    mountPath: /etc/agent-obs/keys
    readOnly: true
  {{- end }}
  {{- range $values.secrets }}
  - name: {{ $prefix }}secret-{{ . }}
    mountPath: /etc/agent-obs/secrets/{{ . }}
    readOnly: true
  {{- end }}
  {{- if $values.hostPaths }}
  - name: root
    mountPath: /host/root
    readOnly: true
    mountPropagation: HostToContainer
  - name: proc
    mountPath: /host/proc
    readOnly: true
  - name: sys
    mountPath: /host/sys
    readOnly: true
    mountPropagation: HostToContainer
  {{- end }}
  {{- with $values.ledger }}
  {{- $postgresql := eq (.engine | default "sqlite") "postgresql" }}
  - name: {{ and $sidecar .volume | default (printf "%sledger" $prefix) }}
    mountPath: {{ $postgresql | ternary "/etc/agent-obs/ledger" "/var/lib/agent-obs" }}
    {{- if $postgresql }}
    readOnly: true
    {{- end }}
  {{- end }}
  {{- if $values.log }}
  {{- include "agentobs.beside.mounts" $values | nindent 2 }}
  {{- end }}
  {{- with $values.pod.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Volumes, except the one that a StatefulSet claims. */}}
{{- define "agentobs.exporter.volumes" -}}
{{- $values := .process.values -}}
{{- $prefix := include "agentobs.exporter.prefix" .process -}}
- name: {{ $prefix }}config
  configMap:
    name: {{ include "agentobs.component" (dict "root" .root "component" .process.name) }}
{{- with $values.webConfigSecret }}
- name: {{ $prefix }}web
  secret:
    secretName: {{ . }}
{{- end }}
{{- if $values.intake }}
{{- /* Without it nobody is let in; once it is there, the kubelet puts it into the running pod. */}}
- name: {{ $prefix }}keys
  secret:
    secretName: {{ include "agentobs.exporter.keys" . }}
    optional: true
    items:
      - key: keys.yml
        path: keys.yml
{{- end }}
{{- range $values.secrets }}
- name: {{ $prefix }}secret-{{ . }}
  secret:
    secretName: {{ . }}
{{- end }}
{{- if $values.hostPaths }}
- name: root
  hostPath:
    path: /
- name: proc
  hostPath:
    path: /proc
- name: sys
  hostPath:
    path: /sys
{{- end }}
{{- with $values.ledger }}
{{- if eq (.engine | default "sqlite") "postgresql" }}
- name: {{ $prefix }}ledger
  secret:
    secretName: {{ .postgresql.existingSecret }}
{{- else if and .hostPath (eq $values.kind "DaemonSet") }}
- name: ledger
  hostPath:
    path: {{ .hostPath | quote }}
    type: DirectoryOrCreate
{{- else if and (ne $values.kind "StatefulSet") (not .volume) }}
{{- /* Lives as long as the pod. */}}
- name: {{ $prefix }}ledger
  emptyDir:
    sizeLimit: {{ .size }}
{{- end }}
{{- end }}
{{- if and $values.log (eq $values.kind "DaemonSet") }}
{{ include "agentobs.beside.volumes" $values }}
{{- end }}
{{- with $values.pod.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "agentobs.exporter.pod" -}}
metadata:
  {{- include "agentobs.podMetadata" (dict "root" .root "component" .process.name "pod" .process.values.pod "checksum" (include "agentobs.exporter.files" .)) | nindent 2 }}
spec:
  serviceAccountName: {{ include "agentobs.component" (dict "root" .root "component" .process.name) }}
  automountServiceAccountToken: {{ include "agentobs.exporter.rules" .process | empty | not }}
  {{- include "agentobs.podSettings" (dict "root" .root "pod" .process.values.pod) | nindent 2 }}
  securityContext:
    {{- include "agentobs.exporter.security" . | nindent 4 }}
  {{- if and .process.values.log .process.values.ledger.prepare }}
  initContainers:
    - {{ include "agentobs.beside.prepare" . | nindent 6 | trim }}
  {{- end }}
  containers:
    - {{ include "agentobs.exporter.container" . | nindent 6 | trim }}
  volumes:
    {{- include "agentobs.exporter.volumes" . | nindent 4 }}
{{- end }}
