{{- $name := printf "%s-redis" (include "argo.prefix" .) }}
{{- $context := dict "root" . "name" "argocd-redis" "component" "redis" }}
{{- $known := lookup "v1" "Secret" .Release.Namespace "argocd-redis" }}
{{- $auth := randAlphaNum 32 | b64enc }}
{{- if and $known $known.data $known.data.auth }}
{{- $auth = $known.data.auth }}
{{- end }}
apiVersion: v1
kind: Secret
metadata:
  name: argocd-redis
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "argo.labels" $context | nindent 4 }}
type: Opaque
data:
  auth: {{ $auth }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "argo.labels" $context | nindent 4 }}
spec:
  ports:
    - name: redis
      port: 6379
      targetPort: redis
  selector:
    {{- include "argo.selector" $context | nindent 4 }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "argo.labels" $context | nindent 4 }}
spec:
  replicas: 1
  selector:
    matchLabels:
      app.kubernetes.io/name: argocd-redis
  template:
    metadata:
      labels:
        {{- include "argo.labels" $context | nindent 8 }}
    spec:
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 999
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: redis
          image: {{ include "argo.image" (dict "root" . "image" .Values.redis.image "program" "redis") }}
          imagePullPolicy: IfNotPresent
          command: [redis-server]
          # A cache: nothing is kept on disk.
          args: ["--save", "", "--appendonly", "no", "--requirepass", "$(REDIS_PASSWORD)"]
          env:
            - name: REDIS_PASSWORD
              valueFrom:
                secretKeyRef:
                  name: argocd-redis
                  key: auth
          ports:
            - name: redis
              containerPort: 6379
              protocol: TCP
          readinessProbe:
            tcpSocket:
              port: redis
            periodSeconds: 2
          resources:
            {{- toYaml .Values.redis.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
