{{- if .Values.dex.enabled }}
{{- fail "the lab chart brings no dex: set dex.enabled to false, or use the community chart" }}
{{- end }}
{{- if .Values.notifications.enabled }}
{{- fail "the lab chart brings no notifications controller: set notifications.enabled to false, or use the community chart" }}
{{- end }}
{{- if (get .Values "redis-ha").enabled }}
{{- fail "the lab chart brings no redis-ha, for packages hold no images of it: set redis-ha.enabled to false, or use the community chart" }}
{{- end }}
{{- if and .Values.controller.metrics.rules.enabled (not .Values.controller.metrics.rules.spec) }}
{{- fail "controller.metrics.rules.enabled needs a non-empty controller.metrics.rules.spec" }}
{{- end }}
