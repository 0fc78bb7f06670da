{{/* Everything that is made here is named after this; 26 characters leave room for what the operator appends. */}}
{{- define "stack.name" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 26 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels of every object of the stack itself. */}}
{{- define "stack.labels" -}}
{{- $chart := printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" -}}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.Version | replace "+" "_" | quote }}
app.kubernetes.io/part-of: {{ .Chart.Name }}
chart: {{ $chart }}
release: {{ .Release.Name | quote }}
heritage: {{ .Release.Service | quote }}
{{- end -}}

{{/* Labels of the objects of one part: pass a dict of root and part (alertmanager, prometheus, coredns, ...). */}}
{{- define "stack.partLabels" -}}
app: {{ .root.Chart.Name }}-{{ .part }}
{{ include "stack.labels" .root }}
{{- end -}}

{{/* The operator's objects carry three more. */}}
{{- define "stack.operatorLabels" -}}
{{ include "stack.partLabels" (dict "root" . "part" "operator") }}
app.kubernetes.io/name: {{ .Chart.Name }}-prometheus-operator
app.kubernetes.io/component: prometheus-operator
{{- end -}}

{{/* Labels of an exporter that has a chart of its own elsewhere: pass a dict of root and name. */}}
{{- define "stack.exporterLabels" -}}
helm.sh/chart: {{ .name }}-{{ .root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/component: metrics
app.kubernetes.io/part-of: {{ .name }}
{{ include "stack.exporterSelector" . }}
release: {{ .root.Release.Name }}
{{- end -}}

{{- define "stack.exporterSelector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{/* Tag of an image: the values' own, or the version that was built. Pass a dict of root, image, program. */}}
{{- define "stack.tag" -}}
{{- $built := .root.Files.Get "files/versions.yaml" | fromYaml -}}
{{- .image.tag | default (get $built .program) -}}
{{- end -}}

{{- define "stack.image" -}}
{{- $registry := .root.Values.global.imageRegistry | default .image.registry -}}
{{- printf "%s/%s:%s" $registry .image.repository (include "stack.tag" .) -}}
{{- end -}}

{{/* Nothing runs as root, and nothing gains rights. */}}
{{- define "stack.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "stack.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .uid }}
runAsGroup: {{ .gid }}
fsGroup: {{ .gid }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* A selector for the Prometheus object: what the values say, else this release's own objects, else everything. */}}
{{- define "stack.selector" -}}
{{- if .selector -}}
{{ toYaml .selector }}
{{- else if .own -}}
matchLabels:
  release: {{ .release | quote }}
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{/* Keeps replicas away from each other's nodes: pass a dict of spec and labels, by which the replicas are known. */}}
{{- define "stack.antiAffinity" -}}
{{- if has .spec.podAntiAffinity (list "soft" "hard") -}}
{{- $term := dict "topologyKey" .spec.podAntiAffinityTopologyKey "labelSelector" (dict "matchLabels" .labels) -}}
affinity:
  podAntiAffinity:
    {{- if eq .spec.podAntiAffinity "hard" }}
    requiredDuringSchedulingIgnoredDuringExecution:
      {{- toYaml (list $term) | nindent 6 }}
    {{- else }}
    preferredDuringSchedulingIgnoredDuringExecution:
      {{- toYaml (list (dict "weight" 100 "podAffinityTerm" $term)) | nindent 6 }}
    {{- end }}
{{- end -}}
{{- end -}}

{{/* How many pods of a part may be taken away at a time: pass a dict of root, part and labels. */}}
{{- define "stack.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "stack.name" .root }}-{{ .part }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "stack.partLabels" (dict "root" .root "part" .part) | nindent 4 }}
spec:
  {{- toYaml (omit (get .root.Values .part).podDisruptionBudget "enabled") | nindent 2 }}
  selector:
    matchLabels:
      {{- toYaml .labels | nindent 6 }}
{{- end -}}

{{/* One Ingress: pass a dict of root, part, port. */}}
{{- define "stack.ingress" -}}
{{- $root := .root -}}
{{- $ingress := (index $root.Values .part).ingress -}}
{{- $service := printf "%s-%s" (include "stack.name" $root) .part -}}
{{- $port := .port -}}
{{- $paths := $ingress.paths | default (list "/") -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ $service }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "stack.partLabels" . | nindent 4 }}
  {{- with $ingress.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with $ingress.ingressClassName }}
  ingressClassName: {{ . }}
  {{- end }}
  rules:
    {{- range $host := $ingress.hosts | default (list "") }}
    - http:
        paths:
          {{- range $path := $paths }}
          - path: {{ $path }}
            pathType: ImplementationSpecific
            backend:
              service:
                name: {{ $service }}
                port:
                  number: {{ $port }}
          {{- end }}
      {{- with $host }}
      host: {{ . | quote }}
      {{- end }}
    {{- end }}
  {{- with $ingress.tls }}
  tls:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Address under which a part is found from outside, for links in alerts: pass a dict of root, part, port and spec. */}}
{{- define "stack.externalUrl" -}}
{{- $ingress := (index .root.Values .part).ingress -}}
{{- if .spec.externalUrl -}}
{{ .spec.externalUrl }}
{{- else if and $ingress.enabled $ingress.hosts -}}
http://{{ first $ingress.hosts }}/
{{- else -}}
http://{{ include "stack.name" .root }}-{{ .part }}.{{ .root.Release.Namespace }}:{{ .port }}
{{- end -}}
{{- end -}}
