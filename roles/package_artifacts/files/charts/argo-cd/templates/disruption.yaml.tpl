{{- /* How many pods of a part may be taken away at a time. */}}
{{- range $key, $part := include "argo.parts" . | fromYaml }}
{{- $pdb := (index $.Values $key).pdb }}
{{- if and $pdb.enabled (or (ne $key "applicationSet") $.Values.applicationSet.enabled) }}
{{- $context := dict "root" $ "name" (printf "argocd-%s" $part.name) "component" $part.name }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "argo.prefix" $ }}-{{ $part.name }}
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- include "argo.labels" $context | nindent 4 }}
spec:
  {{- if $pdb.maxUnavailable }}
  maxUnavailable: {{ $pdb.maxUnavailable }}
  {{- else }}
  minAvailable: {{ $pdb.minAvailable | default 0 }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "argo.selector" $context | nindent 6 }}
{{- end }}
{{- end }}
