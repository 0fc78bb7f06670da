{{- if .Values.alertmanager.enabled }}
{{- $spec := .Values.alertmanager.alertmanagerSpec }}
{{- $name := printf "%s-alertmanager" (include "stack.name" .) }}
{{- $labels := include "stack.partLabels" (dict "root" . "part" "alertmanager") }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $labels | nindent 4 }}
    app.kubernetes.io/name: {{ .Chart.Name }}-alertmanager
    app.kubernetes.io/component: alertmanager
{{- if not $spec.useExistingSecret }}
---
apiVersion: v1
kind: Secret
metadata:
  name: alertmanager-{{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $labels | nindent 4 }}
data:
  alertmanager.yaml: {{ toYaml .Values.alertmanager.config | b64enc | quote }}
{{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $labels | nindent 4 }}
    self-monitor: {{ .Values.alertmanager.serviceMonitor.selfMonitor | quote }}
spec:
  type: ClusterIP
  ports:
    - name: http-web
      port: 9093
      targetPort: 9093
      protocol: TCP
    - name: reloader-web
      appProtocol: http
      port: 8080
      targetPort: reloader-web
  selector:
    app.kubernetes.io/name: alertmanager
    alertmanager: {{ $name }}
---
apiVersion: monitoring.coreos.com/v1
kind: Alertmanager
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  image: {{ include "stack.image" (dict "root" . "image" $spec.image "program" "alertmanager") | quote }}
  imagePullPolicy: IfNotPresent
  version: {{ include "stack.tag" (dict "root" . "image" $spec.image "program" "alertmanager") | quote }}
  replicas: {{ $spec.replicas }}
  serviceAccountName: {{ $name }}
  externalUrl: {{ include "stack.externalUrl" (dict "root" . "part" "alertmanager" "port" 9093 "spec" $spec) | quote }}
  routePrefix: /
  portName: http-web
  logLevel: {{ $spec.logLevel }}
  logFormat: logfmt
  retention: {{ $spec.retention | quote }}
  {{- with $spec.configSecret }}
  configSecret: {{ . }}
  {{- end }}
  alertmanagerConfigSelector: {}
  alertmanagerConfigNamespaceSelector: {}
  {{- with $spec.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $spec.storage }}
  storage:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "stack.antiAffinity" (dict "spec" $spec "labels" (dict "app.kubernetes.io/name" "alertmanager" "alertmanager" $name)) }}
  {{- . | nindent 2 }}
  {{- end }}
  securityContext:
    {{- include "stack.podSecurity" (dict "uid" 1000 "gid" 2000) | nindent 4 }}
{{- if .Values.alertmanager.serviceMonitor.selfMonitor }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  selector:
    matchLabels:
      app: {{ .Chart.Name }}-alertmanager
      release: {{ .Release.Name | quote }}
      self-monitor: "true"
  namespaceSelector:
    matchNames: [{{ .Release.Namespace }}]
  endpoints:
    - port: http-web
      path: /metrics
      enableHttp2: true
    - port: reloader-web
      path: /metrics
{{- end }}
{{- if .Values.alertmanager.podDisruptionBudget.enabled }}
---
{{ include "stack.disruptionBudget" (dict "root" . "part" "alertmanager" "labels" (dict "app.kubernetes.io/name" "alertmanager" "alertmanager" $name)) }}
{{- end }}
{{- if .Values.alertmanager.ingress.enabled }}
---
{{ include "stack.ingress" (dict "root" . "part" "alertmanager" "port" 9093) }}
{{- end }}
{{- end }}
