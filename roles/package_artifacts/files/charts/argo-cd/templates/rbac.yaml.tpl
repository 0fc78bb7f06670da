{{- $prefix := include "argo.prefix" . }}
{{- $argo := list "applications" "applicationsets" "appprojects" }}
{{- $all := list "create" "get" "list" "watch" "update" "patch" "delete" }}
{{- $read := list "get" "list" "watch" }}
{{- $roles := dict }}
{{- $_ := set $roles "application-controller" (list
      (dict "apiGroups" (list "") "resources" (list "secrets" "configmaps") "verbs" $read)
      (dict "apiGroups" (list "argoproj.io") "resources" $argo "verbs" $all)
      (dict "apiGroups" (list "") "resources" (list "events") "verbs" (list "create" "list"))
      (dict "apiGroups" (list "apps") "resources" (list "deployments") "verbs" $read)) }}
{{- $_ := set $roles "server" (list
      (dict "apiGroups" (list "") "resources" (list "secrets" "configmaps") "verbs" $all)
      (dict "apiGroups" (list "argoproj.io") "resources" $argo "verbs" $all)
      (dict "apiGroups" (list "") "resources" (list "events") "verbs" (list "create" "list"))) }}
{{- $_ := set $roles "repo-server" list }}
{{- if .Values.applicationSet.enabled }}
{{- $_ := set $roles "applicationset-controller" (list
      (dict "apiGroups" (list "argoproj.io") "resources" (list "applications" "applicationsets" "applicationsets/finalizers") "verbs" $all)
      (dict "apiGroups" (list "argoproj.io") "resources" (list "applicationsets/status") "verbs" (list "get" "update" "patch"))
      (dict "apiGroups" (list "argoproj.io") "resources" (list "appprojects") "verbs" $read)
      (dict "apiGroups" (list "") "resources" (list "events") "verbs" (list "create" "get" "list" "patch" "watch"))
      (dict "apiGroups" (list "") "resources" (list "configmaps") "verbs" $all)
      (dict "apiGroups" (list "") "resources" (list "secrets") "verbs" $read)
      (dict "apiGroups" (list "apps") "resources" (list "deployments") "verbs" $read)
      (dict "apiGroups" (list "coordination.k8s.io") "resources" (list "leases") "verbs" (list "create" "get" "update"))) }}
{{- end }}
{{- /* The controller applies whatever an Application holds, so it may do everything; the server shows and deletes it. */}}
{{- $clusterRoles := dict
      "application-controller" (list
        (dict "apiGroups" (list "*") "resources" (list "*") "verbs" (list "*"))
        (dict "nonResourceURLs" (list "*") "verbs" (list "*")))
      "server" (list
        (dict "apiGroups" (list "*") "resources" (list "*") "verbs" (list "get" "patch" "delete"))
        (dict "apiGroups" (list "") "resources" (list "events") "verbs" (list "create" "list"))
        (dict "apiGroups" (list "") "resources" (list "pods" "pods/log") "verbs" (list "get"))
        (dict "apiGroups" (list "argoproj.io") "resources" (list "applications" "applicationsets") "verbs" (list "get" "list" "update" "watch"))
        (dict "apiGroups" (list "batch") "resources" (list "jobs") "verbs" (list "create"))) }}
{{- range $part, $rules := $roles }}
{{- $name := printf "%s-%s" $prefix $part }}
{{- $labels := include "argo.labels" (dict "root" $ "name" (printf "argocd-%s" $part) "component" $part) }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- $labels | nindent 4 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name }}
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- $labels | nindent 4 }}
rules:
  {{- toYaml $rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $name }}
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- $labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
    namespace: {{ $.Release.Namespace }}
{{- with get $clusterRoles $part }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $name }}
  labels:
    {{- $labels | nindent 4 }}
rules:
  {{- toYaml . | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ $name }}
  labels:
    {{- $labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
    namespace: {{ $.Release.Namespace }}
{{- end }}
{{- end }}
