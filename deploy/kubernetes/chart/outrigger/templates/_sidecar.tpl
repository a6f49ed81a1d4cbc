{{/*
For the chart of an application, which calls each with .Subcharts.outrigger, so that values, defaults and version are
those of this chart. All of them are empty while enabled is false.
*/}}

{{/* The sidecar as an item of initContainers; empty in classic mode. Stands first. */}}
{{- define "outrigger.initContainers" -}}
{{- if eq .Values.mode "native" -}}
{{- include "outrigger.container" . -}}
{{- end -}}
{{- end -}}

{{/* The sidecar as an item of containers; empty in native mode. */}}
{{- define "outrigger.containers" -}}
{{- if eq .Values.mode "classic" -}}
{{- include "outrigger.container" . -}}
{{- end -}}
{{- end -}}

{{/* The sidecar as an item of a list of containers: what src/inject/sidecar-container.ts makes. A test compares them. */}}
{{- define "outrigger.container" -}}
{{- if .Values.enabled -}}
{{- if and (eq .Values.mode "native") (semverCompare "<1.29.0-0" .Capabilities.KubeVersion.Version) -}}
{{- fail "native sidecars need Kubernetes 1.29: set mode to classic" -}}
{{- end -}}
- name: outrigger
  image: {{ include "outrigger.image" . | quote }}
  {{- with .Values.image.pullPolicy }}
  imagePullPolicy: {{ . }}
  {{- end }}
  {{- if eq .Values.mode "native" }}
  restartPolicy: Always
  {{- end }}
  args: [run, -c, /etc/outrigger/outrigger.yaml]
  {{- $secret := include "outrigger.secretName" . }}
  {{- if or $secret .Values.extraEnv }}
  env:
    {{- if $secret }}
    - name: OUTRIGGER_ADMIN_TOKEN
      valueFrom:
        secretKeyRef:
          name: {{ $secret }}
          key: token
    {{- end }}
    {{- with .Values.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  ports:
    - name: outrigger
      containerPort: 7402
      protocol: TCP
  startupProbe:
    httpGet: { path: /startupz, port: outrigger }
    periodSeconds: 1
    timeoutSeconds: 2
    failureThreshold: 120
  readinessProbe:
    httpGet: { path: /readyz, port: outrigger }
    periodSeconds: 5
    timeoutSeconds: 2
    failureThreshold: 3
  livenessProbe:
    httpGet: { path: /livez, port: outrigger }
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 3
  resources:
    {{- toYaml .Values.resources | nindent 4 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    allowPrivilegeEscalation: false
    privileged: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
    seccompProfile:
      type: RuntimeDefault
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
    - name: outrigger-config
      mountPath: /etc/outrigger
      readOnly: true
    {{- with .Values.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
{{- end -}}

{{/* Items of the pod's volumes. */}}
{{- define "outrigger.volumes" -}}
{{- if .Values.enabled -}}
- name: outrigger-config
  configMap:
    name: {{ include "outrigger.configMapName" . }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* Items of env, for each container of the app. */}}
{{- define "outrigger.env" -}}
{{- if and .Values.enabled .Values.proxyVariables.enabled -}}
{{- $egress := .Values.config.egress | default dict -}}
{{- $proxy := printf "http://%s" ($egress.address | default "127.0.0.1:7400") -}}
{{- $always := list "localhost" "127.0.0.1" "::1" "$(KUBERNETES_SERVICE_HOST)" "kubernetes.default.svc" -}}
{{- $direct := concat $always .Values.proxyVariables.noProxy | join "," -}}
{{- range $name := list "HTTP_PROXY" "HTTPS_PROXY" "http_proxy" "https_proxy" }}
- name: {{ $name }}
  value: {{ $proxy | quote }}
{{- end }}
{{- range $name := list "NO_PROXY" "no_proxy" }}
- name: {{ $name }}
  value: {{ $direct | quote }}
{{- end }}
- name: NODE_USE_ENV_PROXY
  value: "1"
{{- end -}}
{{- end -}}

{{/* Annotations of the pod template. Empty unless a change of the configuration is to replace the pods. */}}
{{- define "outrigger.podAnnotations" -}}
{{- if and .Values.enabled .Values.rollOnChange -}}
checksum/outrigger-config: {{ include "outrigger.config" . | sha256sum }}
{{- end -}}
{{- end -}}
