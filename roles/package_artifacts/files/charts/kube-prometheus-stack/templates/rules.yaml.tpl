{{- if .Values.defaultRules.create }}
{{- /* The expressions hold templates for Prometheus, so the file is not run through helm's own; only two names are put in. */}}
{{- $text := .Files.Get "files/rules.yaml" | replace "@STACK@" (include "stack.name" .) | replace "@NAMESPACE@" .Release.Namespace }}
{{- range $group := ($text | fromYaml).groups }}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{ include "stack.name" $ }}-{{ $group.name | replace "_" "-" | trunc 36 | trimSuffix "-" }}
  namespace: {{ $.Release.Namespace }}
  labels:
    app: {{ $.Chart.Name }}
    {{- include "stack.labels" $ | nindent 4 }}
spec:
  groups:
    {{- toYaml (list $group) | nindent 4 }}
{{- end }}
{{- end }}
