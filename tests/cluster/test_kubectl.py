# SPDX-License-Identifier: Apache-2.0
"""`kubectl plimsoll` as people run it: the real kubectl finds the plugin in PATH and reaches the real API server."""

import json
import os
import pathlib
import stat
import subprocess
import sys

import pytest

import nodes
import pods
from plimsoll import find_program

GI = 1 << 30
CARD = "GPU-8f6d2c1a-0e1d-4c2b-9a3f-5b6c7d8e9f00"
OTHER_CARD = "GPU-1b2c3d4e-0e1d-4c2b-9a3f-5b6c7d8e9f01"


class Plugin:
    def __init__(self, lab):
        plugin = find_program().parent / "kubectl-plimsoll"
        assert os.access(plugin, os.X_OK), f"no program {plugin}: build the target kubectl-plimsoll"
        self.lab = lab
        self.kubeconfig = lab.plane.kubeconfig
        self.env = {key: value for key, value in os.environ.items() if key not in ("KUBECTL", "KUBECONFIG")}
        self.env["PATH"] = f"{plugin.parent}:{lab.plane.binaries}:{os.environ['PATH']}"

    def run(self, *arguments, status=0):
        """@return the finished process, which ended with `status`."""
        done = subprocess.run([self.lab.plane.kubectl_path, "plimsoll", *map(str, arguments),
                               "--kubeconfig", self.kubeconfig],
                              capture_output=True, text=True, env=self.env, stdin=subprocess.DEVNULL)
        assert done.returncode == status, (arguments, done.stdout, done.stderr)
        return done

    def ask(self, *arguments, status=0):
        """@return the object that -o json prints."""
        return json.loads(self.run(*arguments, "-o", "json", status=status).stdout)

    def explain(self, name, status):
        return self.ask("explain", name, "-n", self.lab.namespace, status=status)


@pytest.fixture
def plugin(lab):
    return Plugin(lab)


def add_home(lab, **more):
    lab.add_nodes(nodes.nvidia("home", 16384, replicas=4, annotations=nodes.inventory((CARD, 16 * GI), **more)))


def add_attic(lab):
    lab.add_nodes(nodes.nvidia("attic", 8192, replicas=4, annotations=nodes.inventory((OTHER_CARD, 8 * GI))))


