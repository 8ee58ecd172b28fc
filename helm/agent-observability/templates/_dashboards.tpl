{{/* Dashboard pages that are installed, as JSON: {"items": [{"uid", "folder", "path", "name" of the ConfigMap}]}. */}}
{{- define "agentobs.pages" -}}
{{- $found := list -}}
{{- if .Values.dashboards.enabled -}}
{{- range $path, $bytes := .Files.Glob "files/dashboards/*/*.json" -}}
{{- $uid := base $path | trimSuffix ".json" -}}
{{- if not (has $uid $.Values.dashboards.exclude) -}}
{{- $name := printf "%s-%s" (include "agentobs.fullname" $) (trimPrefix "agentobs-" $uid) -}}
{{- $found = append $found (dict "uid" $uid "folder" (base (dir $path)) "path" $path "name" (printf "%s-dashboard" $name)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- dict "items" $found | toJson -}}
{{- end }}

{{/* The page that people land on. */}}
{{- define "agentobs.homePage" -}}agentobs-suite{{- end }}

{{/* The volume `dashboards`: every page in the folder of its name. */}}
{{- define "agentobs.pagesVolume" -}}
name: dashboards
{{- with (include "agentobs.pages" . | fromJson).items }}
projected:
  sources:
    {{- range . }}
    - configMap:
        name: {{ .name }}
        items:
          - {key: {{ .uid }}.json, path: {{ .folder }}/{{ .uid }}.json}
    {{- end }}
{{- else }}
emptyDir: {}
{{- end }}
{{- end }}
