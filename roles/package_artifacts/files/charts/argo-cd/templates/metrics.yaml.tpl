{{- /* One Service and one ServiceMonitor for each part whose metrics are on. */}}
{{- $prefix := include "argo.prefix" . }}
{{- range $key, $part := include "argo.parts" . | fromYaml }}
{{- $metrics := (index $.Values $key).metrics }}
{{- $context := dict "root" $ "name" $part.metricsName "component" $part.name }}
{{- if and $metrics.enabled (or (ne $key "applicationSet") $.Values.applicationSet.enabled) }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $prefix }}-{{ $part.name }}-metrics
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- include "argo.labels" $context | nindent 4 }}
spec:
  type: ClusterIP
  ports:
    - name: {{ $metrics.service.portName }}
      port: {{ $metrics.service.servicePort }}
      protocol: TCP
      targetPort: metrics
  selector:
    {{- include "argo.selector" (dict "root" $ "name" (printf "argocd-%s" $part.name)) | nindent 4 }}
{{- if $metrics.serviceMonitor.enabled }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ $prefix }}-{{ $part.name }}
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- include "argo.labels" (dict "root" $ "name" (printf "argocd-%s" $part.name) "component" $part.name) | nindent 4 }}
spec:
  namespaceSelector:
    matchNames: [{{ $.Release.Namespace }}]
  selector:
    matchLabels:
      {{- include "argo.selector" $context | nindent 6 }}
      app.kubernetes.io/component: {{ $part.name }}
  endpoints:
    - port: {{ $metrics.service.portName }}
      path: /metrics
      interval: {{ $metrics.serviceMonitor.interval }}
      honorLabels: false
{{- end }}
{{- end }}
{{- end }}
{{- $rules := .Values.controller.metrics.rules }}
{{- if and .Values.controller.metrics.enabled $rules.enabled }}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{ $prefix }}-application-controller
  namespace: {{ $rules.namespace | default .Release.Namespace }}
  labels:
    {{- include "argo.labels" (dict "root" . "name" "argocd-application-controller" "component" "application-controller") | nindent 4 }}
    {{- with merge dict $rules.selector $rules.additionalLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  groups:
    - name: argocd
      rules:
        {{- toYaml $rules.spec | nindent 8 }}
{{- end }}
