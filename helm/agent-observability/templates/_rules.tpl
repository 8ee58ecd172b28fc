{{/* Rules with the changes that the values make. */}}

{{/* changes, severity: the changes to an alert of one severity, as YAML. */}}
{{- define "agentobs.alertChanges" -}}
{{- $changes := omit .changes "critical" "warning" "info" "none" -}}
{{- include "agentobs.overlay" (dict "under" $changes "over" (get .changes .severity)) -}}
{{- end }}

{{/* under, over: both as YAML; where both have a key, `over` counts, also with false, 0 or "", which sprig's merges pass over. */}}
{{- define "agentobs.overlay" -}}
{{- $merged := deepCopy (.under | default dict) -}}
{{- range $key, $value := .over | default dict }}{{ $merged = set $merged $key $value }}{{ end -}}
{{- toYaml $merged -}}
{{- end }}

{{/*
root, rule: the alerting rule as it is installed, or nothing when it is disabled. Links become absolute here where the values know
the addresses; elsewhere Prometheus fills in its external label `grafana_url`.
*/}}
{{- define "agentobs.alert" -}}
{{- $severity := .rule.labels.severity -}}
{{- $changes := include "agentobs.alertChanges" (dict "changes" (get .root.Values.rules.alerts .rule.alert | default dict) "severity" $severity) | fromYaml -}}
{{- if not (and (hasKey $changes "enabled") (not $changes.enabled)) -}}
{{- $rule := deepCopy .rule -}}
{{- if hasKey $changes "threshold" -}}
{{- $known := index (.root.Files.Get "files/alerts.yaml" | fromYaml) .rule.alert $severity -}}
{{- $rule = set $rule "expr" ($known.expr | replace "@threshold@" (toString $changes.threshold)) -}}
{{- end -}}
{{- range $key, $field := dict "expr" "expr" "for" "for" "keepFiringFor" "keep_firing_for" -}}
{{- if hasKey $changes $key }}{{ $rule = set $rule $field (get $changes $key) }}{{ end -}}
{{- end -}}
{{- $labels := include "agentobs.overlay" (dict "under" .rule.labels "over" .root.Values.rules.labels) | fromYaml -}}
{{- $labels = include "agentobs.overlay" (dict "under" $labels "over" $changes.labels) | fromYaml -}}
{{- if hasKey $changes "severity" }}{{ $labels = set $labels "severity" $changes.severity }}{{ end -}}
{{- $annotations := deepCopy .rule.annotations -}}
{{- with .root.Values.grafanaUrl -}}
{{- $annotations = set $annotations "dashboard_url" ($annotations.dashboard_url | replace "{{ $externalLabels.grafana_url }}" (trimSuffix "/" .)) -}}
{{- end -}}
{{- with .root.Values.rules.runbookUrl -}}
{{- $annotations = set $annotations "runbook_url" (printf "%s/%s.md" (trimSuffix "/" .) $rule.alert) -}}
{{- end -}}
{{- $annotations = include "agentobs.overlay" (dict "under" $annotations "over" $changes.annotations) | fromYaml -}}
{{- $rule = set (set $rule "labels" $labels) "annotations" $annotations -}}
{{- toYaml $rule -}}
{{- end -}}
{{- end }}

{{/* Rule files as they are installed, as JSON: {"host.yaml": {"groups": […]}, …}. Rules of an exporter that does not run are left out. */}}
{{- define "agentobs.ruleFiles" -}}
{{- $root := . -}}
{{- $disabled := (include "agentobs.disabledExporters" . | fromJson).items -}}
{{- $files := dict -}}
{{- range $path, $bytes := .Files.Glob "files/rules/**.yaml" -}}
{{- $name := trimPrefix "files/rules/" $path | replace "/" "-" -}}
{{- if not (has (trimSuffix ".yaml" $name) $disabled) -}}
{{- $groups := list -}}
{{- range ($root.Files.Get $path | fromYaml).groups -}}
{{- $rules := list -}}
{{- range .rules -}}
{{- if hasKey . "record" -}}
{{- if $root.Values.rules.recording }}{{ $rules = append $rules . }}{{ end -}}
{{- else if $root.Values.rules.alerting -}}
{{- with include "agentobs.alert" (dict "root" $root "rule" .) | fromYaml }}{{ $rules = append $rules . }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if $rules }}{{ $groups = append $groups (set (deepCopy .) "rules" $rules) }}{{ end -}}
{{- end -}}
{{- if $groups }}{{ $files = set $files $name (dict "groups" $groups) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toJson $files -}}
{{- end }}
