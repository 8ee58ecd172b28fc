{{/* What all pods have in common: hardening and the settings under `pod`. */}}

{{/*
root, user, and optionally group, fixed, container: security context of a pod, or of a container in somebody else's pod, that runs
as `user`. OpenShift chooses ids itself, unless they are `fixed`.
*/}}
{{- define "agentobs.podSecurity" -}}
runAsNonRoot: true
{{- if or .fixed (not (include "agentobs.openshift" .root)) }}
{{- $group := .group | default .user }}
runAsUser: {{ .user }}
runAsGroup: {{ $group }}
{{- if not .container }}
fsGroup: {{ $group }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "agentobs.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/*
root, component, pod, and optionally checksum: the metadata of a pod template. Labels of `pod` never win over the selector, and no
version is among them: a new one of the chart alone is no reason to restart Prometheus.
*/}}
{{- define "agentobs.podMetadata" -}}
labels:
  {{- $own := merge (include "agentobs.selector" . | fromYaml) (dict "app.kubernetes.io/part-of" "agent-observability") }}
  {{- merge $own (.pod.labels | default dict) .root.Values.commonLabels | toYaml | nindent 2 }}
{{- $checksum := dict -}}
{{- with .checksum }}{{ $checksum = dict "checksum/config" (sha256sum .) }}{{ end -}}
{{- with merge $checksum (.pod.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* root, pod: the parts of a pod spec that are settings only. */}}
{{- define "agentobs.podSettings" -}}
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with omit .pod "labels" "annotations" "extraEnv" "extraVolumes" "extraVolumeMounts" }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* root, name, ingress, component, port: an Ingress to a component's Service. */}}
{{- define "agentobs.ingress" -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "agentobs.metadata" (dict "root" .root "component" .component "annotations" .ingress.annotations) | nindent 2 }}
spec:
  {{- with .ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- with .ingress.tlsSecret }}
  tls:
    - secretName: {{ . }}
      hosts:
        - {{ $.ingress.host | quote }}
  {{- end }}
  rules:
    - {{ with .ingress.host }}host: {{ . | quote }}
      {{ end }}http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: {{ include "agentobs.component" . }}
                port:
                  number: {{ .port }}
{{- end }}

{{/* root, component, replicas: a budget that lets one pod go at a time. One pod alone gets none: it would block every drain. */}}
{{- define "agentobs.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "agentobs.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "agentobs.selector" . | nindent 6 }}
{{- end }}

{{/* name, storage: a claim of a StatefulSet. */}}
{{- define "agentobs.claim" -}}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata:
    name: {{ .name }}
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .storage.storageClassName }}
    storageClassName: {{ . }}
    {{- end }}
    resources:
      requests:
        storage: {{ .storage.size }}
{{- end }}
