{{- if .Values.kubeStateMetrics.enabled }}
{{- $values := index .Values "kube-state-metrics" }}
{{- $context := dict "root" . "name" "kube-state-metrics" }}
{{- $name := printf "%s-kube-state-metrics" .Release.Name }}
{{- $core := list "configmaps" "limitranges" "namespaces" "nodes" "persistentvolumeclaims" "persistentvolumes" "pods" "replicationcontrollers" "resourcequotas" "secrets" "services" }}
{{- $groups := dict
      "" $core
      "apps" (list "daemonsets" "deployments" "replicasets" "statefulsets")
      "admissionregistration.k8s.io" (list "mutatingwebhookconfigurations" "validatingwebhookconfigurations")
      "autoscaling" (list "horizontalpodautoscalers")
      "batch" (list "cronjobs" "jobs")
      "certificates.k8s.io" (list "certificatesigningrequests")
      "coordination.k8s.io" (list "leases")
      "discovery.k8s.io" (list "endpointslices")
      "networking.k8s.io" (list "ingresses" "networkpolicies")
      "policy" (list "poddisruptionbudgets")
      "storage.k8s.io" (list "storageclasses" "volumeattachments") }}
{{- $resources := list }}
{{- range $group, $names := $groups }}
{{- $resources = concat $resources $names }}
{{- end }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "stack.exporterLabels" $context | nindent 4 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $name }}
  labels:
    {{- include "stack.exporterLabels" $context | nindent 4 }}
rules:
  {{- range $group, $names := $groups }}
  - apiGroups: [{{ $group | quote }}]
    resources:
      {{- toYaml $names | nindent 6 }}
    verbs: [list, watch]
  {{- end }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ $name }}
  labels:
    {{- include "stack.exporterLabels" $context | nindent 4 }}
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
    {{- include "stack.exporterLabels" $context | nindent 4 }}
spec:
  type: ClusterIP
  ports:
    - name: http
      port: 8080
      protocol: TCP
      targetPort: http
  selector:
    {{- include "stack.exporterSelector" $context | nindent 4 }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "stack.exporterLabels" $context | nindent 4 }}
spec:
  replicas: 1
  selector:
    matchLabels:
      {{- include "stack.exporterSelector" $context | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "stack.exporterLabels" $context | nindent 8 }}
    spec:
      serviceAccountName: {{ $name }}
      securityContext:
        {{- include "stack.podSecurity" (dict "uid" 65534 "gid" 65534) | nindent 8 }}
      containers:
        - name: kube-state-metrics
          image: {{ include "stack.image" (dict "root" . "image" $values.image "program" "kube-state-metrics") | quote }}
          imagePullPolicy: IfNotPresent
          args:
            - --port=8080
            - --telemetry-port=8081
            - --resources={{ $resources | sortAlpha | join "," }}
          ports:
            - name: http
              containerPort: 8080
            - name: metrics
              containerPort: 8081
          readinessProbe:
            httpGet:
              path: /readyz
              port: metrics
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 10
          livenessProbe:
            httpGet:
              path: /livez
              port: http
            initialDelaySeconds: 10
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          securityContext:
            {{- include "stack.containerSecurity" . | nindent 12 }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "stack.exporterLabels" $context | nindent 4 }}
spec:
  jobLabel: app.kubernetes.io/name
  selector:
    matchLabels:
      {{- include "stack.exporterSelector" $context | nindent 6 }}
  endpoints:
    - port: http
      honorLabels: true
{{- end }}
