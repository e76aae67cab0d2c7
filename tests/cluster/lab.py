# SPDX-License-Identifier: Apache-2.0
"""One test's corner of the cluster: its namespace, its nodes, and a clean floor afterwards."""

import copy
import itertools


_numbers = itertools.count(1)


class Lab:
    def __init__(self, plane, plimsoll):
        self.plane = plane
        self.plimsoll = plimsoll
        self.api = plane.api
        self.namespace = f"test-{next(_numbers)}"
        # The same cluster outside the webhook's selector: what a pod is without Plimsoll.
        self.outside = f"{self.namespace}-outside"
        self.nodes = []
        self.undo = []  # what a test changes beyond its namespace and nodes

    def open(self):
        self.api.create("namespaces", {"metadata": {"name": self.namespace}})
        self.api.create("namespaces", {"metadata": {"name": self.outside,
                                                    "labels": {"plimsoll.dev/inject": "false"}}})
        for namespace in (self.namespace, self.outside):
            self.wait_for("the service account", lambda: self.api.find("serviceaccounts", "default", namespace))

    def close(self):
        for step in reversed(self.undo):
            step()
        for namespace in (self.namespace, self.outside):
            self.api.delete_all("deployments", namespace, propagationPolicy="Background")
            self.api.delete_all("replicasets", namespace, propagationPolicy="Background")
        self.wait_for("the test's pods to be gone", self._no_pods)
        for name in self.nodes:
            self.api.delete("nodes", name)
        for name in ("nvidia",):
            self.api.delete("runtimeclasses", name)
        for namespace in (self.namespace, self.outside):
            self.api.delete("namespaces", namespace)
        # The next test must not meet this one's nodes in the picture.
        self.plimsoll.revive()
        if self.nodes:
            self.wait_for("plimsoll to forget the test's nodes", lambda: not self._known_nodes())

    def wait_for(self, what, condition, **options):
        children = [child for child in (self.plimsoll.server, self.plimsoll.scheduler)
                    if child is not None and child.running()]
        return self.plane.wait_for(what, condition, **{"explain": self.explain, **options})

    # Making things.

    def add_runtime_class(self, name="nvidia"):
        self.api.create("runtimeclasses", {"metadata": {"name": name}, "handler": name})

    def add_nodes(self, *nodes, wait=True):
        """Creates nodes and waits until Plimsoll and the schedulers may have them."""
        for node in nodes:
            self.api.create("nodes", node)
            self.nodes.append(node["metadata"]["name"])
        if wait:
            names = [node["metadata"]["name"] for node in nodes]
            self.wait_for("plimsoll to know the nodes", lambda: self.plimsoll.knows(names))

    def annotate_node(self, name, **annotations):
        body = {"metadata": {"annotations": {f"plimsoll.dev/{key.replace('_', '-')}": value
                                             for key, value in annotations.items()}}}
        self.api.merge("nodes", name, body)

    def create(self, pod):
        return self.api.create("pods", pod, self.namespace)

    def preview(self, pod):
        """@return the pod as the API server would store it, through the webhook."""
        return self.api.create("pods", pod, self.namespace, dry_run=True)

    def untouched(self, pod):
        """@return the same without Plimsoll."""
        return self.api.create("pods", pod, self.outside, dry_run=True)

    def added(self, pod):
        """@return {JSON pointer: value} of everything that Plimsoll adds to or changes in a pod; a value
        that goes away is there as None."""
        return difference(_plain(self.untouched(pod)), _plain(self.preview(pod)))

    def delete(self, name, **options):
        self.api.delete("pods", name, self.namespace, **options)

    # Looking at things.

    def pod(self, name):
        return self.api.get("pods", name, self.namespace)

    def pods(self):
        return self.api.list("pods", self.namespace)

    def phases(self):
        """@return {name: phase} of the namespace."""
        return {pod["metadata"]["name"]: pod["status"]["phase"] for pod in self.pods()}

    def running(self):
        return {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in self.pods()
                if pod["status"]["phase"] == "Running"}

    def wait_running(self, *names):
        """@return the pods, running."""
        self.wait_for(f"{', '.join(names)} to run", lambda: set(names) <= set(self.running()))
        return [self.pod(name) for name in names]

    def wait_refused(self, name, reason):
        """Waits until the scheduler has said why, in the pod's condition and in an event."""
        def said():
            pod = self.pod(name)
            assert not pod["spec"].get("nodeName"), f"{name} is bound to {pod['spec']['nodeName']}"
            condition = [one for one in pod["status"].get("conditions", [])
                         if one["type"] == "PodScheduled" and one["status"] == "False"]
            return condition and reason in condition[0].get("message", "")
        self.wait_for(f"{name} to wait for: {reason}", said)
        self.wait_for(f"the event that says so for {name}",
                      lambda: any(reason in text for text in self.events(name, "FailedScheduling")))
        assert self.pod(name)["status"]["phase"] == "Pending"

    def events(self, name, reason):
        """@return the messages of a pod's events."""
        found = self.api.list("events", self.namespace,
                              fieldSelector=f"involvedObject.name={name},reason={reason}")
        return [event.get("message") or "" for event in found]

    def explain(self):
        """For the message of a wait that gave up."""
        lines = []
        for pod in self.pods():
            said = [one.get("message", "") for one in pod["status"].get("conditions", [])
                    if one["type"] == "PodScheduled"]
            lines.append(f"{pod['metadata']['name']}: {pod['status']['phase']} on "
                         f"{pod['spec'].get('nodeName')} {said}")
        for event in self.api.list("events", self.namespace):
            lines.append(f"{event['involvedObject']['name']}: {event['reason']} {event.get('message')}")
        return "\n".join(["pods and events:", *lines, "plimsoll:", self.plimsoll.server.tail()])

    # Parts.

    def _no_pods(self):
        left = 0
        for namespace in (self.namespace, self.outside):
            self.api.delete_all("pods", namespace, gracePeriodSeconds=0)
            left += len(self.api.list("pods", namespace))
        return left == 0

    def _known_nodes(self):
        answer = self.plimsoll.refusals(
            {"metadata": {"name": "asking", "namespace": "default", "uid": "asking",
                          "annotations": {"plimsoll.dev/vram": "1Mi"}},
             "spec": {"containers": [{"name": "main", "image": "x"}]}}, self.nodes)
        return [name for name in self.nodes if "not yet known" not in answer.get(name, "")]


# What differs between two creations of the same pod for other reasons.
_OWN = ("uid", "creationTimestamp", "namespace", "resourceVersion", "managedFields", "generation")


def _plain(pod):
    plain = copy.deepcopy(pod)
    for key in _OWN:
        plain["metadata"].pop(key, None)
    volumes = plain["spec"].get("volumes", [])
    names = {volume["name"]: "kube-api-access" for volume in volumes
             if volume["name"].startswith("kube-api-access-")}
    for named in volumes + [mount for kind in ("containers", "initContainers")
                            for container in plain["spec"].get(kind, [])
                            for mount in container.get("volumeMounts", [])]:
        named["name"] = names.get(named["name"], named["name"])
    return plain


def difference(before, after, path=""):
    if isinstance(before, dict) and isinstance(after, dict):
        found = {}
        for key in before.keys() | after.keys():
            step = key.replace("~", "~0").replace("/", "~1")
            found.update(difference(before.get(key), after.get(key), f"{path}/{step}"))
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) <= len(after):
        found = {}
        for index, value in enumerate(after):
            old = before[index] if index < len(before) else None
            found.update(difference(old, value, f"{path}/{index}"))
        return found
    return {} if before == after else {path: after}
