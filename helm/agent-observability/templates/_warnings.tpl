{{/* What works differently from what one would expect, as a JSON list; NOTES.txt prints it. */}}
{{- define "agentobs.warnings" -}}
{{- $warnings := list -}}
{{- $values := .Values -}}
{{- $operator := include "agentobs.prometheusOperator" . -}}
{{- $prometheus := include "agentobs.bundled.prometheus" . -}}
{{- $routed := or (include "agentobs.bundled.alertmanager" .) $values.alertmanager.exportRouting -}}
{{- $to := $values.alertmanager.receivers -}}
{{- if and $routed (not $values.alertmanager.config) -}}
{{- if not (or $to.pagerduty.existingSecret $to.slack.existingSecret $to.email.smarthost) -}}
{{- $warnings = append $warnings "No receiver is configured: alerts fire, and nobody is told. Set alertmanager.receivers.pagerduty, slack or email." -}}
{{- else if not (or $to.pagerduty.existingSecret $to.slack.existingSecret $to.email.to) -}}
{{- $warnings = append $warnings "Only alerts about money are delivered: set alertmanager.receivers.pagerduty, slack or email.to for the others." -}}
{{- end -}}
{{- if not $to.deadMan.url -}}
{{- $warnings = append $warnings "No dead-man receiver: if Prometheus or Alertmanager dies, nobody is told. Set alertmanager.receivers.deadMan.url." -}}
{{- end -}}
{{- end -}}
{{- if and $prometheus (eq $values.prometheus.mode "server") $values.rules.alerting (not (or (include "agentobs.bundled.alertmanager" .) $values.prometheus.alertmanagers)) -}}
{{- $warnings = append $warnings "Prometheus has no Alertmanager to send alerts to: set alertmanager.enabled or prometheus.alertmanagers." -}}
{{- end -}}
{{- if and $prometheus (eq $values.prometheus.mode "agent") -}}
{{- $warnings = append $warnings (printf "Prometheus only forwards: load the rules from ConfigMap %s into the ruler of what receives the samples." (include "agentobs.component" (dict "root" . "component" "rules"))) -}}
{{- end -}}
{{- if not (or $operator $prometheus) -}}
{{- $warnings = append $warnings "Nothing scrapes the exporters: there is neither an operator nor a bundled Prometheus. docs/install.md has the scrape configuration." -}}
{{- end -}}
{{- if and $values.rules.alerting (not $values.rules.recording) -}}
{{- $warnings = append $warnings "rules.recording is false: alerts that read recorded series cannot fire, and panels that do are empty." -}}
{{- end -}}
{{- if and (not $values.grafanaUrl) $values.rules.alerting -}}
{{- $warnings = append $warnings "grafanaUrl is empty: links to dashboards in alerts lead nowhere." -}}
{{- end -}}
{{- if and $operator (not $prometheus) (not $values.prometheusOperator.additionalLabels) -}}
{{- $warnings = append $warnings "prometheusOperator.additionalLabels is empty: kube-prometheus-stack, for one, only takes PodMonitors and PrometheusRules with its label `release`." -}}
{{- end -}}
{{- range $process := (include "agentobs.processes" . | fromJson).items -}}
{{- /* Every cluster has the second, and `helm template`, which cannot tell, has neither. */ -}}
{{- if and (eq .name "cr_state") (not ($.Capabilities.APIVersions.Has "vteam.ambient-code/v1alpha1")) ($.Capabilities.APIVersions.Has "apiregistration.k8s.io/v1") -}}
{{- $warnings = append $warnings "The cluster has no agent sessions (vteam.ambient-code): the cr_state exporter waits for them, and CrStateNotSynced fires meanwhile. Where they will never come, set exporters.cr_state.enabled to false." -}}
{{- end -}}
{{- with .values.intake -}}
{{- if and $values.networkPolicy.enabled (not (or .namespaces .from)) -}}
{{- $warnings = append $warnings (printf "No pod may connect to %s: name the namespaces of your applications in exporters.%s.intake.namespaces." (include "agentobs.intake" (dict "root" $ "process" $process)) $process.name) -}}
{{- end -}}
{{- end -}}
{{- $beside := and (not (empty .values.log)) (eq .values.kind "DaemonSet") -}}
{{- if or .values.hostPaths $beside -}}
{{- if include "agentobs.openshift" $ -}}
{{- $warnings = append $warnings (printf "OpenShift admits the host paths of the %s exporter only with a SecurityContextConstraint that allows them: see docs/install.md." $process.name) -}}
{{- end -}}
{{- with (lookup "v1" "Namespace" "" $.Release.Namespace).metadata -}}
{{- if has (get (.labels | default dict) "pod-security.kubernetes.io/enforce") (list "baseline" "restricted") -}}
{{- $warnings = append $warnings (printf "Namespace %s enforces a pod security standard that refuses the host paths of the %s exporter: set exporters.%s.%s, or install it elsewhere." $.Release.Namespace $process.name $process.name ($beside | ternary "kind to Sidecar" "hostPaths to false")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $alert, $changes := $values.rules.alerts -}}
{{- if and (hasKey $changes "enabled") (not $changes.enabled) -}}
{{- $warnings = append $warnings (printf "Alert %s is disabled." $alert) -}}
{{- end -}}
{{- end -}}
{{- toJson $warnings -}}
{{- end }}
