{{- if .Values.prometheus.enabled }}
{{- $spec := .Values.prometheus.prometheusSpec }}
{{- $name := printf "%s-prometheus" (include "stack.name" .) }}
{{- $labels := include "stack.partLabels" (dict "root" . "part" "prometheus") }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $labels | nindent 4 }}
    app.kubernetes.io/name: {{ .Chart.Name }}-prometheus
    app.kubernetes.io/component: prometheus
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $name }}
  labels:
    {{- $labels | nindent 4 }}
rules:
  - apiGroups: [""]
    resources: [nodes, nodes/metrics, services, endpoints, pods]
    verbs: [get, list, watch]
  - apiGroups: [discovery.k8s.io]
    resources: [endpointslices]
    verbs: [get, list, watch]
  - apiGroups: [networking.k8s.io]
    resources: [ingresses]
    verbs: [get, list, watch]
  - nonResourceURLs: [/metrics, /metrics/cadvisor]
    verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ $name }}
  labels:
    {{- $labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
    namespace: {{ .Release.Namespace }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $labels | nindent 4 }}
    self-monitor: {{ .Values.prometheus.serviceMonitor.selfMonitor | quote }}
spec:
  type: ClusterIP
  ports:
    - name: http-web
      port: 9090
      targetPort: 9090
    - name: reloader-web
      appProtocol: http
      port: 8080
      targetPort: reloader-web
  selector:
    app.kubernetes.io/name: prometheus
    operator.prometheus.io/name: {{ $name }}
---
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  image: {{ include "stack.image" (dict "root" . "image" $spec.image "program" "prometheus") | quote }}
  imagePullPolicy: IfNotPresent
  {{- /* The operator writes a configuration for just this version. */}}
  version: {{ include "stack.tag" (dict "root" . "image" $spec.image "program" "prometheus") | quote }}
  replicas: {{ $spec.replicas }}
  serviceAccountName: {{ $name }}
  externalUrl: {{ include "stack.externalUrl" (dict "root" . "part" "prometheus" "port" 9090 "spec" $spec) | quote }}
  routePrefix: /
  portName: http-web
  logLevel: {{ $spec.logLevel }}
  logFormat: logfmt
  retention: {{ $spec.retention | quote }}
  walCompression: true
  enableAdminAPI: {{ $spec.enableAdminAPI }}
  {{- with $spec.scrapeInterval }}
  scrapeInterval: {{ . }}
  {{- end }}
  {{- with $spec.evaluationInterval }}
  evaluationInterval: {{ . }}
  {{- end }}
  {{- if $spec.enableRemoteWriteReceiver }}
  enableRemoteWriteReceiver: true
  {{- end }}
  {{- with $spec.replicaExternalLabelName }}
  replicaExternalLabelName: {{ . }}
  {{- end }}
  {{- with $spec.remoteWrite }}
  remoteWrite:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $spec.externalLabels }}
  externalLabels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $spec.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $spec.storageSpec }}
  storage:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "stack.antiAffinity" (dict "spec" $spec "labels" (dict "app.kubernetes.io/name" "prometheus" "app.kubernetes.io/instance" $name)) }}
  {{- . | nindent 2 }}
  {{- end }}
  securityContext:
    {{- include "stack.podSecurity" (dict "uid" 1000 "gid" 2000) | nindent 4 }}
  {{- /* The operator asks every 15 seconds whether Prometheus has started, so one that is a moment late waits that long. */}}
  containers:
    {{- $quick := dict "name" "prometheus" "startupProbe" (dict "periodSeconds" 1 "failureThreshold" 900) "readinessProbe" (dict "periodSeconds" 2) }}
    {{- toYaml (prepend $spec.containers $quick) | nindent 4 }}
  {{- if .Values.alertmanager.enabled }}
  alerting:
    alertmanagers:
      - namespace: {{ .Release.Namespace }}
        name: {{ include "stack.name" . }}-alertmanager
        port: http-web
        pathPrefix: /
        apiVersion: v2
  {{- end }}
  {{- range $kind := list "serviceMonitor" "podMonitor" "probe" "rule" "scrapeConfig" }}
  {{ $kind }}Selector:
    {{- $own := get $spec (printf "%sSelectorNilUsesHelmValues" $kind) }}
    {{- include "stack.selector" (dict "selector" (get $spec (printf "%sSelector" $kind)) "own" $own "release" $.Release.Name) | nindent 4 }}
  {{ $kind }}NamespaceSelector:
    {{- toYaml (get $spec (printf "%sNamespaceSelector" $kind)) | nindent 4 }}
  {{- end }}
{{- if .Values.prometheus.serviceMonitor.selfMonitor }}
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
      app: {{ .Chart.Name }}-prometheus
      release: {{ .Release.Name | quote }}
      self-monitor: "true"
  namespaceSelector:
    matchNames: [{{ .Release.Namespace }}]
  endpoints:
    - port: http-web
      path: /metrics
    - port: reloader-web
      path: /metrics
{{- end }}
{{- if .Values.prometheus.podDisruptionBudget.enabled }}
---
{{ include "stack.disruptionBudget" (dict "root" . "part" "prometheus" "labels" (dict "app.kubernetes.io/name" "prometheus" "operator.prometheus.io/name" $name)) }}
{{- end }}
{{- if .Values.prometheus.ingress.enabled }}
---
{{ include "stack.ingress" (dict "root" . "part" "prometheus" "port" 9090) }}
{{- end }}
{{- end }}
