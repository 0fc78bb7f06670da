{{- $prefix := include "argo.prefix" . }}
{{- define "argo.configMap" }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "argo.labels" . | nindent 4 }}
{{- with .data }}
data:
  {{- range $key, $value := . }}
  {{ $key }}: {{ $value | toString | quote }}
  {{- end }}
{{- end }}
{{- end }}
{{- $cm := merge (dict "url" (printf "https://%s" .Values.global.domain)) .Values.configs.cm }}
{{- $params := include "argo.params" . | fromJson }}
{{- include "argo.configMap" (dict "root" . "name" "argocd-cm" "component" "server" "data" $cm) }}
{{- include "argo.configMap" (dict "root" . "name" "argocd-cmd-params-cm" "component" "server" "data" $params) }}
{{- include "argo.configMap" (dict "root" . "name" "argocd-rbac-cm" "component" "server" "data" .Values.configs.rbac) }}
{{- include "argo.configMap" (dict "root" . "name" "argocd-ssh-known-hosts-cm" "data" (dict "ssh_known_hosts" .Values.configs.ssh.knownHosts)) }}
{{- include "argo.configMap" (dict "root" . "name" "argocd-tls-certs-cm" "data" .Values.configs.tls.certificates) }}
{{- include "argo.configMap" (dict "root" . "name" "argocd-gpg-keys-cm" "data" dict) }}
{{- if .Values.configs.secret.createSecret }}
---
{{- /* Filled by the server when it starts for the first time: signing key and the admin's password. */}}
apiVersion: v1
kind: Secret
metadata:
  name: argocd-secret
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "argo.labels" (dict "root" . "name" "argocd-secret" "component" "server") | nindent 4 }}
type: Opaque
{{- end }}
