{{- if .Values.grafana.enabled }}
{{- $grafana := .Values.grafana }}
{{- $name := include "grafana.name" . }}
{{- $ini := include "grafana.ini" . }}
{{- $dashboards := $grafana.sidecar.dashboards }}
{{- $datasources := $grafana.sidecar.datasources }}
apiVersion: v1
kind: ServiceAccount
automountServiceAccountToken: true
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "grafana.labels" . | nindent 4 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $name }}-clusterrole
  labels:
    {{- include "grafana.labels" . | nindent 4 }}
rules:
  - apiGroups: [""]
    resources: [configmaps, secrets]
    verbs: [get, watch, list]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ $name }}-clusterrolebinding
  labels:
    {{- include "grafana.labels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $name }}-clusterrole
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
    namespace: {{ .Release.Namespace }}
{{- if not $grafana.admin.existingSecret }}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "grafana.labels" . | nindent 4 }}
    app.kubernetes.io/component: admin-secret
type: Opaque
data:
  {{- /* A password that nobody chose is kept for as long as it exists. */}}
  {{- $known := (lookup "v1" "Secret" .Release.Namespace $name).data | default dict }}
  admin-user: {{ $grafana.adminUser | b64enc | quote }}
  admin-password: {{ $grafana.adminPassword | default (get $known "admin-password" | b64dec) | default (randAlphaNum 40) | b64enc | quote }}
{{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "grafana.labels" . | nindent 4 }}
data:
  grafana.ini: |
    {{- $ini | nindent 4 }}
{{- if $dashboards.enabled }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}-config-dashboards
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "grafana.labels" . | nindent 4 }}
data:
  provider.yaml: |
    {{- include "grafana.provider" . | nindent 4 }}
{{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "grafana.labels" . | nindent 4 }}
spec:
  type: ClusterIP
  ports:
    - name: http-web
      port: 80
      protocol: TCP
      targetPort: grafana
  selector:
    {{- include "grafana.selector" . | nindent 4 }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "grafana.labels" . | nindent 4 }}
