{{- $name := printf "%s-application-controller" (include "argo.prefix" .) }}
{{- $context := dict "root" . "name" "argocd-application-controller" "component" "application-controller" }}
{{- $labels := .Values.controller.metrics.applicationLabels }}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "argo.labels" $context | nindent 4 }}
spec:
  replicas: {{ .Values.controller.replicas }}
  serviceName: {{ $name }}
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
      {{- include "argo.podSpread" (dict "root" . "name" "argocd-application-controller") | nindent 6 }}
      containers:
        - name: application-controller
          image: {{ include "argo.image" (dict "root" . "image" .Values.global.image "program" "argocd") }}
          imagePullPolicy: IfNotPresent
          workingDir: /home/argocd
          args:
            - /usr/local/bin/argocd-application-controller
            - --metrics-port=8082
            {{- if $labels.enabled }}
            {{- range $labels.labels }}
            - --metrics-application-labels
            - {{ . | quote }}
            {{- end }}
            {{- end }}
            {{- with .Values.controller.extraArgs }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          env:
            - name: ARGOCD_APPLICATION_CONTROLLER_NAME
              value: {{ $name }}
            - name: ARGOCD_CONTROLLER_REPLICAS
              value: {{ .Values.controller.replicas | quote }}
            - name: KUBECACHEDIR
              value: /tmp/kubecache
            {{- include "argo.environment" (list
                  "ARGOCD_RECONCILIATION_TIMEOUT cm:timeout.reconciliation"
                  "ARGOCD_HARD_RECONCILIATION_TIMEOUT cm:timeout.hard.reconciliation"
                  "ARGOCD_RECONCILIATION_JITTER cm:timeout.reconciliation.jitter"
                  "ARGOCD_APPLICATION_CONTROLLER_REPO_SERVER repo.server"
                  "ARGOCD_APPLICATION_CONTROLLER_REPO_SERVER_TIMEOUT_SECONDS controller.repo.server.timeout.seconds"
                  "ARGOCD_APPLICATION_CONTROLLER_STATUS_PROCESSORS controller.status.processors"
                  "ARGOCD_APPLICATION_CONTROLLER_OPERATION_PROCESSORS controller.operation.processors"
                  "ARGOCD_APPLICATION_CONTROLLER_LOGFORMAT controller.log.format"
                  "ARGOCD_APPLICATION_CONTROLLER_LOGLEVEL controller.log.level"
                  "ARGOCD_APPLICATION_CONTROLLER_METRICS_CACHE_EXPIRATION controller.metrics.cache.expiration"
                  "ARGOCD_APPLICATION_CONTROLLER_SELF_HEAL_TIMEOUT_SECONDS controller.self.heal.timeout.seconds"
                  "ARGOCD_SYNC_WAVE_DELAY controller.sync.wave.delay.seconds"
                  "ARGOCD_APP_STATE_CACHE_EXPIRATION controller.app.state.cache.expiration"
                  "ARGOCD_DEFAULT_CACHE_EXPIRATION controller.default.cache.expiration"
                  "ARGOCD_APPLICATION_NAMESPACES application.namespaces"
                ) | nindent 12 }}
            {{- include "argo.redisEnvironment" . | nindent 12 }}
            {{- with .Values.controller.env }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - name: metrics
              containerPort: 8082
              protocol: TCP
          {{- include "argo.probes" (dict "port" "metrics") | nindent 10 }}
          resources:
            {{- toYaml .Values.controller.resources | nindent 12 }}
          securityContext:
            {{- include "argo.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - name: argocd-repo-server-tls
              mountPath: /app/config/controller/tls
            - name: argocd-home
              mountPath: /home/argocd
            - name: tmp
              mountPath: /tmp
      volumes:
        - name: argocd-home
          emptyDir: {}
        - name: tmp
          emptyDir: {}
        {{- include "argo.repoTlsVolume" . | nindent 8 }}
