{{- if .Values.prometheusOperator.enabled }}
{{- $operator := .Values.prometheusOperator }}
{{- $name := printf "%s-operator" (include "stack.name" .) }}
{{- $secret := printf "%s-admission" (include "stack.name" .) }}
{{- $scheme := ternary "https" "http" $operator.tls.enabled }}
{{- $port := ternary ($operator.tls.internalPort | int) 8080 $operator.tls.enabled }}
{{- $reloader := include "stack.image" (dict "root" . "image" $operator.prometheusConfigReloader.image "program" "prometheus-operator") }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "stack.operatorLabels" . | nindent 4 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $name }}
  labels:
    {{- include "stack.operatorLabels" . | nindent 4 }}
rules:
  - apiGroups: [monitoring.coreos.com]
    resources: ["*"]
    verbs: ["*"]
  - apiGroups: [apps]
    resources: [statefulsets]
    verbs: ["*"]
  - apiGroups: [""]
    resources: [configmaps, secrets]
    verbs: ["*"]
  - apiGroups: [""]
    resources: [pods]
    verbs: [list, delete]
  - apiGroups: [""]
    resources: [services, services/finalizers, endpoints]
    verbs: [get, create, update, delete]
  - apiGroups: [discovery.k8s.io]
    resources: [endpointslices]
    verbs: [get, list, watch, create, update, delete]
  - apiGroups: [""]
    resources: [nodes]
    verbs: [list, watch]
  - apiGroups: [""]
    resources: [namespaces]
    verbs: [get, list, watch]
  - apiGroups: ["", events.k8s.io]
    resources: [events]
    verbs: [create, patch]
  - apiGroups: [networking.k8s.io]
    resources: [ingresses]
    verbs: [get, list, watch]
  - apiGroups: [storage.k8s.io]
    resources: [storageclasses]
    verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ $name }}
  labels:
    {{- include "stack.operatorLabels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
    namespace: {{ .Release.Namespace }}
{{- if $operator.tls.enabled }}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ $secret }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "stack.operatorLabels" . | nindent 4 }}
type: Opaque
data:
  {{- /* Kept for as long as it exists: a new certificate on every upgrade would restart the operator each time. */}}
  {{- $known := lookup "v1" "Secret" .Release.Namespace $secret }}
  {{- if and $known $known.data (hasKey $known.data "ca") (hasKey $known.data "cert") (hasKey $known.data "key") }}
  {{- range $key := list "ca" "cert" "key" }}
  {{ $key }}: {{ get $known.data $key }}
  {{- end }}
  {{- else }}
  {{- $authority := genCA (printf "%s-ca" $name) 3650 }}
  {{- $names := list $name (printf "%s.%s.svc" $name .Release.Namespace) }}
  {{- $certificate := genSignedCert $name nil $names 3650 $authority }}
  ca: {{ $authority.Cert | b64enc }}
  cert: {{ $certificate.Cert | b64enc }}
  key: {{ $certificate.Key | b64enc }}
  {{- end }}
{{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "stack.operatorLabels" . | nindent 4 }}
spec:
  type: ClusterIP
  ports:
    - name: {{ $scheme }}
      port: {{ ternary 443 8080 $operator.tls.enabled }}
      targetPort: {{ $scheme }}
  selector:
    app: {{ .Chart.Name }}-operator
    release: {{ .Release.Name | quote }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "stack.operatorLabels" . | nindent 4 }}
spec:
  replicas: 1
  selector:
    matchLabels:
      app: {{ .Chart.Name }}-operator
      release: {{ .Release.Name | quote }}
  template:
    metadata:
      labels:
        {{- include "stack.operatorLabels" . | nindent 8 }}
    spec:
      serviceAccountName: {{ $name }}
      securityContext:
        {{- include "stack.podSecurity" (dict "uid" 65534 "gid" 65534) | nindent 8 }}
      containers:
        - name: {{ .Chart.Name }}
          image: {{ include "stack.image" (dict "root" . "image" $operator.image "program" "prometheus-operator") | quote }}
          imagePullPolicy: IfNotPresent
          args:
            - --kubelet-service={{ .Values.kubelet.namespace }}/{{ include "stack.name" . }}-kubelet
            - --kubelet-endpoints=true
            - --kubelet-endpointslice=false
            - --localhost=127.0.0.1
            - --prometheus-config-reloader={{ $reloader }}
            {{- range $kind := list "request" "limit" }}
            {{- $given := get $operator.prometheusConfigReloader.resources (printf "%ss" $kind) | default dict }}
            - --config-reloader-cpu-{{ $kind }}={{ get $given "cpu" | default 0 }}
            - --config-reloader-memory-{{ $kind }}={{ get $given "memory" | default 0 }}
            {{- end }}
            {{- /* Secrets of helm's releases are large, and no configuration is ever in them. */}}
            - --secret-field-selector=type!=kubernetes.io/dockercfg,type!=kubernetes.io/service-account-token,type!=helm.sh/release.v1
            - --web.enable-tls={{ $operator.tls.enabled }}
            {{- if $operator.tls.enabled }}
            - --web.cert-file=/cert/cert
            - --web.key-file=/cert/key
            - --web.tls-min-version={{ $operator.tls.tlsMinVersion }}
            {{- end }}
            - --web.listen-address=:{{ $port }}
          env:
            - name: GOGC
              value: "30"
          ports:
            - name: {{ $scheme }}
              containerPort: {{ $port }}
          readinessProbe:
            httpGet:
              path: /healthz
              port: {{ $scheme }}
              scheme: {{ upper $scheme }}
            periodSeconds: 2
            failureThreshold: 5
          livenessProbe:
            httpGet:
              path: /healthz
              port: {{ $scheme }}
              scheme: {{ upper $scheme }}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          resources:
            {{- toYaml $operator.resources | nindent 12 }}
          securityContext:
            {{- include "stack.containerSecurity" . | nindent 12 }}
          {{- if $operator.tls.enabled }}
          volumeMounts:
            - name: tls-secret
              mountPath: /cert
              readOnly: true
      volumes:
        - name: tls-secret
          secret:
            secretName: {{ $secret }}
          {{- end }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "stack.operatorLabels" . | nindent 4 }}
spec:
  selector:
    matchLabels:
      app: {{ .Chart.Name }}-operator
      release: {{ .Release.Name | quote }}
  namespaceSelector:
    matchNames: [{{ .Release.Namespace }}]
  endpoints:
    - port: {{ $scheme }}
      honorLabels: true
      {{- if $operator.tls.enabled }}
      scheme: https
      tlsConfig:
        serverName: {{ $name }}
        ca:
          secret:
            name: {{ $secret }}
            key: ca
            optional: false
      {{- end }}
{{- end }}
