{{- if .Values.applicationSet.enabled }}
{{- $name := printf "%s-applicationset-controller" (include "argo.prefix" .) }}
{{- $context := dict "root" . "name" "argocd-applicationset-controller" "component" "applicationset-controller" }}
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
    - name: http-webhook
      port: 7000
      targetPort: webhook
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
  replicas: {{ .Values.applicationSet.replicas }}
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
      {{- include "argo.podSpread" (dict "root" . "name" "argocd-applicationset-controller") | nindent 6 }}
      containers:
        - name: applicationset-controller
          image: {{ include "argo.image" (dict "root" . "image" .Values.global.image "program" "argocd") }}
          imagePullPolicy: IfNotPresent
          args:
            - /usr/local/bin/argocd-applicationset-controller
            - --metrics-addr=:8080
            - --probe-addr=:8081
            - --webhook-addr=:7000
            {{- with .Values.applicationSet.extraArgs }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          env:
            - name: NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
            {{- include "argo.environment" (list
                  "ARGOCD_APPLICATIONSET_CONTROLLER_ENABLE_LEADER_ELECTION applicationsetcontroller.enable.leader.election"
                  "ARGOCD_APPLICATIONSET_CONTROLLER_REPO_SERVER repo.server"
                  "ARGOCD_APPLICATIONSET_CONTROLLER_REPO_SERVER_TIMEOUT_SECONDS applicationsetcontroller.repo.server.timeout.seconds"
                  "ARGOCD_APPLICATIONSET_CONTROLLER_POLICY applicationsetcontroller.policy"
                  "ARGOCD_APPLICATIONSET_CONTROLLER_ENABLE_POLICY_OVERRIDE applicationsetcontroller.enable.policy.override"
                  "ARGOCD_APPLICATIONSET_CONTROLLER_LOGFORMAT applicationsetcontroller.log.format"
                  "ARGOCD_APPLICATIONSET_CONTROLLER_LOGLEVEL applicationsetcontroller.log.level"
                  "ARGOCD_APPLICATIONSET_CONTROLLER_DRY_RUN applicationsetcontroller.dryrun"
                  "ARGOCD_APPLICATIONSET_CONTROLLER_NAMESPACES applicationsetcontroller.namespaces"
                  "ARGOCD_APPLICATIONSET_CONTROLLER_CONCURRENT_RECONCILIATIONS applicationsetcontroller.concurrent.reconciliations.max"
                ) | nindent 12 }}
            {{- with .Values.applicationSet.env }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - name: metrics
              containerPort: 8080
              protocol: TCP
            - name: probe
              containerPort: 8081
              protocol: TCP
            - name: webhook
              containerPort: 7000
              protocol: TCP
          {{- /* The controller serves no health page; it listens here once it is set up. */}}
          readinessProbe:
            tcpSocket:
              port: metrics
            periodSeconds: 2
            timeoutSeconds: 2
            failureThreshold: 10
          resources:
            {{- toYaml .Values.applicationSet.resources | nindent 12 }}
          securityContext:
            {{- include "argo.containerSecurity" . | nindent 12 }}
          volumeMounts:
            {{- include "argo.trustMounts" . | nindent 12 }}
      volumes:
        {{- include "argo.trustVolumes" . | nindent 8 }}
{{- end }}
