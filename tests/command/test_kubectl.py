# SPDX-License-Identifier: Apache-2.0
"""kubectl plimsoll from outside, with a kubectl that plays what an API server answers.

    KUBECTL_PLIMSOLL=build/release/kubectl-plimsoll python3 tests/command/test_kubectl.py
"""
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

PROGRAM = os.environ["KUBECTL_PLIMSOLL"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE_S = 300
GI = 1 << 30
MI = 1 << 20
# Plays what `play.json` says: a list of {"match": part of the command line, "out"/"err"/"code"/"signal"}.
FAKE = """#!{python}
import json, os, pathlib, signal, sys
home = pathlib.Path(__file__).resolve().parent
line = " ".join(sys.argv[1:])
with open(home / "calls", "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
for play in json.loads((home / "play.json").read_text()):
    if play["match"] in line:
        sys.stderr.write(play.get("err", ""))
        sys.stderr.flush()
        out = sys.stdout.buffer
        out.write(play.get("out", "").encode() * play.get("times", 1))
        out.flush()
        if "signal" in play:
            os.kill(os.getpid(), play["signal"])
        sys.exit(play.get("code", 0))
sys.exit(f"Error from server (NotFound): {line}")
"""


def demo():
    """The embedded cluster, measured a moment ago."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return json.loads((ROOT / "scripts/demo/cluster.json").read_text().replace("@NOW@", now))["items"]


def listed(kind, items, following=""):
    return json.dumps({"kind": f"{kind}List", "apiVersion": "v1",
                       "metadata": {"resourceVersion": "7", "continue": following}, "items": items})


def of_kind(items, kind):
    return [item for item in items if item["kind"] == kind]


def config_map(text, name="plimsoll"):
    return {"metadata": {"name": name, "namespace": "plimsoll-system"}, "data": {"plimsoll.yaml": text}}


def make_pod(name, vram="12Gi", limit="nvidia.com/gpu", scheduler="plimsoll-scheduler", message="", **spec):
    refused = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
                "lastTransitionTime": "2026-11-22T05:10:00Z"}]
    limits = {"limits": {limit: "1"}} if limit else {}
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "ai", "uid": f"uid-{name}",
                         "annotations": {"plimsoll.dev/vram": vram} if vram else {}},
            "spec": {"schedulerName": scheduler, "containers": [{"name": "main", "resources": limits}], **spec},
            "status": {"phase": "Pending", "conditions": refused if message else []}}


def bare_node(name):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"allocatable": {"cpu": "4"}}}


class Play:
    """A folder with a kubectl in it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.kubectl = self.folder / "kubectl"
        self.kubectl.write_text(FAKE.replace("{python}", sys.executable))
        self.kubectl.chmod(0o755)
        self.items = demo()
        self.config_maps = [config_map("nothing", "other"), config_map("schedulerName: plimsoll-scheduler\n")]
        self.config_maps[0]["data"] = {"config.yaml": "kind: KubeSchedulerConfiguration"}
        self.before = []  # plays that go before the usual ones
        self.env = {**{key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")},
                    "KUBECTL": str(self.kubectl), "LC_ALL": "C.UTF-8", "TERM": "xterm"}

    def write(self):
        plays = [*self.before,
                 {"match": "/api/v1/configmaps?", "out": listed("ConfigMap", self.config_maps)},
                 {"match": "/api/v1/nodes?", "out": listed("Node", of_kind(self.items, "Node"))},
                 {"match": "/api/v1/pods?", "out": listed("Pod", of_kind(self.items, "Pod"))},
                 {"match": "/events?", "out": listed("Event", [])}]
        plays += [{"match": f"get pods/{pod['metadata']['name']} ", "out": json.dumps(pod)}
                  for pod in of_kind(self.items, "Pod")]
        (self.folder / "play.json").write_text(json.dumps(plays))

    def run(self, *arguments, **options):
        self.write()
        return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, env=self.env,
                              timeout=PATIENCE_S, check=False, stdin=subprocess.DEVNULL, **options)

    def calls(self):
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]


