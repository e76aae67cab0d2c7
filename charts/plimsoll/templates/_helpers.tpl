{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/* -- names and labels -- */}}

{{- define "plimsoll.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for the longest of the suffixes that follow it. */}}
{{- define "plimsoll.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "plimsoll.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "plimsoll.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "plimsoll.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "plimsoll.labels" -}}
{{- include "plimsoll.labelsWith" (list . dict) -}}
{{- end -}}

{{/* (context, labels of the object): no key twice, and none of ours with another value. */}}
{{- define "plimsoll.labelsWith" -}}
{{- $more := merge (dict) (default dict (index . 1)) (default dict (index . 0).Values.commonLabels) -}}
{{- $more = omit $more "helm.sh/chart" "app.kubernetes.io/name" "app.kubernetes.io/instance"
    "app.kubernetes.io/version" "app.kubernetes.io/part-of" "app.kubernetes.io/managed-by" -}}
{{- with index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "plimsoll.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: plimsoll
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- with $more }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* (context, component) */}}
{{- define "plimsoll.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "plimsoll.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* (context, component, labels of the user): the user's never replace what selectors look at, nor what
the server knows its agents by. */}}
{{- define "plimsoll.podLabels" -}}
{{- $root := index . 0 -}}
{{- $own := fromYaml (include "plimsoll.selectorLabels" (list $root (index . 1))) -}}
{{- $own = merge $own (dict "app.kubernetes.io/part-of" "plimsoll") -}}
{{- toYaml (merge $own (default dict (index . 2)) (default dict $root.Values.commonLabels)) -}}
{{- end -}}

{{- define "plimsoll.serverAccount" -}}
{{- default (include "plimsoll.fullname" .) .Values.server.serviceAccount.name -}}
{{- end -}}

{{- define "plimsoll.agentAccount" -}}
{{- default (printf "%s-agent" (include "plimsoll.fullname" .)) .Values.agent.serviceAccount.name -}}
{{- end -}}

{{/* cert-manager's has another name than the server's: it is not the release's, and stays when the mode changes. */}}
{{- define "plimsoll.tlsSecret" -}}
{{- if eq .Values.tls.mode "provided" -}}
{{- .Values.tls.existingSecret -}}
{{- else if eq .Values.tls.mode "cert-manager" -}}
{{- include "plimsoll.fullname" . }}-cert
{{- else -}}
{{- include "plimsoll.fullname" . }}-tls
{{- end -}}
{{- end -}}

{{/* -- images -- */}}

{{/* (context, image, default tag) */}}
{{- define "plimsoll.imageOf" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $registry := default $image.registry $root.Values.global.imageRegistry -}}
{{- with $registry }}{{ . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest -}}
@{{ $image.digest }}
{{- else -}}
:{{ default (index . 2) $image.tag }}
{{- end -}}
{{- end -}}

{{- define "plimsoll.serverImage" -}}
{{- include "plimsoll.imageOf" (list . .Values.image .Chart.AppVersion) -}}
{{- end -}}

{{- define "plimsoll.agentImage" -}}
{{- $image := .Values.agent.image -}}
{{- $merged := dict "registry" (default .Values.image.registry $image.registry)
    "repository" (default .Values.image.repository $image.repository)
    "tag" (default .Values.image.tag $image.tag)
    "digest" (ternary $image.digest .Values.image.digest (or (ne $image.tag "") (ne $image.digest ""))) -}}
{{- include "plimsoll.imageOf" (list . $merged .Chart.AppVersion) -}}
{{- end -}}

{{/* The cluster's version without what EKS, GKE, k3s and RKE2 append. */}}
{{- define "plimsoll.clusterVersion" -}}
{{- regexFind "^v[0-9]+\\.[0-9]+\\.[0-9]+" .Capabilities.KubeVersion.Version -}}
{{- end -}}

{{/* -- what follows from the configuration -- */}}

{{/* Every resource that makes a pod a GPU pod, one a line. */}}
{{- define "plimsoll.resources" -}}
{{- $lists := dict
    "nvidia" (list "nvidia.com/gpu" "nvidia.com/gpu.shared") "nvidia-mig" (list "nvidia.com/mig-*")
    "amd" (list "amd.com/gpu") "intel" (list "gpu.intel.com/*") -}}
{{- $names := list "plimsoll.dev/vram" -}}
{{- range $family, $shipped := $lists -}}
{{- $names = concat $names (dig $family $shipped (default dict $.Values.config.resources)) -}}
{{- end -}}
{{- range .Values.config.profiles -}}
{{- $names = concat $names (dig "match" "resources" (list) .) -}}
{{- end -}}
{{- join "\n" ($names | uniq | sortAlpha) -}}
{{- end -}}

{{/* The runtime classes of all profiles, as a CEL list. */}}
{{- define "plimsoll.runtimeClasses" -}}
{{- $names := list "nvidia" -}}
{{- range .Values.config.profiles -}}
{{- with .runtimeClassName }}{{ $names = append $names . }}{{ end -}}
{{- end -}}
['{{ join "', '" ($names | uniq | sortAlpha) }}']
{{- end -}}

{{/* CEL: `resource` is one of ours. */}}
{{- define "plimsoll.isResource" -}}
{{- $exact := list -}}
{{- $terms := list -}}
{{- range splitList "\n" (include "plimsoll.resources" .) -}}
{{- if hasSuffix "*" . -}}
{{- $terms = append $terms (printf "resource.startsWith('%s')" (trimSuffix "*" .)) -}}
{{- else -}}
{{- $exact = append $exact (printf "'%s'" .) -}}
{{- end -}}
{{- end -}}
{{- $terms = prepend $terms (printf "resource in [%s]" (join ", " $exact)) -}}
{{- join " ||\n" $terms -}}
{{- end -}}

{{/* Not empty while nodes advertise VRAM that nodeCapacity, switched off since, has written: the server takes
it back and needs the right to for so long. Without a cluster to ask it is empty. */}}
{{- define "plimsoll.capacityLeft" -}}
{{- $writes := false -}}
{{- range dig "rules" (list) (lookup "rbac.authorization.k8s.io/v1" "ClusterRole" "" (include "plimsoll.fullname" .)) -}}
{{- $writes = or $writes (has "nodes/status" (dig "resources" (list) .)) -}}
{{- end -}}
{{- if and $writes (not .Values.config.nodeCapacity) -}}
{{- range dig "items" (list) (lookup "v1" "Node" "" "") -}}
{{- if hasKey (dig "status" "capacity" (dict) .) "plimsoll.dev/vram" }}{{ .metadata.name }} {{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The runtime class of NVIDIA's agents where the cluster does not have it. Without a cluster to ask it is empty. */}}
{{- define "plimsoll.missingClass" -}}
{{- $name := .Values.agent.nvidia.runtimeClassName -}}
{{- if and .Values.agent.enabled .Values.agent.nvidia.enabled $name -}}
{{- if lookup "rbac.authorization.k8s.io/v1" "ClusterRole" "" "system:kube-scheduler" -}}
{{- $names := list -}}
{{- range dig "items" (list) (lookup "node.k8s.io/v1" "RuntimeClass" "" "") -}}
{{- $names = append $names .metadata.name -}}
{{- end -}}
{{- if not (has $name $names) }}{{ $name }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Not empty where no node has a label by which an agent starts. Without a cluster to ask it is empty. */}}
{{- define "plimsoll.noAgentNode" -}}
{{- $labels := list -}}
{{- range $vendor := list "nvidia" "amd" "intel" -}}
{{- $own := index $.Values.agent $vendor -}}
{{- if $own.enabled -}}
{{- range $key, $value := $own.nodeLabels }}{{ $labels = append $labels (printf "%s=%s" $key $value) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $found := false -}}
{{- range dig "items" (list) (lookup "v1" "Node" "" "") -}}
{{- range $key, $value := .metadata.labels -}}
{{- $found = or $found (has (printf "%s=%s" $key $value) $labels) -}}
{{- end -}}
{{- end -}}
{{- if and (not $found) (lookup "rbac.authorization.k8s.io/v1" "ClusterRole" "" "system:kube-scheduler") }}none{{ end -}}
{{- end -}}

{{- define "plimsoll.serverConfig" -}}
{{- $config := .Values.config -}}
reserve: {{ $config.reserve | quote }}
defaultRequest: {{ $config.defaultRequest | quote }}
policy: {{ $config.policy }}
maxReportAge: {{ $config.maxReportAge }}
# Without a scheduler of our own pods keep theirs.
schedulerName: {{ ternary .Values.kubeScheduler.schedulerName "" .Values.kubeScheduler.enabled | quote }}
markerLimit: {{ ternary $config.markerLimit (not .Values.kubeScheduler.enabled) (kindIs "bool" $config.markerLimit) }}
nodeCapacity: {{ $config.nodeCapacity }}
log-format: {{ $config.logFormat }}
log-level: {{ $config.logLevel }}
{{- with $config.resources }}
resources:
{{- toYaml . | nindent 2 }}
{{- end }}
{{- with $config.profiles }}
profiles:
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end -}}

