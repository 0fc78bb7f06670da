{{- /* Without the container that copies the program for plugin sidecars: this chart has no plugins, and the copy is a quarter of a gigabyte. */}}
{{- $name := printf "%s-repo-server" (include "argo.prefix" .) }}
{{- $context := dict "root" . "name" "argocd-repo-server" "component" "repo-server" }}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "argo.labels" $context | nindent 4 }}
spec:
  ports:
    - name: tcp-repo-server
      port: 8081
      protocol: TCP
      targetPort: repo-server
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
  replicas: {{ .Values.repoServer.replicas }}
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
      {{- include "argo.podSpread" (dict "root" . "name" "argocd-repo-server") | nindent 6 }}
      containers:
        - name: repo-server
          image: {{ include "argo.image" (dict "root" . "image" .Values.global.image "program" "argocd") }}
          imagePullPolicy: IfNotPresent
          args:
            - /usr/local/bin/argocd-repo-server
            - --port=8081
            - --metrics-port=8084
            {{- with .Values.repoServer.extraArgs }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          env:
            - name: ARGOCD_REPO_SERVER_NAME
              value: {{ $name }}
            {{- include "argo.environment" (list
                  "ARGOCD_RECONCILIATION_TIMEOUT cm:timeout.reconciliation"
                  "ARGOCD_REPO_SERVER_LOGFORMAT reposerver.log.format"
                  "ARGOCD_REPO_SERVER_LOGLEVEL reposerver.log.level"
                  "ARGOCD_REPO_SERVER_PARALLELISM_LIMIT reposerver.parallelism.limit"
                  "ARGOCD_REPO_SERVER_DISABLE_TLS reposerver.disable.tls"
                  "ARGOCD_REPO_CACHE_EXPIRATION reposerver.repo.cache.expiration"
                  "ARGOCD_DEFAULT_CACHE_EXPIRATION reposerver.default.cache.expiration"
                  "ARGOCD_GIT_MODULES_ENABLED reposerver.enable.git.submodule"
                  "ARGOCD_GIT_LS_REMOTE_PARALLELISM_LIMIT reposerver.git.lsremote.parallelism.limit"
                  "ARGOCD_GIT_REQUEST_TIMEOUT reposerver.git.request.timeout"
                  "ARGOCD_ENABLE_GRPC_TIME_HISTOGRAM reposerver.enable.grpc.time.histogram"
                ) | nindent 12 }}
            {{- include "argo.redisEnvironment" . | nindent 12 }}
            {{- /* Nobody signs commits here, and making a key costs time at every start. */}}
            - name: ARGOCD_GPG_ENABLED
              value: {{ .Values.repoServer.gpgEnabled | quote }}
            {{- /* The root file system is read-only; helm and git write into the home folder that they are told. */}}
            - name: HOME
              value: /tmp
            - name: HELM_CACHE_HOME
              value: /helm-working-dir
            - name: HELM_CONFIG_HOME
              value: /helm-working-dir
            - name: HELM_DATA_HOME
              value: /helm-working-dir
            {{- with .Values.repoServer.env }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - name: repo-server
              containerPort: 8081
              protocol: TCP
            - name: metrics
              containerPort: 8084
              protocol: TCP
          {{- include "argo.probes" (dict "port" "metrics" "alive" "/healthz?full=true") | nindent 10 }}
          resources:
            {{- toYaml .Values.repoServer.resources | nindent 12 }}
          securityContext:
            {{- include "argo.containerSecurity" . | nindent 12 }}
          volumeMounts:
            {{- include "argo.trustMounts" . | nindent 12 }}
            - name: helm-working-dir
              mountPath: /helm-working-dir
            - name: plugins
              mountPath: /home/argocd/cmp-server/plugins
      volumes:
        {{- include "argo.trustVolumes" . | nindent 8 }}
        - name: helm-working-dir
          emptyDir: {}
        - name: plugins
          emptyDir: {}
