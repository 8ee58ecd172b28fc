{{/*
An exporter that runs beside what it watches, whose log and socket it reads: in a DaemonSet from folders of the node, in a sidecar
from volumes of the pod. Each takes the values of its process.
*/}}

{{/* A process: what the names of its container and volumes begin with. Those of a sidecar stand among somebody else's. */}}
{{- define "agentobs.exporter.prefix" -}}
{{- if eq .values.kind "Sidecar" }}agent-obs-{{ end -}}
{{- end }}

{{/* root, process, and optionally container: as whom it runs. Who sees folders of a node sees them as the user they are for. */}}
{{- define "agentobs.exporter.security" -}}
{{- $values := .process.values -}}
{{- $fixed := and $values.log (eq $values.kind "DaemonSet") -}}
{{- $user := $values.runAsUser | default 65532 | int64 | toString -}}
{{- $group := hasKey $values "runAsGroup" | ternary $values.runAsGroup 65532 | int64 | toString -}}
{{- include "agentobs.podSecurity" (dict "root" .root "user" $user "group" $group "fixed" $fixed "container" .container) -}}
{{- end }}

{{/* Where these are inside of the container, as its part of the configuration. */}}
{{- define "agentobs.beside.config" -}}
credential_proxy:
  log:
    paths:
      {{- range .log.files }}
      - {{ printf "/var/log/credential-proxy/%s" . | quote }}
      {{- end }}
  {{- if .socket.file }}
  probes:
    targets:
      socket: {{ printf "unix:///run/credential-proxy/%s" .socket.file | quote }}
  {{- end }}
{{- end }}

{{/* Connecting to a socket is no writing to its file system. */}}
{{- define "agentobs.beside.mounts" -}}
{{- $daemon := eq .kind "DaemonSet" -}}
- name: {{ $daemon | ternary "log" .log.volume }}
  mountPath: /var/log/credential-proxy
  readOnly: true
{{- if .socket.file }}
- name: {{ $daemon | ternary "socket" .socket.volume }}
  mountPath: /run/credential-proxy
  readOnly: true
{{- end }}
{{- end }}

{{/* `Directory`: made for the pod, a folder would be root's, and the proxy could not write to it. */}}
{{- define "agentobs.beside.volumes" -}}
- name: log
  hostPath:
    path: {{ .log.hostPath | quote }}
    type: Directory
{{- if .socket.file }}
- name: socket
  hostPath:
    path: {{ .socket.hostPath | quote }}
    type: Directory
{{- end }}
{{- end }}

{{/*
root, process: makes the ledger's folder and what is in it the exporter's. The kubelet makes it root's, and gives host paths to
nobody else. In the order in which root may do so without the capability to look into everybody's folders. A folder with anything
else in it is somebody else's, named by mistake, and stays his.
*/}}
{{- define "agentobs.beside.prepare" -}}
name: ledger
image: {{ include "agentobs.image" (dict "root" .root "image" .root.Values.image) | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command:
  - python
  - -c
  - |
    import os
    folder, user, group = "/var/lib/agent-obs", {{ int64 .process.values.runAsUser }}, {{ int64 .process.values.runAsGroup }}
    before = os.stat(folder)
    if (before.st_uid, before.st_gid) != (user, group):
        os.chown(folder, 0, 0)
        names = os.listdir(folder)
        others = sorted(name for name in names if not name.startswith("{{ .process.name }}.db") and name != "lost+found")
        if others:
            os.chown(folder, before.st_uid, before.st_gid)
            raise SystemExit(f"ledger.hostPath holds {others[0]}: expected a folder for the ledger alone")
        for name in names:
            os.chown(os.path.join(folder, name), user, group, follow_symlinks=False)
        os.chmod(folder, 0o700)
        os.chown(folder, user, group)
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: false
  runAsUser: 0
  runAsGroup: 0
  capabilities:
    drop: [ALL]
    add: [CHOWN]
resources:
  {{- toYaml .process.values.resources | nindent 2 }}
volumeMounts:
  - name: ledger
    mountPath: /var/lib/agent-obs
{{- end }}

{{/* root, process: what to add to the spec of somebody else's pods. */}}
{{- define "agentobs.sidecar" -}}
containers:
  - {{ include "agentobs.exporter.container" . | nindent 4 | trim }}
volumes:
  {{- include "agentobs.exporter.volumes" . | nindent 2 }}
{{- end }}