def test_top_shows_the_claims_that_the_api_server_has(lab, plugin):
    add_home(lab)
    lab.create(pods.gpu("ollama", "6Gi"))
    lab.wait_running("ollama")
    there = plugin.ask("top")
    card, = there["nodes"][0]["cards"]
    # The reserve is that of the ConfigMap that was installed.
    assert there["note"] is None
    assert (card["total"], card["booked"], card["free"]) == (16 * GI, 6 * GI, 16 * GI - 6 * GI - GI // 2)
    assert [(pod["name"], pod["claimed"]) for pod in card["pods"]] == [("ollama", 6 * GI)]
    assert f"{lab.namespace}/ollama" in plugin.run("top").stdout
    assert [one["claimed"] for one in there["namespaces"] if one["name"] == lab.namespace] == [6 * GI]
    assert lab.namespace in plugin.run("top", "--by", "namespace").stdout


def test_explain_says_what_filter_says(lab, plugin):
    add_home(lab)
    add_attic(lab)
    lab.add_nodes(nodes.amd("radeon"), nodes.node("plain"))
    lab.create(pods.gpu("ollama", "10Gi"))
    lab.wait_running("ollama")
    lab.create(pods.gpu("waits", "7.9Gi"))
    lab.wait_refused("waits", "insufficient free VRAM")
    said = plugin.explain("waits", status=1)
    assert said["standing"] == "waits"
    assert "insufficient free VRAM" in said["scheduler"]["message"]
    told = {node["name"]: node["text"] for node in said["nodes"]}
    assert told == lab.plimsoll.refusals(lab.pod("waits"), list(told))
    assert set(told) == {"home", "attic", "radeon", "plain"}
    assert said["closest"]["name"] == "home"
    assert said["makesRoom"] == [{"node": "home", "pods": [
        {"namespace": lab.namespace, "name": "ollama", "uid": lab.pod("ollama")["metadata"]["uid"]}]}]
    # What the server has written on the pod is there, too.
    lab.wait_for("the Event in explain", lambda: any(
        event["reason"] == "InsufficientVRAM" for event in plugin.explain("waits", status=1)["events"]))
    assert "no node has room for it" in plugin.run("explain", f"{lab.namespace}/waits", status=1).stdout


def test_who_leaves_by_its_word_makes_room(lab, plugin):
    add_home(lab)
    for name, vram in (("small", "2Gi"), ("large", "8Gi"), ("third", "5Gi")):
        lab.create(pods.gpu(name, vram))
        lab.wait_running(name)
    lab.create(pods.gpu("waits", "4Gi"))
    lab.wait_refused("waits", "insufficient free VRAM")
    leaving, = plugin.explain("waits", status=1)["makesRoom"][0]["pods"]
    lab.delete(leaving["name"])
    lab.wait_running("waits")
    assert plugin.explain("waits", status=0)["node"] == "home"


def test_explain_of_a_pod_that_runs_names_its_card(lab, plugin):
    add_home(lab)
    lab.create(pods.gpu("ollama", "6Gi"))
    lab.wait_running("ollama")
    said = plugin.explain("ollama", status=0)
    assert (said["standing"], said["node"]) == ("bound", "home")
    assert said["claim"]["cards"] == [{"id": CARD, "vram": 6 * GI}]


def test_explain_tells_who_never_asked_us(lab, plugin):
    add_home(lab)
    lab.create(pods.gpu("gated", "6Gi", schedulingGates=[{"name": "example.com/quota"}]))
    lab.create(pods.gpu("elsewhere", "6Gi", schedulerName="somebody-else"))
    assert plugin.explain("gated", status=1)["standing"] == "gated"
    assert plugin.explain("elsewhere", status=1)["standing"] == "otherScheduler"
    plugin.run("explain", "nobody", "-n", lab.namespace, status=3)


def test_explain_tells_that_a_rolling_update_waits_for_itself(lab, plugin):
    add_home(lab)
    lab.api.create("deployments", pods.deployment("vllm", pods.gpu("vllm", "12Gi")), lab.namespace)
    lab.wait_for("the first pod to run", lab.running)
    first, = lab.running()
    lab.api.merge("deployments", "vllm", {"spec": {"template": {"metadata": {"labels": {"version": "2"}}}}},
                  lab.namespace)
    lab.wait_for("the second pod", lambda: len(lab.pods()) == 2)
    second, = (pod["metadata"]["name"] for pod in lab.pods() if pod["metadata"]["name"] != first)
    lab.wait_refused(second, "insufficient free VRAM")
    said = plugin.explain(second, status=1)
    assert f"{first} is of another ReplicaSet of the same Deployment" in said["closest"]["text"]
    assert [pod["name"] for pod in said["makesRoom"][0]["pods"]] == [first]


def test_what_is_not_there_is_said_by_name(lab, plugin):
    for arguments, says in ((["explain", "nobody"], 'pods "nobody" not found in the namespace of the kubeconfig'),
                            (["explain", f"{lab.namespace}/nobody"], 'pods "nobody" not found\n'),
                            (["page", "-n", lab.namespace],
                             f"no pod of the server is in namespace {lab.namespace}; without -n")):
        done = plugin.run(*arguments, status=3)
        assert says in done.stderr
        assert done.stdout == ""


def test_as_many_fit_as_were_counted(lab, plugin):
    add_home(lab)
    add_attic(lab)
    counted = plugin.ask("fit", "--vram", "4Gi")
    assert {node["name"]: node["pods"] for node in counted["nodes"]} == {"home": 3, "attic": 1}
    names = [f"pod-{number}" for number in range(counted["pods"])]
    for name in names:
        lab.create(pods.gpu(name, "4Gi"))
    lab.wait_running(*names)
    assert plugin.ask("fit", "--vram", "4Gi", status=1)["pods"] == 0
    lab.create(pods.gpu("one-more", "4Gi"))
    lab.wait_refused("one-more", "insufficient free VRAM")


def test_fit_knows_what_other_filters_rule_out(lab, plugin):
    add_home(lab)
    lab.add_nodes(nodes.nvidia("reserved", 81920, annotations=nodes.inventory((OTHER_CARD, 80 * GI)),
                               taints=[{"key": "dedicated", "value": "vllm", "effect": "NoSchedule"}]))
    counted = {node["name"]: (node["fits"], node["ruledOut"], node["pods"])
               for node in plugin.ask("fit", "--vram", "4Gi")["nodes"]}
    assert counted == {"home": (True, False, 3), "reserved": (True, True, 0)}
    assert "fits on no node now" in plugin.run("fit", "--vram", "20Gi", status=1).stdout


def test_a_node_that_only_a_taint_closes_is_named(lab, plugin):
    lab.add_nodes(nodes.nvidia("reserved", 81920, annotations=nodes.inventory((OTHER_CARD, 80 * GI)),
                               taints=[{"key": "dedicated", "value": "vllm", "effect": "NoSchedule"}]))
    lab.create(pods.gpu("sdxl", "12Gi"))
    lab.wait_refused("sdxl", "untolerated taint")
    closest = plugin.explain("sdxl", status=1)["closest"]
    assert closest["name"] == "reserved"
    assert "as far as VRAM is concerned" in closest["text"]
    assert "untolerated taint" in closest["text"]
    assert "it fits on reserved" in " ".join(plugin.run("explain", f"{lab.namespace}/sdxl", status=1).stdout.split())


def test_fit_reads_what_kubectl_reads(lab, plugin, tmp_path):
    add_home(lab)
    file = tmp_path / "vllm.yaml"
    file.write_text(json.dumps(pods.deployment("vllm", pods.gpu("vllm", "12Gi"))))
    assert plugin.ask("fit", "-f", file)["pods"] == 1
    assert plugin.ask("fit", "-f", file)["pod"]["name"] == "vllm"
    assert not lab.pods(), "a dry run made a pod"


def test_the_devices_of_the_plugin_are_counted(lab, plugin):
    lab.add_nodes(nodes.nvidia("home", 81920, replicas=2, annotations=nodes.inventory((CARD, 80 * GI))))
    assert plugin.ask("fit", "--vram", "4Gi")["pods"] == 2
    assert plugin.ask("fit", "--vram", "4Gi", "--resource", "none")["pods"] == 19


def test_a_sign_in_plugin_of_kubectl_works(lab, plugin, tmp_path):
    """The server's own client knows no exec plugin; kubectl does."""
    add_home(lab)
    folder = lab.plane.folder
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                  "status": {"clientCertificateData": pathlib.Path(folder, "admin.crt").read_text(),
                             "clientKeyData": pathlib.Path(folder, "admin.key").read_text()}}
    program = tmp_path / "sign-in"
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.stderr.write('signing in\\n')\n"
                       f"print({json.dumps(json.dumps(credential))})\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    plugin.kubeconfig = lab.plane.authority.kubeconfig("exec", lab.plane.port, {
        "exec": json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "command": str(program),
                            "interactiveMode": "Never"})})
    done = plugin.run("top")
    assert "home" in done.stdout
    assert "signing in" in done.stderr


