{{- $token := "/var/run/secrets/kubernetes.io/serviceaccount/token" }}
{{- $ca := "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt" }}
{{- if .Values.kubeApiServer.enabled }}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ include "stack.name" . }}-apiserver
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "stack.partLabels" (dict "root" . "part" "apiserver") | nindent 4 }}
spec:
  jobLabel: component
  namespaceSelector:
    matchNames: [default]
  selector:
    matchLabels:
      component: apiserver
      provider: kubernetes
  endpoints:
    - port: https
      scheme: https
      bearerTokenFile: {{ $token }}
      tlsConfig:
        caFile: {{ $ca }}
        serverName: kubernetes
        insecureSkipVerify: false
      metricRelabelings:
        {{- /* Most buckets of these histograms answer no question that is asked here, and they are half of all series. */}}
        - action: drop
          sourceLabels: [__name__, le]
          regex: (apiserver_request_duration|apiserver_request_sli_duration|etcd_request_duration)_seconds_bucket;(0\.15|0\.2|0\.3|0\.35|0\.4|0\.45|0\.6|0\.7|0\.8|0\.9|1\.25|1\.5|1\.75|2|3|3\.5|4|4\.5|6|7|8|9|15|20|40|45|50)(\.0)?
---
{{- end }}
{{- if .Values.kubelet.enabled }}
{{- $histograms := list (dict "action" "drop" "sourceLabels" (list "__name__" "le") "regex" `(csi_operations|storage_operation_duration)_seconds_bucket;(0.25|2.5|15|25|120|600)(\.0)?`) }}
{{- $withoutPod := dict "action" "drop" "sourceLabels" (list "id" "pod") "regex" ".+;" }}
{{- $unused := dict "action" "drop" "sourceLabels" (list "__name__") "regex" "container_(spec_.*|tasks_state|threads_max|file_descriptors|cpu_load_average_10s|memory_(mapped_file|swap)|fs_(io_current|io_time.*|reads_merged_total|writes_merged_total|sector_.*))" }}
{{- $paths := list
      (dict "path" "/metrics" "drop" $histograms)
      (dict "path" "/metrics/cadvisor" "drop" (list $unused $withoutPod) "interval" "10s" "staleness" true)
      (dict "path" "/metrics/probes" "drop" list) }}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ include "stack.name" . }}-kubelet
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "stack.partLabels" (dict "root" . "part" "kubelet") | nindent 4 }}
spec:
  jobLabel: k8s-app
  namespaceSelector:
    matchNames: [{{ .Values.kubelet.namespace }}]
  selector:
    matchLabels:
      app.kubernetes.io/name: kubelet
      k8s-app: kubelet
  endpoints:
    {{- range $paths }}
    - port: https-metrics
      scheme: https
      path: {{ .path }}
      honorLabels: true
      honorTimestamps: true
      bearerTokenFile: {{ $token }}
      tlsConfig:
        caFile: {{ $ca }}
        {{- /* A kubelet's serving certificate is its own, and the cluster's CA did not sign it. */}}
        insecureSkipVerify: true
      {{- with .interval }}
      interval: {{ . }}
      {{- end }}
      {{- if .staleness }}
      trackTimestampsStaleness: true
      {{- end }}
      {{- with .drop }}
      metricRelabelings:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      relabelings:
        - action: replace
          sourceLabels: [__metrics_path__]
          targetLabel: metrics_path
    {{- end }}
---
{{- end }}
{{- if .Values.coreDns.enabled }}
{{- $name := printf "%s-coredns" (include "stack.name" .) }}
{{- $labels := include "stack.partLabels" (dict "root" . "part" "coredns") }}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: kube-system
  labels:
    {{- $labels | nindent 4 }}
    jobLabel: coredns
spec:
  clusterIP: None
  ports:
    - name: http-metrics
      port: 9153
      protocol: TCP
      targetPort: 9153
  selector:
    k8s-app: kube-dns
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  jobLabel: jobLabel
  selector:
    matchLabels:
      app: {{ .Chart.Name }}-coredns
      release: {{ .Release.Name | quote }}
  namespaceSelector:
    matchNames: [kube-system]
  endpoints:
    - port: http-metrics
      bearerTokenFile: {{ $token }}
{{- end }}
