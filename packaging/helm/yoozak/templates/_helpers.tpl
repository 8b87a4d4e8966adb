{{- define "yoozak.name" -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- end }}
{{- define "yoozak.labels" -}}
app.kubernetes.io/name: yoozak
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "yoozak.image" -}}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{- end }}
{{- define "yoozak.env" -}}
- {name: YOOZAK_LISTEN, value: ":8000"}
- {name: YOOZAK_MIGRATE, value: check}
- {name: YOOZAK_DATABASE_URL_FILE, value: /secrets/database-url}
- {name: YOOZAK_ENCRYPTION_KEY_FILE, value: /secrets/encryption-key}
{{- if .Values.smtp }}
- {name: YOOZAK_SMTP_URL_FILE, value: /secrets/smtp-url}
{{- end }}
{{- if .Values.metrics }}
- {name: YOOZAK_METRICS_LISTEN, value: ":9100"}
{{- end }}
{{- range $name, $value := .Values.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
{{- define "yoozak.container" -}}
image: {{ include "yoozak.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
env:
{{- include "yoozak.env" . | nindent 2 }}
volumeMounts:
  - {name: secrets, mountPath: /secrets, readOnly: true}
  - {name: data, mountPath: /data}
{{- end }}
{{- define "yoozak.pod" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
automountServiceAccountToken: false
volumes:
  - name: secrets
    secret: {secretName: {{ .Values.existingSecret }}, defaultMode: 0440}
  - name: data
    emptyDir: {}
{{- end }}
