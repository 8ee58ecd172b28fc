{{/*
The suite's routing with the receivers that the values know. Integrations without an address are left out: a receiver without any
discards, which is what the routes `discard` and NOTES.txt say.
*/}}
{{- define "agentobs.routing" -}}
{{- if .Values.alertmanager.config -}}
{{- toYaml .Values.alertmanager.config -}}
{{- else -}}
{{- $config := .Files.Get "files/alertmanager/alertmanager.yml" | fromYaml -}}
{{- $to := .Values.alertmanager.receivers -}}
{{- $global := pick $config.global "resolve_timeout" -}}
{{- if $to.slack.existingSecret -}}
{{- $global = set $global "slack_api_url_file" (include "agentobs.alertmanagerSecret" $to.slack) -}}
{{- end -}}
{{- if $to.email.smarthost -}}
{{- $global = set (set (set $global "smtp_smarthost" $to.email.smarthost) "smtp_from" $to.email.from) "smtp_require_tls" $to.email.requireTls -}}
{{- with $to.email.username }}{{ $global = set $global "smtp_auth_username" . }}{{ end -}}
{{- if $to.email.existingSecret }}{{ $global = set $global "smtp_auth_password_file" (include "agentobs.alertmanagerSecret" $to.email) }}{{ end -}}
{{- end -}}
{{- $receivers := list -}}
{{- range $config.receivers -}}
{{- $receivers = append $receivers (include "agentobs.receiver" (dict "receiver" . "to" $to) | fromYaml) -}}
{{- end -}}
{{- $config = set (set $config "global" $global) "receivers" $receivers -}}
{{- $config = set $config "templates" (list "/etc/alertmanager/config/*.tmpl") -}}
{{- with .Values.alertmanager.maintenance -}}
{{- $windows := list -}}
{{- range $config.time_intervals -}}
{{- $windows = append $windows (eq .name "maintenance" | ternary (dict "name" "maintenance" "time_intervals" $.Values.alertmanager.maintenance) .) -}}
{{- end -}}
{{- $config = set $config "time_intervals" $windows -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}
{{- end }}

{{/* existingSecret, key: where a secret is mounted, by the operator and by this chart alike. */}}
{{- define "agentobs.alertmanagerSecret" -}}
/etc/alertmanager/secrets/{{ .existingSecret }}/{{ .key }}
{{- end }}

{{/* receiver, to: a receiver of the suite's routing, addressed. */}}
{{- define "agentobs.receiver" -}}
{{- $to := .to -}}
{{- $name := .receiver.name -}}
{{- $receiver := dict "name" $name -}}
{{- if $to.pagerduty.existingSecret -}}
{{- range .receiver.pagerduty_configs -}}
{{- $receiver = set $receiver "pagerduty_configs" (append ($receiver.pagerduty_configs | default list) (set (deepCopy .) "routing_key_file" (include "agentobs.alertmanagerSecret" $to.pagerduty))) -}}
{{- end -}}
{{- end -}}
{{- if $to.slack.existingSecret -}}
{{- range .receiver.slack_configs -}}
{{- $slack := set (deepCopy .) "channel" (get $to.slack.channels $name) -}}
{{- with get $to.slack.keys $name -}}
{{- $slack = set $slack "api_url_file" (include "agentobs.alertmanagerSecret" (dict "existingSecret" $to.slack.existingSecret "key" .)) -}}
{{- end -}}
{{- $receiver = set $receiver "slack_configs" (append ($receiver.slack_configs | default list) $slack) -}}
{{- end -}}
{{- end -}}
{{- $address := eq $name "finance" | ternary $to.email.finance $to.email.to -}}
{{- if and $to.email.smarthost $address -}}
{{- range .receiver.email_configs -}}
{{- $receiver = set $receiver "email_configs" (append ($receiver.email_configs | default list) (set (deepCopy .) "to" $address)) -}}
{{- end -}}
{{- end -}}
{{- if $to.deadMan.url -}}
{{- range .receiver.webhook_configs -}}
{{- $webhook := set (omit (deepCopy .) "http_config") "url" $to.deadMan.url -}}
{{- if $to.deadMan.existingSecret -}}
{{- $webhook = set $webhook "http_config" (dict "authorization" (dict "credentials_file" (include "agentobs.alertmanagerSecret" $to.deadMan))) -}}
{{- end -}}
{{- $receiver = set $receiver "webhook_configs" (append ($receiver.webhook_configs | default list) $webhook) -}}
{{- end -}}
{{- end -}}
{{- toYaml $receiver -}}
{{- end }}

{{/* Names of all secrets that the routing reads, as JSON. */}}
{{- define "agentobs.alertmanagerSecrets" -}}
{{- $names := .Values.alertmanager.secrets -}}
{{- if not .Values.alertmanager.config -}}
{{- range list "pagerduty" "slack" "email" "deadMan" -}}
{{- with (get $.Values.alertmanager.receivers .).existingSecret }}{{ $names = append $names . }}{{ end -}}
{{- end -}}
{{- end -}}
{{- dict "items" (uniq $names) | toJson -}}
{{- end }}

{{/* The path in `externalUrl`, under which everything is served. */}}
{{- define "agentobs.alertmanager.path" -}}
{{- with .Values.alertmanager.externalUrl }}{{ (urlParse .).path | trimSuffix "/" }}{{ end -}}
{{- end }}