def test_who_may_not_is_told_what_is_missing(lab, plugin):
    add_home(lab)
    plugin.kubeconfig = lab.plane.token_kubeconfig(f"{lab.namespace}-nobody", lab.namespace, "default")
    done = plugin.run("top", status=3)
    assert "Forbidden" in done.stderr and "nodes" in done.stderr
    role = f"{lab.namespace}-reader"
    subject = [{"kind": "ServiceAccount", "name": "default", "namespace": lab.namespace}]
    rbac = {"rules": [{"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["get", "list"]}]}
    lab.api.create("clusterroles", {"metadata": {"name": role}, **rbac})
    lab.undo.append(lambda: lab.api.delete("clusterroles", role))
    lab.api.create("clusterrolebindings", {"metadata": {"name": role}, "subjects": subject,
                                           "roleRef": {"apiGroup": "rbac.authorization.k8s.io",
                                                       "kind": "ClusterRole", "name": role}})
    lab.undo.append(lambda: lab.api.delete("clusterrolebindings", role))
    lab.wait_for("the rights", lambda: lab.plane.kubectl("--as", f"system:serviceaccount:{lab.namespace}:default",
                                                         "get", "nodes", check=False).returncode == 0)
    said = " ".join(plugin.run("top").stdout.split())
    assert "home" in said
    assert "With the built-in settings: kubectl: Error from server (Forbidden): configmaps" in said