spec:
  replicas: 1
  selector:
    matchLabels:
      {{- include "grafana.selector" . | nindent 6 }}
  strategy:
    type: RollingUpdate
  template:
    metadata:
      labels:
        {{- include "grafana.labels" . | nindent 8 }}
      annotations:
        checksum/config: {{ $ini | sha256sum }}
        checksum/sc-dashboard-provider-config: {{ include "grafana.provider" . | sha256sum }}
        kubectl.kubernetes.io/default-container: grafana
    spec:
      serviceAccountName: {{ $name }}
      automountServiceAccountToken: true
      securityContext:
        {{- include "stack.podSecurity" (dict "uid" 472 "gid" 472) | nindent 8 }}
      containers:
        {{- if $dashboards.enabled }}
        - name: grafana-sc-dashboard
          {{- $reload := $dashboards.reloadURL }}
          {{- $folder := printf "%s%s" $dashboards.folder (ternary (printf "/%s" $dashboards.defaultFolderName) "" (not (empty $dashboards.defaultFolderName))) }}
          {{- include "grafana.sidecar" (dict "root" . "part" $dashboards "folder" $folder "reload" $reload) | nindent 10 }}
          volumeMounts:
            - name: sc-dashboard-volume
              mountPath: {{ $dashboards.folder | quote }}
        {{- end }}
        {{- if $datasources.enabled }}
        - name: grafana-sc-datasources
          {{- $folder := "/etc/grafana/provisioning/datasources" }}
          {{- include "grafana.sidecar" (dict "root" . "part" $datasources "folder" $folder "reload" $datasources.reloadURL) | nindent 10 }}
          volumeMounts:
            - name: sc-datasources-volume
              mountPath: {{ $folder }}
        {{- end }}
        - name: grafana
          image: {{ include "stack.image" (dict "root" . "image" $grafana.image "program" "grafana") | quote }}
          imagePullPolicy: IfNotPresent
          env:
            - name: POD_IP
              valueFrom:
                fieldRef:
                  fieldPath: status.podIP
            - name: GF_SECURITY_ADMIN_USER
              {{- include "grafana.login" (dict "root" . "key" $grafana.admin.userKey) | nindent 14 }}
            - name: GF_SECURITY_ADMIN_PASSWORD
              {{- include "grafana.login" (dict "root" . "key" $grafana.admin.passwordKey) | nindent 14 }}
            - name: GF_PATHS_DATA
              value: /var/lib/grafana/
            - name: GF_PATHS_LOGS
              value: /var/log/grafana
            - name: GF_PATHS_PLUGINS
              value: /var/lib/grafana/plugins
            - name: GF_PATHS_PROVISIONING
              value: /etc/grafana/provisioning
            {{- range $variable, $value := $grafana.env }}
            - name: {{ $variable }}
              value: {{ $value | quote }}
            {{- end }}
          ports:
            - name: grafana
              containerPort: 3000
              protocol: TCP
            - name: gossip-tcp
              containerPort: 9094
              protocol: TCP
            - name: gossip-udp
              containerPort: 9094
              protocol: UDP
            - name: profiling
              containerPort: 6060
              protocol: TCP
          readinessProbe:
            httpGet:
              path: /api/health
              port: grafana
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 10
          livenessProbe:
            httpGet:
              path: /api/health
              port: grafana
            initialDelaySeconds: 60
            timeoutSeconds: 30
            failureThreshold: 10
          resources:
            {{- toYaml $grafana.resources | nindent 12 }}
          securityContext:
            {{- include "stack.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - name: config
              mountPath: /etc/grafana/grafana.ini
              subPath: grafana.ini
            - name: storage
              mountPath: /var/lib/grafana
            - name: temporary
              mountPath: /tmp
            {{- if $dashboards.enabled }}
            - name: sc-dashboard-volume
              mountPath: {{ $dashboards.folder | quote }}
            - name: sc-dashboard-provider
              mountPath: /etc/grafana/provisioning/dashboards/sc-dashboardproviders.yaml
              subPath: provider.yaml
            {{- end }}
            {{- if $datasources.enabled }}
            - name: sc-datasources-volume
              mountPath: /etc/grafana/provisioning/datasources
            {{- end }}
      volumes:
        - name: config
          configMap:
            name: {{ $name }}
        - name: storage
          emptyDir: {}
        - name: temporary
          emptyDir: {}
        {{- if $dashboards.enabled }}
        - name: sc-dashboard-volume
          emptyDir: {}
        - name: sc-dashboard-provider
          configMap:
            name: {{ $name }}-config-dashboards
        {{- end }}
        {{- if $datasources.enabled }}
        - name: sc-datasources-volume
          emptyDir: {}
        {{- end }}
{{- if $grafana.serviceMonitor.enabled }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "grafana.labels" . | nindent 4 }}
    release: {{ .Release.Name | quote }}
spec:
  jobLabel: {{ .Release.Name | quote }}
  selector:
    matchLabels:
      {{- include "grafana.selector" . | nindent 6 }}
  namespaceSelector:
    matchNames: [{{ .Release.Namespace }}]
  endpoints:
    - port: http-web
      honorLabels: true
      path: /metrics
      scheme: http
{{- end }}
{{- if $grafana.ingress.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "grafana.labels" . | nindent 4 }}
  {{- with $grafana.ingress.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with $grafana.ingress.ingressClassName }}
  ingressClassName: {{ . }}
  {{- end }}
  rules:
    {{- range $host := $grafana.ingress.hosts | default (list "") }}
    - http:
        paths:
          - path: {{ $grafana.ingress.path }}
            pathType: Prefix
            backend:
              service:
                name: {{ $name }}
                port:
                  number: 80
      {{- with $host }}
      host: {{ . | quote }}
      {{- end }}
    {{- end }}
  {{- with $grafana.ingress.tls }}
  tls:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- if $datasources.enabled }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "stack.name" . }}-grafana-datasource
  namespace: {{ .Release.Namespace }}
  labels:
    {{ $datasources.label }}: {{ $datasources.labelValue | quote }}
    {{- include "stack.partLabels" (dict "root" . "part" "grafana") | nindent 4 }}
data:
  datasource.yaml: |
    apiVersion: 1
    datasources:
      - name: Prometheus
        type: prometheus
        uid: {{ $datasources.uid }}
        url: http://{{ include "stack.name" . }}-prometheus.{{ .Release.Namespace }}:9090/
        access: proxy
        isDefault: true
        jsonData:
          httpMethod: POST
          timeInterval: {{ .Values.prometheus.prometheusSpec.scrapeInterval | default "30s" }}
      {{- if .Values.alertmanager.enabled }}
      - name: Alertmanager
        type: alertmanager
        uid: {{ $datasources.alertmanager.uid }}
        url: http://{{ include "stack.name" . }}-alertmanager.{{ .Release.Namespace }}:9093/
        access: proxy
        jsonData:
          handleGrafanaManagedAlerts: false
          implementation: prometheus
      {{- end }}
{{- end }}
{{- end }}
