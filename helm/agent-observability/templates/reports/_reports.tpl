{{/* Reports: mails of CronJobs. They ask Prometheus and, on PostgreSQL, the ledger: a volume belongs to the exporter's pod alone. */}}

{{/* Kinds that are sent, as JSON: {"items": ["daily", …]}. */}}
{{- define "agentobs.reports" -}}
{{- $found := list -}}
{{- range $kind := list "daily" "weekly" "monthly" -}}
{{- if (get $.Values.reports $kind).enabled }}{{ $found = append $found $kind }}{{ end -}}
{{- end -}}
{{- dict "items" $found | toJson -}}
{{- end }}

{{/* The Prometheus they ask; empty when there is none. */}}
{{- define "agentobs.reports.prometheusUrl" -}}
{{- .Values.reports.prometheusUrl | default (include "agentobs.prometheusUrl" .) -}}
{{- end }}

{{/* Whether the ledger can be read from other pods. */}}
{{- define "agentobs.reports.shared" -}}
{{- if eq .Values.exporters.intake.ledger.engine "postgresql" }}true{{ end -}}
{{- end }}

{{- define "agentobs.reports.timeZone" -}}
{{- $section := .Values.exporters.intake.config.llm_cost | default dict -}}
{{- .Values.reports.timeZone | default $section.time_zone | default "Etc/UTC" -}}
{{- end }}

{{/* root, kind: who gets it, as JSON: {"items": […]}. */}}
{{- define "agentobs.reports.recipients" -}}
{{- dict "items" (concat .root.Values.reports.to (get .root.Values.reports .kind).to | uniq) | toJson -}}
{{- end }}

{{/* The configuration file. Of the exporter's section it has neither bills nor prices: reports read what these have become. */}}
{{- define "agentobs.reports.config" -}}
{{- $values := .Values.reports -}}
{{- $report := dict "smtp" (dict "host" $values.smtp.host "port" (int $values.smtp.port) "starttls" $values.smtp.starttls "tls" $values.smtp.tls) -}}
{{- with $values.smtp.username -}}
{{- $_ := set $report.smtp "user" . -}}
{{- $_ := set $report.smtp "password_file" (printf "/etc/agent-obs/smtp/%s" $values.smtp.key) -}}
{{- end -}}
{{- with $values.from }}{{ $_ := set $report "from" . }}{{ end -}}
{{- $to := dict -}}
{{- range $kind := (include "agentobs.reports" . | fromJson).items -}}
{{- $_ := set $to $kind (include "agentobs.reports.recipients" (dict "root" $ "kind" $kind) | fromJson).items -}}
{{- end -}}
{{- $_ := set $report "to" $to -}}
{{- if not (hasKey $values.config "prometheus_file") -}}
{{- with include "agentobs.reports.prometheusUrl" . }}{{ $_ := set $report "prometheus" . }}{{ end -}}
{{- end -}}
{{- with .Values.grafanaUrl }}{{ $_ := set $report "dashboard_url" (printf "%s/d/agentobs-cost" (trimSuffix "/" .)) }}{{ end -}}
{{- $config := dict "log" (deepCopy .Values.log) "report" (mergeOverwrite $report (deepCopy $values.config)) -}}
{{- with omit (.Values.exporters.intake.config.llm_cost | default dict) "billing" "prices" }}{{ $_ := set $config "llm_cost" . }}{{ end -}}
{{- if include "agentobs.reports.shared" . -}}
{{- $_ := set $config "ledger" (dict "url_file" (printf "/etc/agent-obs/ledger/%s" .Values.exporters.intake.ledger.postgresql.key)) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end }}

{{/* root, kind: the pod that makes and mails it. */}}
{{- define "agentobs.reports.pod" -}}
{{- $values := .root.Values.reports -}}
metadata:
  {{- include "agentobs.podMetadata" (dict "root" .root "component" "report" "pod" $values.pod) | nindent 2 }}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  {{- include "agentobs.podSettings" (dict "root" .root "pod" $values.pod) | nindent 2 }}
  securityContext:
    {{- include "agentobs.podSecurity" (dict "root" .root "user" 65532) | nindent 4 }}
  containers:
    - name: report
      image: {{ include "agentobs.image" (dict "root" .root "image" .root.Values.image) | quote }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args:
        - report
        - {{ .kind }}
        - --config=/etc/agent-obs/config/agent-obs.yaml
        - --source={{ include "agentobs.reports.shared" .root | empty | ternary "prometheus" "auto" }}
      {{- with $values.pod.extraEnv }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- include "agentobs.containerSecurity" .root | nindent 8 }}
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      volumeMounts:
        - {name: config, mountPath: /etc/agent-obs/config, readOnly: true}
        {{- if $values.smtp.existingSecret }}
        - {name: smtp, mountPath: /etc/agent-obs/smtp, readOnly: true}
        {{- end }}
        {{- if include "agentobs.reports.shared" .root }}
        - {name: ledger, mountPath: /etc/agent-obs/ledger, readOnly: true}
        {{- end }}
        {{- range $values.secrets }}
        - {name: secret-{{ . }}, mountPath: /etc/agent-obs/secrets/{{ . }}, readOnly: true}
        {{- end }}
        {{- with $values.pod.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "agentobs.component" (dict "root" .root "component" "report") }}
    {{- with $values.smtp.existingSecret }}
    - name: smtp
      secret:
        secretName: {{ . }}
    {{- end }}
    {{- if include "agentobs.reports.shared" .root }}
    - name: ledger
      secret:
        secretName: {{ .root.Values.exporters.intake.ledger.postgresql.existingSecret }}
    {{- end }}
    {{- range $values.secrets }}
    - name: secret-{{ . }}
      secret:
        secretName: {{ . }}
    {{- end }}
    {{- with $values.pod.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
