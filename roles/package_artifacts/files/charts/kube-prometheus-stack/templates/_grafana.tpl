{{- define "grafana.name" -}}
{{- printf "%s-grafana" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "grafana.selector" -}}
app.kubernetes.io/name: grafana
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "grafana.labels" -}}
helm.sh/chart: grafana-{{ .Chart.Version | replace "+" "_" }}
{{ include "grafana.selector" . }}
app.kubernetes.io/version: {{ include "stack.tag" (dict "root" . "image" .Values.grafana.image "program" "grafana") | quote }}
{{- end -}}

{{/* Grafana's own file: a section for each key, and before them what stands alone. */}}
{{- define "grafana.ini" -}}
{{- $hosts := .Values.grafana.ingress.hosts -}}
{{- $domain := ternary (first $hosts) "" (and .Values.grafana.ingress.enabled (not (empty $hosts))) -}}
{{- $ini := deepCopy (index .Values.grafana "grafana.ini") -}}
{{- $server := get $ini "server" | default dict -}}
{{- if not $server.domain -}}
{{- $_ := set $ini "server" (merge (dict "domain" $domain) $server) -}}
{{- end -}}
{{- range $section, $settings := $ini -}}
{{- if not (kindIs "map" $settings) }}
{{ $section }} = {{ $settings }}
{{- end -}}
{{- end -}}
{{- range $section, $settings := $ini -}}
{{- if kindIs "map" $settings }}
[{{ $section }}]
{{- range $key, $value := $settings }}
{{ $key }} = {{ $value }}
{{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "grafana.provider" -}}
{{- $dashboards := .Values.grafana.sidecar.dashboards -}}
{{- $provider := $dashboards.provider -}}
apiVersion: 1
providers:
  - name: {{ $provider.name | quote }}
    orgId: {{ $provider.orgid }}
    {{- if not $provider.foldersFromFilesStructure }}
    folder: {{ $provider.folder | quote }}
    folderUid: {{ $provider.folderUid | quote }}
    {{- end }}
    type: {{ $provider.type }}
    disableDeletion: {{ $provider.disableDelete }}
    allowUiUpdates: {{ $provider.allowUiUpdates }}
    updateIntervalSeconds: {{ $provider.updateIntervalSeconds }}
    options:
      foldersFromFilesStructure: {{ $provider.foldersFromFilesStructure }}
      path: {{ $dashboards.folder }}{{ with $dashboards.defaultFolderName }}/{{ . }}{{ end }}
{{- end -}}

{{/* One key of the Secret with the login: pass a dict of root and key. */}}
{{- define "grafana.login" -}}
valueFrom:
  secretKeyRef:
    name: {{ .root.Values.grafana.admin.existingSecret | default (include "grafana.name" .root) }}
    key: {{ .key }}
{{- end -}}

{{/* One sidecar without its mounts: pass a dict of root, part (its values), folder and reload. */}}
{{- define "grafana.sidecar" -}}
{{- $sidecar := .root.Values.grafana.sidecar -}}
{{- $admin := .root.Values.grafana.admin -}}
{{- $namespaces := .part.searchNamespace -}}
image: {{ include "stack.image" (dict "root" .root "image" $sidecar.image "program" "k8s-sidecar") | quote }}
imagePullPolicy: IfNotPresent
env:
  - name: METHOD
    value: {{ .part.watchMethod }}
  - name: LABEL
    value: {{ .part.label | quote }}
  {{- with .part.labelValue }}
  - name: LABEL_VALUE
    value: {{ . | quote }}
  {{- end }}
  {{- with .part.logLevel }}
  - name: LOG_LEVEL
    value: {{ . }}
  {{- end }}
  - name: FOLDER
    value: {{ .folder | quote }}
  {{- with .part.folderAnnotation }}
  - name: FOLDER_ANNOTATION
    value: {{ . | quote }}
  {{- end }}
  - name: RESOURCE
    value: {{ .part.resource | quote }}
  {{- with $namespaces }}
  - name: NAMESPACE
    value: {{ ternary . (join "," .) (kindIs "string" .) | quote }}
  {{- end }}
  {{- if $sidecar.enableUniqueFilenames }}
  - name: UNIQUE_FILENAMES
    value: "true"
  {{- end }}
  {{- if not .part.skipReload }}
  - name: REQ_USERNAME
    {{- include "grafana.login" (dict "root" .root "key" $admin.userKey) | nindent 4 }}
  - name: REQ_PASSWORD
    {{- include "grafana.login" (dict "root" .root "key" $admin.passwordKey) | nindent 4 }}
  - name: REQ_URL
    value: {{ .reload }}
  - name: REQ_METHOD
    value: POST
  {{- end }}
resources:
  {{- toYaml $sidecar.resources | nindent 2 }}
securityContext:
  {{- include "stack.containerSecurity" .root | nindent 2 }}
{{- end -}}
