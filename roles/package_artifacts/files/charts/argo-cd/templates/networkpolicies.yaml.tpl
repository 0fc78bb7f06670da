{{- $all := .Values.global.networkPolicy.create }}
{{- if or $all .Values.redis.networkPolicy.create }}
{{- $metrics := list (dict "from" (list (dict "namespaceSelector" dict)) "ports" (list (dict "port" "metrics"))) }}
{{- $clients := dict "repo-server" (list "server" "application-controller" "applicationset-controller") "redis" (list "server" "repo-server" "application-controller") }}
{{- $policies := dict "application-controller" $metrics "server" (list dict) }}
{{- if .Values.applicationSet.enabled }}
{{- $_ := set $policies "applicationset-controller" $metrics }}
{{- end }}
{{- range $part, $names := $clients }}
{{- $from := list }}
{{- range $names }}
{{- $labels := dict "app.kubernetes.io/name" (printf "argocd-%s" .) "app.kubernetes.io/instance" $.Release.Name }}
{{- $from = append $from (dict "podSelector" (dict "matchLabels" $labels)) }}
{{- end }}
{{- $rules := list (dict "from" $from "ports" (list (dict "port" $part "protocol" "TCP"))) }}
{{- $_ := set $policies $part (concat $rules (ternary $metrics list (eq $part "repo-server"))) }}
{{- end }}
{{- range $part, $ingress := ternary $policies (pick $policies "redis") $all }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "argo.prefix" $ }}-{{ $part }}
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- include "argo.labels" (dict "root" $ "name" (printf "argocd-%s" $part) "component" $part) | nindent 4 }}
spec:
  policyTypes: [Ingress]
  podSelector:
    matchLabels:
      {{- include "argo.selector" (dict "root" $ "name" (printf "argocd-%s" $part)) | nindent 6 }}
  ingress:
    {{- toYaml $ingress | nindent 4 }}
{{- end }}
{{- end }}