{{- define "plimsoll.schedulerConfig" -}}
{{- $scheduler := .Values.kubeScheduler -}}
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection:
  leaderElect: true
  resourceNamespace: {{ include "plimsoll.namespace" . }}
  resourceName: {{ include "plimsoll.fullname" . }}-scheduler
profiles:
- schedulerName: {{ $scheduler.schedulerName }}
  # Otherwise the scheduler asks about a sample of the nodes, and what the sample refuses waits.
  percentageOfNodesToScore: 100
  {{- /* The user's arguments of NodeResourcesFit are joined with ours: a plugin is there once. */}}
  {{- $profile := default dict $scheduler.extraProfile }}
  {{- $fit := dict }}
  {{- $others := list }}
  {{- range default list $profile.pluginConfig }}
  {{- if eq .name "NodeResourcesFit" }}
  {{- $fit = deepCopy (default dict .args) }}
  {{- else }}
  {{- $others = append $others . }}
  {{- end }}
  {{- end }}
  {{- if not .Values.config.nodeCapacity }}
  {{- $_ := set $fit "ignoredResources" (append (default list $fit.ignoredResources) "plimsoll.dev/vram" | uniq) }}
  {{- end }}
  {{- if or $fit $others }}
  pluginConfig:
  {{- if $fit }}
  - name: NodeResourcesFit
    # No node advertises plimsoll.dev/vram, unless config.nodeCapacity is true: Plimsoll counts it.
    args:
      {{- toYaml $fit | nindent 6 }}
  {{- end }}
  {{- with $others }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- end }}
  {{- with omit $profile "pluginConfig" }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
extenders:
- urlPrefix: http://127.0.0.1:{{ .Values.extender.port }}
  filterVerb: filter
  prioritizeVerb: prioritize
  bindVerb: bind
  # The scheduler finds victims for devices; this adds those that VRAM needs.
  preemptVerb: preempt
  weight: {{ .Values.extender.weight }}
  nodeCacheCapable: true
  # A GPU pod waits while Plimsoll is away; it is never placed without it.
  ignorable: false
  # Longer than the 5 s in which a binding is decided.
  httpTimeout: {{ .Values.extender.httpTimeout }}
{{- end -}}
