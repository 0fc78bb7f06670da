{{- $name := printf "%s-server" (include "argo.prefix" .) }}
{{- $context := dict "root" . "name" "argocd-server" "component" "server" }}
{{- $ingress := .Values.server.ingress }}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "argo.labels" $context | nindent 4 }}
spec:
  type: ClusterIP
  ports:
    - name: http
      port: 80
      protocol: TCP
      targetPort: 8080
    - name: https
      port: 443
      protocol: TCP
      targetPort: 8080
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
  replicas: {{ .Values.server.replicas }}
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      {{- include "argo.selector" $context | nindent 6 }}
  template:
    metadata:
      annotations:
        {{- include "argo.checksums" . | nindent 8 }}
      labels:
        {{- include "argo.labels" $context | nindent 8 }}
    spec:
      serviceAccountName: {{ $name }}
      {{- include "argo.podSpread" (dict "root" . "name" "argocd-server") | nindent 6 }}
      containers:
        - name: server
          image: {{ include "argo.image" (dict "root" . "image" .Values.global.image "program" "argocd") }}
          imagePullPolicy: IfNotPresent
          args:
            - /usr/local/bin/argocd-server
            - --port=8080
            - --metrics-port=8083
            {{- with .Values.server.extraArgs }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          env:
            - name: ARGOCD_SERVER_NAME
              value: {{ $name }}
            {{- include "argo.environment" (list
                  "ARGOCD_SERVER_INSECURE server.insecure"
                  "ARGOCD_SERVER_BASEHREF server.basehref"
                  "ARGOCD_SERVER_ROOTPATH server.rootpath"
                  "ARGOCD_SERVER_LOGFORMAT server.log.format"
                  "ARGOCD_SERVER_LOG_LEVEL server.log.level"
                  "ARGOCD_SERVER_REPO_SERVER repo.server"
                  "ARGOCD_SERVER_REPO_SERVER_TIMEOUT_SECONDS server.repo.server.timeout.seconds"
                  "ARGOCD_SERVER_DISABLE_AUTH server.disable.auth"
                  "ARGOCD_SERVER_ENABLE_GZIP server.enable.gzip"
                  "ARGOCD_SERVER_X_FRAME_OPTIONS server.x.frame.options"
                  "ARGOCD_SERVER_STATIC_ASSETS server.staticassets"
                  "ARGOCD_APPLICATION_NAMESPACES application.namespaces"
                  "ARGOCD_ENABLE_GRPC_TIME_HISTOGRAM server.enable.grpc.time.histogram"
                ) | nindent 12 }}
            {{- include "argo.redisEnvironment" . | nindent 12 }}
            {{- with .Values.server.env }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - name: server
              containerPort: 8080
              protocol: TCP
            - name: metrics
              containerPort: 8083
              protocol: TCP
          {{- include "argo.probes" (dict "port" "server" "alive" "/healthz?full=true") | nindent 10 }}
          resources:
            {{- toYaml .Values.server.resources | nindent 12 }}
          securityContext:
            {{- include "argo.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - name: ssh-known-hosts
              mountPath: /app/config/ssh
            - name: tls-certs
              mountPath: /app/config/tls
            - name: argocd-repo-server-tls
              mountPath: /app/config/server/tls
            - name: plugins-home
              mountPath: /home/argocd
            - name: tmp
              mountPath: /tmp
      volumes:
        - name: plugins-home
          emptyDir: {}
        - name: tmp
          emptyDir: {}
        - name: ssh-known-hosts
          configMap:
            name: argocd-ssh-known-hosts-cm
        - name: tls-certs
          configMap:
            name: argocd-tls-certs-cm
        {{- include "argo.repoTlsVolume" . | nindent 8 }}
{{- if $ingress.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "argo.labels" $context | nindent 4 }}
  {{- with $ingress.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with $ingress.ingressClassName }}
  ingressClassName: {{ . }}
  {{- end }}
  rules:
    - host: {{ $ingress.hostname | default .Values.global.domain }}
      http:
        paths:
          - path: {{ $ingress.path }}
            pathType: {{ $ingress.pathType }}
            backend:
              service:
                name: {{ $name }}
                port:
                  number: {{ ternary 80 443 (eq (include "argo.insecure" .) "true") }}
  {{- $host := $ingress.hostname | default .Values.global.domain }}
  {{- $tls := concat (ternary (list (dict "hosts" (list $host) "secretName" "argocd-server-tls")) list $ingress.tls) $ingress.extraTls }}
  {{- with $tls }}
  tls:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
