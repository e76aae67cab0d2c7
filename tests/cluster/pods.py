# SPDX-License-Identifier: Apache-2.0
"""Pods as people write them."""


def pod(name, limits=None, annotations=None, image="registry.example/app:1", labels=None, **spec):
    container = {"name": "main", "image": image}
    if limits:
        container["resources"] = {"limits": limits}
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "annotations": annotations or {}, "labels": labels or {}},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 1, **spec}}


def gpu(name, vram=None, count=1, **more):
    """One that asks the device plugin for cards."""
    annotations = {"plimsoll.dev/vram": vram} if vram else {}
    annotations.update(more.pop("annotations", {}))
    return pod(name, {"nvidia.com/gpu": str(count)}, annotations, **more)


def vram_only(name, vram, **more):
    """One that asks only for memory."""
    return pod(name, annotations={"plimsoll.dev/vram": vram, **more.pop("annotations", {})}, **more)


def deployment(name, template, replicas=1):
    """`template` is a pod; its name becomes the label that selects."""
    labels = {"app": name, **template["metadata"]["labels"]}
    metadata = {"labels": labels, "annotations": template["metadata"]["annotations"]}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": metadata, "spec": template["spec"]}}}


_BY_HAND = {"runtimeClassName": "nvidia",
            "nodeSelector": {"nvidia.com/gpu.present": "true"},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]}


def ollama():
    """The Ollama chart's pod as home labs run it, everything written by hand."""
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "ollama", "labels": {"app.kubernetes.io/name": "ollama"},
                         "annotations": {"prometheus.io/scrape": "false"}},
            "spec": {**_BY_HAND,
                     "terminationGracePeriodSeconds": 120,
                     "containers": [{
                         "name": "ollama", "image": "ollama/ollama:0.12.6",
                         "ports": [{"name": "http", "containerPort": 11434, "protocol": "TCP"}],
                         "env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"},
                                 {"name": "NVIDIA_DRIVER_CAPABILITIES", "value": "compute,utility"},
                                 {"name": "OLLAMA_KEEP_ALIVE", "value": "24h"}],
                         "resources": {"requests": {"cpu": "1", "memory": "2Gi"},
                                       "limits": {"memory": "8Gi", "nvidia.com/gpu": "1"}},
                         "volumeMounts": [{"name": "models", "mountPath": "/root/.ollama"}],
                         "livenessProbe": {"httpGet": {"path": "/", "port": "http"}},
                         "readinessProbe": {"httpGet": {"path": "/", "port": "http"}}}],
                     "volumes": [{"name": "models", "emptyDir": {}}]}}


def comfyui():
    """ComfyUI with a download container before it; the annotation is the only word of ours."""
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "comfyui", "labels": {"app": "comfyui"},
                         "annotations": {"plimsoll.dev/vram": "10Gi"}},
            "spec": {**_BY_HAND,
                     "securityContext": {"fsGroup": 1000},
                     "initContainers": [{
                         "name": "models", "image": "alpine/curl:8.10.0",
                         "command": ["sh", "-c", "test -e /models/sd_xl_base_1.0.safetensors"],
                         "env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}],
                         "volumeMounts": [{"name": "data", "mountPath": "/models"}]}],
                     "containers": [{
                         "name": "comfyui", "image": "yanwk/comfyui-boot:cu128-slim",
                         "args": ["--listen", "0.0.0.0"],
                         "ports": [{"containerPort": 8188, "protocol": "TCP"}],
                         "env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"},
                                 {"name": "NVIDIA_DRIVER_CAPABILITIES", "value": "all"}],
                         "resources": {"limits": {"nvidia.com/gpu": "1"}},
                         "volumeMounts": [{"name": "data", "mountPath": "/root/ComfyUI/models"}]}],
                     "volumes": [{"name": "data", "emptyDir": {}}]}}
