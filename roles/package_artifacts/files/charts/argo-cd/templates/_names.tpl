{{/* Every object is named after this. */}}
{{- define "argo.prefix" -}}
{{- if contains "argocd" .Release.Name -}}{{ .Release.Name }}{{- else -}}{{ .Release.Name }}-argocd{{- end -}}
{{- end -}}

{{/* What the values call a part, and the rest that differs between the four: name in objects, ports, arguments. */}}
{{- define "argo.parts" -}}
controller:
  name: application-controller
  metricsName: argocd-metrics
  metricsPort: 8082
server:
  name: server
  metricsName: argocd-server-metrics
  metricsPort: 8083
repoServer:
  name: repo-server
  metricsName: argocd-repo-server-metrics
  metricsPort: 8084
applicationSet:
  name: applicationset-controller
  metricsName: argocd-metrics
  metricsPort: 8080
{{- end -}}

{{/* Labels: pass a dict of root, name (argocd-server) and, unless it is nobody's, component (server). */}}
{{- define "argo.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{ include "argo.selector" . }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: argocd
app.kubernetes.io/version: {{ include "argo.tag" (dict "root" .root "image" .root.Values.global.image "program" "argocd") | quote }}
{{- end -}}

{{- define "argo.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{- define "argo.tag" -}}
{{- $built := .root.Files.Get "files/versions.yaml" | fromYaml -}}
{{- .image.tag | default (get $built .program) -}}
{{- end -}}

{{- define "argo.image" -}}
{{- printf "%s:%s" .image.repository (include "argo.tag" .) -}}
{{- end -}}

{{- define "argo.insecure" -}}
{{- get .Values.configs.params "server.insecure" | toString -}}
{{- end -}}

{{- define "argo.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Environment from argocd-cmd-params-cm: pass a list of "VARIABLE key" or, for argocd-cm, "VARIABLE cm:key". */}}
{{- define "argo.environment" -}}
{{- range . }}
{{- $words := splitList " " . }}
{{- $key := last $words }}
- name: {{ first $words }}
  valueFrom:
    configMapKeyRef:
      name: {{ ternary "argocd-cm" "argocd-cmd-params-cm" (hasPrefix "cm:" $key) }}
      key: {{ trimPrefix "cm:" $key }}
      optional: true
{{- end }}
{{- end -}}

{{- define "argo.redisEnvironment" -}}
{{ include "argo.environment" (list "REDIS_SERVER redis.server" "REDIS_COMPRESSION redis.compression" "REDISDB redis.db") }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: argocd-redis
      key: auth
{{- end -}}

{{/* Certificates, known hosts and keys that repo-server and the ApplicationSet controller read. */}}
{{- define "argo.trustMounts" -}}
- name: ssh-known-hosts
  mountPath: /app/config/ssh
- name: tls-certs
  mountPath: /app/config/tls
- name: gpg-keys
  mountPath: /app/config/gpg/source
- name: gpg-keyring
  mountPath: /app/config/gpg/keys
- name: argocd-repo-server-tls
  mountPath: /app/config/reposerver/tls
- name: tmp
  mountPath: /tmp
{{- end -}}

{{- define "argo.trustVolumes" -}}
- name: ssh-known-hosts
  configMap:
    name: argocd-ssh-known-hosts-cm
- name: tls-certs
  configMap:
    name: argocd-tls-certs-cm
- name: gpg-keys
  configMap:
    name: argocd-gpg-keys-cm
- name: gpg-keyring
  emptyDir: {}
- name: tmp
  emptyDir: {}
{{ include "argo.repoTlsVolume" . }}
{{- end -}}

{{- define "argo.repoTlsVolume" -}}
- name: argocd-repo-server-tls
  secret:
    secretName: argocd-repo-server-tls
    optional: true
    items:
      - key: tls.crt
        path: tls.crt
      - key: tls.key
        path: tls.key
      - key: ca.crt
        path: ca.crt
{{- end -}}

{{/* argocd-cmd-params-cm: what the values say, and what follows from them. */}}
{{- define "argo.params" -}}
{{- $prefix := include "argo.prefix" . -}}
{{- $derived := dict "redis.server" (printf "%s-redis:6379" $prefix) "repo.server" (printf "%s-repo-server:8081" $prefix) -}}
{{- $_ := set $derived "applicationsetcontroller.enable.leader.election" (gt (int .Values.applicationSet.replicas) 1) -}}
{{- merge (deepCopy .Values.configs.params) $derived | toJson -}}
{{- end -}}

{{/* The programs read these ConfigMaps when they start, so a change has to start them again. */}}
{{- define "argo.checksums" -}}
checksum/cm: {{ toJson .Values.configs.cm | sha256sum }}
checksum/cmd-params: {{ include "argo.params" . | sha256sum }}
{{- end -}}

{{/* Keeps the pods of a part away from each other's nodes: pass a dict of root and name. */}}
{{- define "argo.podSpread" -}}
{{- $kind := .root.Values.global.affinity.podAntiAffinity -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" (dict "app.kubernetes.io/name" .name)) -}}
{{- if eq $kind "hard" }}
affinity:
  podAntiAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      {{- toYaml (list $term) | nindent 6 }}
{{- else if eq $kind "soft" }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      {{- toYaml (list (dict "weight" 100 "podAffinityTerm" $term)) | nindent 6 }}
{{- end }}
{{- end -}}

{{/* Probes: quick to notice a start, patient with a slow machine. Pass a dict of path, port, alive. */}}
{{- define "argo.probes" -}}
readinessProbe:
  httpGet:
    path: /healthz
    port: {{ .port }}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 10
{{- with .alive }}
livenessProbe:
  httpGet:
    path: {{ . }}
    port: {{ $.port }}
  initialDelaySeconds: 15
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}
{{- end -}}
