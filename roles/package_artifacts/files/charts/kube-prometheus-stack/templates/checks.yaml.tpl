{{- if .Values.grafana.enabled }}
{{- fail "the lab chart brings no Grafana: set grafana.enabled to false, or use the community chart" }}
{{- end }}
