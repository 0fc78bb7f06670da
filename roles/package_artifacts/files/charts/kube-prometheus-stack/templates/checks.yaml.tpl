{{- if .Values.grafana.persistence.enabled }}
{{- fail "the lab chart keeps nothing of Grafana's: set grafana.persistence.enabled to false, or use the community chart" }}
{{- end }}
{{- if .Values.grafana.plugins }}
{{- fail "the lab chart's Grafana takes no plugins: leave grafana.plugins empty, or use the community chart" }}
{{- end }}