class WithKubectl(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.play = Play(folder.name)

    def ends(self, status, *arguments, says=(), err=()):
        ended = self.play.run(*arguments)
        self.assertEqual(ended.returncode, status, (arguments, ended.stdout, ended.stderr))
        for words in [says] if isinstance(says, str) else says:
            self.assertIn(words, ended.stdout)
        for words in [err] if isinstance(err, str) else err:
            self.assertIn(words, ended.stderr)
        return ended

    def node(self, name):
        return next(item for item in self.play.items if item["metadata"]["name"] == name)


class Flags(WithKubectl):
    def refused(self, *arguments, says):
        self.ends(2, *arguments, err=says)
        self.assertFalse((self.play.folder / "calls").exists(), "kubectl was run")

    def test_help_and_version_need_no_cluster(self):
        ended = self.ends(0, "help", says=["explain", "exit codes\n  0", "NO_COLOR", "KUBECTL"])
        for line in ended.stdout.splitlines():
            self.assertLessEqual(len(line), 80, line)
        for command in ("top", "explain", "fit", "vram", "doctor", "page"):
            ended = self.ends(0, command, "--help", says=[f"usage: kubectl plimsoll {command}", "--help"])
            for line in ended.stdout.splitlines():
                self.assertLessEqual(len(line), 100, line)
        self.assertRegex(self.play.run("version").stdout, r"^kubectl-plimsoll \d+\.\d+\.\d+\n$")

    def test_exit_codes_are_said_alike_everywhere(self):
        documented = re.findall(r"^\| (\d) \| (.*) \|$", (ROOT / "docs/kubectl.md").read_text(), re.M)
        self.assertEqual([code for code, _ in documented], list("0123"))
        told = "".join(f"  {code}   {words}\n" for code, words in documented)
        for arguments in (["help"], *([command, "--help"] for command in
                                      ("top", "explain", "fit", "vram", "doctor", "page"))):
            self.ends(0, *arguments, says=f"\nexit codes\n{told}")

    def test_a_wrong_command_line_is_named(self):
        self.refused(says="usage: kubectl plimsoll COMMAND")
        self.refused("tpo", says='no command "tpo"')
        self.refused("top", "extra", says="extra: top takes flags only")
        self.refused("top", "--vram", "1Gi", says="--vram: no such flag; --help lists them")
        self.refused("top", "-o", says="its value is missing")
        self.refused("top", "-o", "xml", says='--output "xml": write one of table, wide, json, yaml')
        self.refused("top", "--by", "card", says='--by "card": write node or namespace')
        self.refused("top", "-n", "ai", "-A", says="give one")
        self.refused("top", "-n", "", says="--namespace is empty")
        self.refused("top", "-w", "-o", "json", says="-w is for people")
        self.refused("explain", says="which pod?")
        self.refused("explain", "a", "b", says="b: explain takes one argument")
        self.refused("fit", says="what is to fit?")
        self.refused("fit", "-f", "x", "--vram", "1Gi", says="leave --vram, --gpus and --resource out")
        self.refused("fit", "--vram", "1Gi", "--gpus", "65", says="a whole number from 1 to 64")
        self.refused("vram", says="which model?")
        self.refused("vram", "llama3.1", "--context", "many", says='--context "many": write a whole number')
        self.refused("vram", "llama3.1", "--quant", "q9", says='--quant "q9": write one of')

    def test_flags_for_kubectl_have_a_ceiling(self):
        # PLIMSOLL_KUBECTL_FLAGS_MAX is 16.
        flags = [f"--as-group=g{number}" for number in range(16)]
        self.ends(0, "top", *flags)
        self.ends(2, "top", *flags, "--user=u", err="--user: more than 16 flags for kubectl")


class Kubectl(WithKubectl):
    def test_what_says_how_to_reach_the_cluster_goes_on_to_every_run(self):
        self.ends(0, "top", "--context", "lab", "--kubeconfig=/k", "-s", "https://x", "--request-timeout", "5s")
        for call in self.play.calls():
            self.assertEqual(call[3:], ["--context=lab", "--kubeconfig=/k", "--server=https://x",
                                        "--request-timeout=5s"])

    def test_there_is_no_shell(self):
        self.ends(3, "explain", "$(touch oops); `touch oops`", "-n", "a b")
        self.assertEqual(self.play.calls()[1], ["get", "pods/$(touch oops); `touch oops`", "-o", "json",
                                                "--namespace=a b"])

    def test_a_missing_kubectl_is_said(self):
        self.play.env["KUBECTL"] = "/no/such/kubectl"
        self.ends(3, "top", err=["/no/such/kubectl: No such file", "say where it is in KUBECTL"])
        del self.play.env["KUBECTL"]
        self.play.env["PATH"] = "/no/such/folder"
        self.ends(3, "top", err="kubectl: No such file")
        self.play.env["PATH"] = str(self.play.folder) + ":" + os.environ["PATH"]
        self.ends(0, "top")

    def test_its_last_words_are_the_error(self):
        for words in ("Error from server (Forbidden): nodes is forbidden", "error: no context exists",
                      "The connection to the server 1.2.3.4 was refused", "Unable to connect to the server: EOF"):
            self.play.before = [{"match": "/nodes?", "err": f"W0101 noise\n{words}\n", "code": 1}]
            ended = self.ends(3, "top", err=f"kubectl plimsoll top: nodes: kubectl: {words}\n")
            self.assertTrue(ended.stderr.startswith("W0101 noise\n"), ended.stderr)
            self.assertEqual(ended.stdout, "")

    def test_no_cluster_is_the_same_answer_to_every_question(self):
        words = "The connection to the server 1.2.3.4:6443 was refused - did you specify the right host or port?"
        self.play.before = [{"match": "", "err": f"{words}\n", "code": 1}]
        for command in (["top"], ["explain", "ai/ollama"], ["fit", "--vram", "1Gi"], ["doctor"], ["page"]):
            ended = self.ends(3, *command, err=f"kubectl plimsoll {command[0]}: kubectl: {words}\n")
            self.assertEqual(ended.stdout, "")

    def test_who_may_not_look_everywhere_for_the_page_is_told_to_name_its_namespace(self):
        self.play.before = [{"match": "/pods?labelSelector", "err": "Error from server (Forbidden): no\n", "code": 1}]
        self.ends(3, "page", err="Error from server (Forbidden): no; -n NAMESPACE asks that of Plimsoll alone")
        self.assertNotIn("-n", self.ends(3, "page", "-n", "gpu", err="(Forbidden): no\n").stderr)

    def test_a_failure_without_words_is_one_too(self):
        self.play.before = [{"match": "/nodes?", "code": 7}]
        self.ends(3, "top", err="ended with status 7")
        self.play.before = [{"match": "/nodes?", "signal": int(signal.SIGKILL)}]
        self.ends(3, "top", err="ended with signal 9")

    def test_what_a_plugin_asks_meanwhile_is_passed_on(self):
        self.play.before = [{"match": "/configmaps?", "err": "To sign in, open https://x\nCode: ",
                             "out": listed("ConfigMap", [])}]
        self.ends(0, "top", err="To sign in, open https://x\nCode: ")

    def test_what_is_no_list_is_refused(self):
        for out in ("", "nonsense", '{"kind":"NodeList","items":[',
                    '{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[]}'):
            self.play.before = [{"match": "/nodes?", "out": out}]
            ended = self.ends(3, "top", err="kubectl plimsoll top: nodes: ")
            self.assertEqual(ended.stdout, "")

    def test_endless_output_is_cut_off(self):
        self.play.before = [{"match": "get pods/x", "out": "a" * 1024, "times": 8192}]
        self.ends(3, "explain", "x", err="kubectl printed more than 3145728 bytes")

    def test_long_lists_come_in_pages(self):
        nodes = of_kind(self.play.items, "Node")
        self.play.before = [{"match": "continue=next", "out": listed("Node", nodes[1:])},
                            {"match": "/nodes?", "out": listed("Node", nodes[:1], "next")}]
        self.ends(0, "top", says="3 nodes, 10 cards")


class Settings(WithKubectl):
    def test_they_are_those_of_the_release(self):
        self.ends(0, "top", says="3.4Gi free of 15.4Gi")
        self.play.config_maps = [config_map("reserve: 2Gi\n")]
        ended = self.ends(0, "top", says="1.9Gi free of 13.9Gi")
        self.assertNotIn("built-in", ended.stdout)

    def test_where_there_are_none_that_is_said(self):
        self.play.config_maps = []
        self.ends(0, "top", says="With the built-in settings: no ConfigMap of a release of Plimsoll is there.")

    def test_where_they_may_not_be_read_that_is_said(self):
        self.play.before = [{"match": "/configmaps?", "code": 1,
                             "err": 'Error from server (Forbidden): configmaps is forbidden: User "x"\n'}]
        ended = self.ends(0, "top", says="With the built-in settings: kubectl: Error from server (Forbidden)")
        self.assertEqual(ended.stderr, "")

    def test_where_they_are_wrong_that_is_said(self):
        self.play.config_maps = [config_map("policy: tight\n")]
        ended = self.ends(0, "top")
        self.assertIn("ConfigMap plimsoll-system/plimsoll: plimsoll.yaml:1", " ".join(ended.stdout.split()))


class Top(WithKubectl):
    def test_by_node_and_by_namespace(self):
        self.ends(0, "top", says=["3 nodes, 10 cards", "ai/ollama", "8Gi claimed", "5Gi in use", "xid 79"])
        self.ends(0, "top", "-A", says="ai/ollama")
        self.ends(0, "top", "-n", "ai", says="ai/ollama")
        self.ends(0, "top", "-n", "nobody", says="No pod of namespace nobody has a GPU.")
        self.ends(0, "top", "--by", "namespace", says=["NAMESPACE", "152Gi", "home, card 0"])
        self.assertNotIn("ai/", self.play.run("top", "-n", "nobody").stdout)

    def test_objects_are_the_same_in_json_and_yaml(self):
        import yaml
        there = json.loads(self.ends(0, "top", "-o", "json").stdout)
        self.assertEqual((there["v"], there["kind"]), (1, "Top"))
        self.assertEqual([node["name"] for node in there["nodes"]], ["dgx", "home", "strix"])
        card = there["nodes"][1]["cards"][0]
        self.assertEqual(card["free"], card["total"] - max(card["reserve"], card["foreign"]) - card["booked"])
        self.assertEqual({pod["name"]: pod["claimed"] for pod in card["pods"]},
                         {"ollama": 8 * GI, "comfyui": 4 * GI})
        again = yaml.safe_load(self.ends(0, "top", "-o", "yaml").stdout)
        self.assertEqual(again["nodes"][1]["cards"], there["nodes"][1]["cards"])

    def test_a_stale_report_is_marked(self):
        for item in of_kind(self.play.items, "Node"):
            usage = json.loads(item["metadata"]["annotations"]["plimsoll.dev/usage"])
            usage["time"] = "2026-01-01T00:00:00Z"
            item["metadata"]["annotations"]["plimsoll.dev/usage"] = json.dumps(usage)
        self.ends(0, "top", says=["3 stale reports", "stale: nothing new is heard of it"])

    def test_without_a_gpu_it_says_so(self):
        for self.play.items in ([], [bare_node("plain")]):
            self.ends(0, "top", says="No node with a GPU is known.")
            self.ends(0, "top", "--by", "namespace", says="No pod has a GPU.")
            self.assertEqual(json.loads(self.play.run("top", "-o", "json").stdout)["nodes"], [])


class Doctor(WithKubectl):
    def refuse(self, match, words):
        self.play.before.append({"match": match, "err": f"{words}\n", "code": 1})

    def test_without_an_installation_it_says_what_is_missing_and_ends_with_1(self):
        self.ends(1, "doctor", says=["No MutatingWebhookConfiguration", "There is no Deployment of the server.",
                                     "Install the chart, or apply manifests/.", " problems, "])
        trial = next(call for call in self.play.calls() if call[0] == "run")
        self.assertIn("--dry-run=server", trial)
        self.assertIn("--namespace=default", trial)

    def test_what_may_not_be_asked_is_a_finding(self):
        self.refuse("/nodes?", 'Error from server (Forbidden): nodes is forbidden: User "x"')
        found = json.loads(self.ends(1, "doctor", "-o", "json").stdout)
        self.assertEqual((found["v"], found["kind"]), (1, "Diagnosis"))
        agents, = [one for one in found["findings"] if one["check"] == "agents"]
        self.assertEqual(agents["state"], "warning")
        self.assertIn("Not asked: kubectl: Error from server (Forbidden)", agents["says"])

    def test_a_cluster_that_does_not_answer_is_no_diagnosis(self):
        self.refuse("/mutatingwebhookconfigurations?", "Unable to connect to the server: EOF")
        ended = self.ends(3, "doctor", err="kubectl plimsoll doctor: kubectl: Unable to connect to the server: EOF")
        self.assertEqual(ended.stdout, "")

    def test_a_webhook_that_refuses_its_trial_is_said_in_the_api_servers_words(self):
        self.refuse("run plimsoll-doctor", "Error from server (InternalError): failed calling webhook")
        said = self.ends(1, "doctor", "-n", "ai").stdout
        self.assertIn("failed calling webhook", " ".join(said.split()))
        self.assertIn("--namespace=ai", next(call for call in self.play.calls() if call[0] == "run"))

    def test_marks_are_ascii_where_the_terminal_is(self):
        self.play.env["LC_ALL"] = "C"
        self.assertTrue(self.play.run("doctor").stdout.isascii())

    def test_long_lists_come_in_pages(self):
        nodes = of_kind(self.play.items, "Node")
        self.play.before = [{"match": "continue=next", "out": listed("Node", nodes[1:])},
                            {"match": "/nodes?", "out": listed("Node", nodes[:1], "next")},
                            {"match": "/mutatingwebhookconfigurations?", "out": listed("X", [])}]
        self.ends(1, "doctor", says="GPU nodes, all of them measured: 3.")


class Explain(WithKubectl):
    def setUp(self):
        super().setUp()
        words = "0/3 nodes are available: 2 insufficient free VRAM (want 79.9Gi)."
        self.play.items += [make_pod("big", "79.9Gi", message=words), make_pod("cpu", None, None),
                            make_pod("typo", "12"), make_pod("other", scheduler="default-scheduler"),
                            make_pod("gated", schedulingGates=[{"name": "example.com/quota"}])]

    def test_a_node_with_room_that_the_scheduler_refuses_is_told_in_its_words(self):
        words = ("0/3 nodes are available: 1 node(s) had untolerated taint {team: render}, 2 node(s) didn't match "
                 "Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful "
                 "for scheduling.")
        self.play.items.append(make_pod("kept-out", "1Gi", message=words))
        said = " ".join(self.ends(1, "explain", "ai/kept-out").stdout.split())
        self.assertRegex(said, r"ai/kept-out waits, although \d nodes? ha(s|ve) room for it now: ")
        self.assertIn(f"it says {words}", said)
        self.assertIn("ruled out by what the scheduler itself looks at: taints, selectors", said)
        self.assertNotIn("would take it", said)
        there = json.loads(self.ends(1, "explain", "ai/kept-out", "-o", "json").stdout)
        self.assertEqual((there["standing"], there["scheduler"]["message"]), ("fits", words))

    def test_a_pod_that_waits_ends_with_1(self):
        event = {"reason": "InsufficientVRAM", "message": "no room for 79.9Gi", "eventTime": None,
                 "lastTimestamp": "2026-11-22T05:10:00Z", "reportingComponent": "plimsoll"}
        self.play.before = [{"match": "involvedObject.uid%3Duid-big", "out": listed("Event", [event])}]
        self.ends(1, "explain", "ai/big", says=[
            "ai/big waits: no node has room for it.", "plimsoll-scheduler, refused it for",
            "0/3 nodes are available: 2 insufficient free VRAM", "NODES (3)", "no NVIDIA card: 1\n    strix",
            "CLOSEST", "InsufficientVRAM: no room for 79.9Gi"])
        there = json.loads(self.ends(1, "explain", "ai/big", "-o", "json").stdout)
        self.assertEqual((there["kind"], there["standing"]), ("Explanation", "waits"))
        self.assertEqual([said["count"] for said in there["events"]], [1])
        self.assertEqual({node["name"]: node["reason"] for node in there["nodes"]},
                         {"home": "over_line", "dgx": "over_line", "strix": "no_card"})

    def test_a_pod_that_runs_ends_with_0(self):
        self.ends(0, "explain", "ollama", "-n", "ai", says=["ai/ollama is bound to home and holds GPU-", "exact"])

    def test_the_name_may_say_the_namespace(self):
        for arguments, namespace in ((["ai/ollama"], ["--namespace=ai"]), (["pod/ollama"], []),
                                     (["pods/ollama", "-n", "ai"], ["--namespace=ai"]), (["ollama"], [])):
            self.play.run("explain", *arguments)
            asked = [call for call in self.play.calls() if call[1] != "--raw"][-1]
            self.assertEqual(asked, ["get", "pods/ollama", "-o", "json", *namespace])
        self.ends(3, "explain", "ai/", err='"ai/" names no pod')
        self.ends(3, "explain", "a" * 254, err="names no pod")

    def test_everything_else_is_told_apart(self):
        self.ends(0, "explain", "ai/cpu", says="asks for no GPU")
        self.ends(1, "explain", "ai/typo", says="is placed nowhere: annotation plimsoll.dev/vram: 12 bytes")
        self.ends(1, "explain", "ai/other", says="waits for the scheduler default-scheduler, which does not ask")
        self.ends(1, "explain", "ai/gated", says="waits for its scheduling gates (example.com/quota)")
        self.ends(3, "explain", "ai/nobody", err="Error from server (NotFound)")

    def test_a_pod_without_a_namespace_may_be_in_another(self):
        self.ends(3, "explain", "nobody", err=["Error from server (NotFound)", "in the namespace of the kubeconfig; "
                                               "-n NAMESPACE or NAMESPACE/POD names another"])
        for arguments in (["ai/nobody"], ["nobody", "-n", "ai"]):
            self.assertNotIn("kubeconfig", self.ends(3, "explain", *arguments, err="(NotFound)").stderr)
        self.play.before = [{"match": "get pods/", "err": "Error from server (Forbidden): no\n", "code": 1}]
        self.assertNotIn("kubeconfig", self.ends(3, "explain", "ollama", err="(Forbidden)").stderr)

    def test_without_a_gpu_it_says_so(self):
        self.assertNotIn("is known", self.ends(1, "explain", "ai/big").stdout)
        unseen, refused = make_pod("unseen"), make_pod("refused", message="0/1 nodes are available")
        for some in ([], [bare_node("plain")]):
            self.play.items = [*some, unseen, refused]
            for pod, why in ((unseen, "no scheduler has looked at it. Does plimsoll-scheduler run?"),
                             (refused, "no node has room for it.")):
                name = f"ai/{pod['metadata']['name']}"
                said = self.ends(1, "explain", name).stdout
                self.assertIn(f"{name} waits: {why} No node with a GPU is known.", " ".join(said.split()))

    def test_events_that_may_not_be_read_are_no_failure(self):
        self.play.before = [{"match": "/events?", "err": "Error from server (Forbidden): events\n", "code": 1}]
        self.ends(1, "explain", "ai/big", says="waits", err="its Events cannot be read")

    def test_events_have_a_ceiling(self):
        # PLIMSOLL_SUBJECT_EVENTS_MAX is 500.
        one = {"reason": "Said", "message": "often", "lastTimestamp": "2026-11-22T05:10:00Z"}
        self.play.before = [{"match": "/events?limit=500&", "out": listed("Event", [one] * 600)}]
        there = json.loads(self.play.run("explain", "ai/big", "-o", "json").stdout)
        self.assertEqual(len(there["events"]), 500)


class Fit(WithKubectl):
    def test_where_and_how_many(self):
        self.ends(0, "fit", "--vram", "12Gi", says=["fits on 1 of 3 nodes now; 7 pods like it in all.", "dgx"])
        self.ends(0, "fit", "--vram", "12Gi", "--gpus", "2", "--resource", "none", says="on each of 2 NVIDIA cards")
        self.ends(0, "fit", "--vram", "20Gi", "--resource", "amd.com/gpu", says="strix")
        self.ends(0, "fit", "--vram", "50%", says="50% of one NVIDIA card")
        self.ends(1, "fit", "--vram", "100Gi", says="fits on no node now.")
        self.ends(1, "fit", "--vram", "12", says="below 1Mi")
        there = json.loads(self.ends(0, "fit", "--vram", "12Gi", "-o", "json").stdout)
        self.assertEqual((there["kind"], there["pods"]), ("Fit", 7))

    def test_without_a_gpu_it_says_so(self):
        self.assertNotIn("is known", self.ends(1, "fit", "--vram", "100Gi").stdout)
        for self.play.items in ([], [bare_node("plain")]):
            self.ends(1, "fit", "--vram", "1Gi", says="fits on no node now. No node with a GPU is known.")
            there = json.loads(self.ends(1, "fit", "--vram", "1Gi", "-o", "json").stdout)
            self.assertEqual(there["answer"], "fits on no node now. No node with a GPU is known.")

    def test_pods_and_what_makes_them_come_from_a_file(self):
        pod = make_pod("sdxl")
        template = {"metadata": pod["metadata"], "spec": pod["spec"]}
        for kind, spec in (("Pod", pod["spec"]), ("Deployment", {"template": template}),
                           ("CronJob", {"jobTemplate": {"spec": {"template": template}}})):
            whole = {"kind": kind, "metadata": pod["metadata"], "spec": spec}
            self.play.before = [{"match": "create --dry-run=client -o json -f some.yaml",
                                 "out": json.dumps(whole)}]
            self.ends(0, "fit", "-f", "some.yaml", says="sdxl fits on 1 of 3 nodes now")

    def test_a_file_without_a_pod_is_refused(self):
        self.play.before = [{"match": "-f a.yaml", "out": '{"kind":"Service","metadata":{"name":"a"},"spec":{}}'},
                            {"match": "-f b.yaml", "out": "{}\n{}\n"},
                            {"match": "-f c.yaml", "err": "error: the path does not exist\n", "code": 1}]
        self.ends(3, "fit", "-f", "a.yaml", err="a.yaml: no pod, and nothing that has a pod's template")
        self.ends(3, "fit", "-f", "b.yaml", err="b.yaml: not one object")
        self.ends(3, "fit", "-f", "c.yaml", err="error: the path does not exist")


class Vram(WithKubectl):
    def test_it_needs_no_cluster(self):
        self.play.env["KUBECTL"] = "/no/such/kubectl"
        self.ends(0, "vram", "llama3.1:70b-q4", "--context", "8192", "--parallel", "2",
                  says=["Llama 3.1 70B: 47.7Gi to 50.2Gi", "plimsoll.dev/vram: 50.5Gi"])
        self.ends(3, "vram", "nonsense", err="not among the models known here")
        there = json.loads(self.ends(0, "vram", "--params", "13b", "-o", "json").stdout)
        self.assertEqual((there["kind"], there["params"], there["cache"]), ("Estimate", 13 * 10**9, None))


class Terminal(WithKubectl):
    def on_terminal(self, *arguments, columns=80, until=None, **env):
        """@return what a terminal of so many columns got, up to `until` or the end."""
        self.play.write()
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(PROGRAM, [PROGRAM, *arguments], {**self.play.env, **env})
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        got = b""
        while select.select([terminal], [], [], PATIENCE_S)[0]:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:
                chunk = b""
            got += chunk
            if not chunk or (until and got.count(until) >= 2):
                break
        if until:
            os.kill(pid, signal.SIGINT)
        self.ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(terminal)
        return got.decode()

    def test_colour_only_on_a_terminal_that_wants_it(self):
        self.assertNotIn("\033", self.play.run("top").stdout)
        self.assertIn("\033[36m█", self.on_terminal("top"))
        self.assertNotIn("\033", self.on_terminal("top", NO_COLOR="1"))
        self.assertNotIn("\033", self.on_terminal("top", TERM="dumb"))

    def test_no_line_is_wider_than_80_columns_of_a_terminal(self):
        words = "0/3 nodes are available: 2 insufficient free VRAM (want 79.9Gi). preemption: not helpful."
        self.play.items += [make_pod("a-pod-with-a-name-of-many-words", "79.9Gi", message=words),
                            make_pod("a-name-that-leaves-no-room-for-the-answer-" + "x" * 33, None, None, "")]
        self.play.items[-1]["metadata"]["uid"] = "uid-long"
        for command in (["top"], ["top", "--by", "namespace"], ["explain", "ai/ollama"],
                        *(["explain", f"ai/{pod['metadata']['name']}"] for pod in self.play.items[-2:]),
                        ["fit", "--vram", "12Gi"], ["fit", "--vram", "100Gi"], ["doctor"], ["vram", "llama3.1:8b"]):
            plain = self.on_terminal(*command, NO_COLOR="1")
            coloured = self.on_terminal(*command)
            ages = re.compile(r"\b\d+s ago")
            self.assertEqual(ages.sub("", re.sub(r"\033\[\d*m", "", coloured)), ages.sub("", plain), command)
            for line in plain.splitlines():
                self.assertLessEqual(len(line), 80, (command, line))

    def test_nothing_is_paged(self):
        pager = self.play.folder / "pager"
        pager.write_text('#!/bin/sh\ntouch "$0.ran"\n')
        pager.chmod(0o755)
        home = self.node("home")
        self.play.items += [{**home, "metadata": {**home["metadata"], "name": f"home-{number}"}}
                            for number in range(60)]
        said = self.on_terminal("top", PAGER=str(pager), KUBECTL_PAGER=str(pager), MANPAGER=str(pager))
        self.assertGreater(said.count("\n"), 100)
        self.assertFalse((self.play.folder / "pager.ran").exists())

    def test_blocks_only_where_the_locale_has_them(self):
        self.play.env["LC_ALL"] = "C"
        ended = self.play.run("top")
        self.assertTrue(ended.stdout.isascii(), ended.stdout)
        self.assertIn("####", ended.stdout)

    def test_watching_goes_on_until_it_is_ended(self):
        for command, says in ((["top"], "3 nodes, 10 cards"), (["explain", "ai/ollama"], "ai/ollama \033[0m")):
            got = self.on_terminal(*command, "-w", until=b"\033[H\033[2J")
            self.assertGreaterEqual(got.count("\033[H\033[2J"), 2, command)
            self.assertIn(says, got)

    def opened(self, *arguments, terminal=True, program=True, **env):
        """@return what the page's command printed, and what the browser was given, after all that it started ended."""
        (self.play.folder / "bin").mkdir(exist_ok=True)
        opener = self.play.folder / "bin/xdg-open"
        opener.unlink(missing_ok=True)
        reading, writing = os.pipe()
        os.set_inheritable(writing, True)
        if program:
            # In a group of its own, or Ctrl-C would end it with the port-forward.
            opener.write_text(f'#!/bin/sh\nread -r _ _ _ _ group _ </proc/$$/stat\n'
                              f'[ "$group" = $$ ] && echo "$*" >&{writing}\n')
            opener.chmod(0o755)
        pod = {"metadata": {"name": "plimsoll-1", "namespace": "gpu"}, "spec": {"containers": [{"name": "server"}]},
               "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
        self.play.before = [{"match": "/pods?labelSelector=", "out": listed("Pod", [pod])},
                            {"match": "port-forward", "out": "Forwarding from 127.0.0.1:41234 -> 10262\n"
                                                             "Forwarding from [::1]:41234 -> 10262\n"}]
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            self.play.env.pop(name, None)
        env["PATH"] = str(opener.parent)
        if terminal:
            said = self.on_terminal("page", *arguments, **env)
        else:
            self.play.write()
            said = subprocess.run([PROGRAM, "page", *arguments], stdout=subprocess.PIPE, text=True, close_fds=False,
                                  env={**self.play.env, **env}, timeout=PATIENCE_S, check=True).stdout
        os.close(writing)
        with open(reading, encoding="utf-8") as browser:
            return said, browser.read()

    def test_the_page_opens_in_the_browser_of_a_terminal_with_a_display(self):
        url = "http://localhost:41234/"
        for display in ({"DISPLAY": ":0"}, {"WAYLAND_DISPLAY": "wayland-0"}):
            said, browser = self.opened(**display)
            self.assertIn(url, said)
            self.assertEqual(browser, f"{url}\n")
        for why, asked in {"no display": {}, "an empty one": {"DISPLAY": ""},
                           "no terminal": {"terminal": False, "DISPLAY": ":0"},
                           "no xdg-open": {"program": False, "DISPLAY": ":0"}}.items():
            said, browser = self.opened(**asked)
            self.assertIn(url, said, why)
            self.assertEqual(self.ended, 0, why)
            self.assertNotIn("xdg-open", said, why)
            self.assertEqual(browser, "", why)
        said, browser = self.opened("--no-browser", DISPLAY=":0")
        self.assertIn(url, said)
        self.assertEqual(browser, "")
        self.ends(2, "top", "--no-browser", err="--no-browser: no such flag")

    def test_an_output_that_takes_nothing_is_said(self):
        self.play.write()
        with open("/dev/full", "w", encoding="utf-8") as full:
            ended = subprocess.run([PROGRAM, "top"], stdout=full, stderr=subprocess.PIPE, text=True,
                                   env=self.play.env, timeout=PATIENCE_S, check=False)
        self.assertEqual(ended.returncode, 3)
        self.assertIn("standard output: No space left", ended.stderr)


if __name__ == "__main__":
    unittest.main()
