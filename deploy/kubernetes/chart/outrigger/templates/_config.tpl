{{/* outrigger.yaml. */}}
{{- define "outrigger.config" -}}
{{- $token := include "outrigger.secretName" . -}}
{{- if .Values.configText -}}
{{- if not (regexMatch "probes:.*:7402" .Values.configText) -}}
{{- fail "configText needs admin.probes: 0.0.0.0:7402: the probes of the sidecar go there" -}}
{{- end -}}
{{- if and $token (not (contains "OUTRIGGER_ADMIN_TOKEN" .Values.configText)) -}}
{{- fail "adminToken is set and configText does not use it: write admin.token: ${OUTRIGGER_ADMIN_TOKEN}" -}}
{{- end -}}
{{- .Values.configText -}}
{{- else -}}
{{- $config := deepCopy .Values.config -}}
{{- if $token -}}
{{- $config = mergeOverwrite (dict "admin" (dict "token" "${OUTRIGGER_ADMIN_TOKEN}")) $config -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}
{{- end -}}
