{{- if .Values.nodeExporter.enabled }}
{{- $values := index .Values "prometheus-node-exporter" }}
{{- $context := dict "root" . "name" "prometheus-node-exporter" }}
{{- $name := printf "%s-prometheus-node-exporter" .Release.Name }}
{{- $root := $values.hostRootFsMount }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "stack.exporterLabels" $context | nindent 4 }}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "stack.exporterLabels" $context | nindent 4 }}
    jobLabel: node-exporter
  annotations:
    prometheus.io/scrape: "true"
spec:
  type: ClusterIP
  ports:
    - name: http-metrics
      port: 9100
      protocol: TCP
      targetPort: 9100
  selector:
    {{- include "stack.exporterSelector" $context | nindent 4 }}
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "stack.exporterLabels" $context | nindent 4 }}
spec:
  selector:
    matchLabels:
      {{- include "stack.exporterSelector" $context | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "stack.exporterLabels" $context | nindent 8 }}
        jobLabel: node-exporter
    spec:
      serviceAccountName: {{ $name }}
      automountServiceAccountToken: false
      hostNetwork: true
      hostPID: true
      nodeSelector:
        kubernetes.io/os: linux
      tolerations:
        - effect: NoSchedule
          operator: Exists
      securityContext:
        runAsNonRoot: true
        runAsUser: 65534
        runAsGroup: 65534
        fsGroup: 65534
      containers:
        - name: node-exporter
          image: {{ include "stack.image" (dict "root" . "image" $values.image "program" "node-exporter") | quote }}
          imagePullPolicy: IfNotPresent
          args:
            - --path.procfs=/host/proc
            - --path.sysfs=/host/sys
            {{- if $root.enabled }}
            - --path.rootfs=/host/root
            - --path.udev.data=/host/root/run/udev/data
            {{- end }}
            - --web.listen-address=:9100
            - --collector.filesystem.mount-points-exclude=^/(dev|proc|sys|run/(containerd|k3s)|var/lib/(containerd|docker|kubelet|rancher))($|/)
            - --collector.filesystem.fs-types-exclude=^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|mqueue|nsfs|overlay|proc|pstore|securityfs|squashfs|sysfs|tracefs)$
          ports:
            - name: http-metrics
              containerPort: 9100
              protocol: TCP
          readinessProbe:
            httpGet:
              path: /
              port: http-metrics
            periodSeconds: 2
            failureThreshold: 5
          livenessProbe:
            httpGet:
              path: /
              port: http-metrics
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          securityContext:
            {{- include "stack.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - name: proc
              mountPath: /host/proc
              readOnly: true
            - name: sys
              mountPath: /host/sys
              readOnly: true
            {{- if $root.enabled }}
            - name: root
              mountPath: /host/root
              mountPropagation: {{ $root.mountPropagation }}
              readOnly: true
            {{- end }}
      volumes:
        - name: proc
          hostPath:
            path: /proc
        - name: sys
          hostPath:
            path: /sys
        {{- if $root.enabled }}
        - name: root
          hostPath:
            path: /
        {{- end }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "stack.exporterLabels" $context | nindent 4 }}
spec:
  jobLabel: jobLabel
  selector:
    matchLabels:
      {{- include "stack.exporterSelector" $context | nindent 6 }}
  endpoints:
    - port: http-metrics
      scheme: http
{{- end }}
