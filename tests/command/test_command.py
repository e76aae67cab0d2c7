# SPDX-License-Identifier: Apache-2.0
"""The program from outside: flags, sentences, exit codes, and a whole life on a state file.

    PLIMSOLL=build/release/plimsoll python3 tests/command/test_command.py
"""
import http.client
import json
import math
import os
import pathlib
import re
import signal
import ssl
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

PROGRAM = os.environ["PLIMSOLL"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
NEVER_STALE = "2099-01-01T00:00:00Z"


def plimsoll(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300, check=False)


class Simulate(unittest.TestCase):
    """What if: the demo's cluster, and pods that somebody writes."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        demo = (ROOT / "scripts/demo/cluster.json").read_text()
        (self.folder / "state.json").write_text(demo.replace("@NOW@", NEVER_STALE))

    def simulate(self, pods, *more):
        (self.folder / "pods.yaml").write_text(pods)
        return plimsoll("simulate", "--cluster-state", self.folder / "state.json", "-f",
                        self.folder / "pods.yaml", *more)

    @staticmethod
    def pod(name, vram):
        return (f"kind: Pod\nmetadata: {{name: {name}, annotations: {{plimsoll.dev/vram: {vram}}}}}\n"
                "spec: {containers: [{name: main}]}\n---\n")

    def test_pods_that_fit_end_with_0_and_are_told_where(self):
        ended = self.simulate(self.pod("one", "6Gi"))
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertRegex(ended.stdout, r"default/one +dgx +\d: 6Gi +exact")
        self.assertIn("1 of 1 pods fit.", ended.stdout)

    def test_a_pod_that_does_not_fit_ends_with_1_and_a_reason(self):
        ended = self.simulate(self.pod("one", "6Gi") + self.pod("huge", "300Gi"))
        self.assertEqual(ended.returncode, 1)
        self.assertIn("larger than any card there can give", ended.stdout)
        self.assertIn("closest: dgx", ended.stdout)

    def test_programs_get_one_object(self):
        seen = json.loads(self.simulate(self.pod("one", "6Gi"), "-o", "json").stdout)
        self.assertEqual((seen["v"], seen["kind"]), (1, "Simulation"))
        self.assertEqual([pod["result"] for pod in seen["pods"]], ["fits"])
        self.assertEqual(seen["pods"][0]["cards"][0]["vram"], 6 << 30)
        dgx = next(node for node in seen["nodes"] if node["name"] == "dgx")
        self.assertEqual(sum(card["freeBefore"] - card["free"] for card in dgx["cards"]), 6 << 30)

    def test_mistakes_end_with_2_and_name_file_line_and_field(self):
        pods = self.folder / "pods.yaml"
        for text, says in [
                (self.pod("one", 12), f"{pods}:2: metadata.annotations[\"plimsoll.dev/vram\"]: 12 is no string"),
                ("kind: Pod\n", f"{pods}:1: spec: is missing"),
                ("a: [\n", f"{pods}:2: no YAML")]:
            ended = self.simulate(text)
            self.assertEqual(ended.returncode, 2, text)
            self.assertIn(f"plimsoll simulate: {says}", ended.stderr)

    def test_flags_are_asked_for(self):
        for arguments, says in [([], "--cluster-state FILE is missing"),
                                (["--cluster-state", "x"], "-f FILE is missing"),
                                (["--cluster-state", "x", "-f", "y", "z"], "z: simulate takes flags only"),
                                (["-o", "yaml"], "-o yaml: want table, wide or json"),
                                (["--cluster-state", "/nonexistent", "-f", "-"], "/nonexistent: No such file")]:
            ended = plimsoll("simulate", *arguments)
            self.assertEqual(ended.returncode, 2, arguments)
            self.assertIn(says, ended.stderr)
        self.assertIn("exit codes", plimsoll("simulate", "--help").stdout)


class Flags(unittest.TestCase):
    def refused(self, *arguments, says):
        ended = plimsoll(*arguments)
        self.assertNotEqual(ended.returncode, 0, arguments)
        self.assertIn(says, ended.stderr)
        return ended

    def test_help_and_version_succeed(self):
        self.assertIn("serve", plimsoll("help").stdout)
        self.assertRegex(plimsoll("version").stdout, r"^plimsoll \d+\.\d+\.\d+\n$")
        self.assertIn("--extender-listen ADDR:PORT", plimsoll("serve", "--help").stdout)

    def test_an_unknown_command_is_named(self):
        self.assertEqual(self.refused("sevre", says='no command "sevre"').returncode, 2)
        self.refused(says="usage: plimsoll COMMAND")

    def test_an_unknown_flag_is_named(self):
        self.assertEqual(self.refused("serve", "--lisen", ":1", says="--lisen").returncode, 2)
        self.refused("serve", "extra", says="extra: serve takes flags only")

    def test_what_only_makes_sense_together_is_asked_for(self):
        self.refused("serve", says="nothing to serve")
        self.refused("serve", "--listen", ":0", says="--listen needs --tls-cert and --tls-key")
        self.refused("serve", "--extender-listen", "127.0.0.1:0", "--client-ca", "x",
                     says="--client-ca needs --listen")
        self.refused("serve", "--extender-listen", "127.0.0.1:0", "--kubeconfig", "a", "--cluster-state", "b",
                     says="two pictures")

    def test_a_certificate_of_its_own_making_needs_names_and_an_api_server(self):
        own = ["serve", "--listen", "127.0.0.1:0", "--tls-secret", "tls"]
        whole = [*own, "--webhook", "plimsoll", "--service", "plimsoll"]
        self.refused(*own, says="--tls-secret needs --webhook, which is to trust the certificate, and --service")
        self.refused(*own, "--webhook", "plimsoll", says="and --service")
        self.refused("serve", "--extender-listen", "127.0.0.1:0", *own[3:], says="--tls-secret needs --listen")
        self.refused(*whole, "--tls-cert", "x", says="give either")
        self.refused(*whole, "--tls-key", "x", says="give either")
        self.refused(*whole, "--cluster-state", "x", says="needs an API server, --cluster-state has none")
        self.refused(*whole, "--tls-dns", "under_score", says='"under_score" is no DNS name')
        self.refused(*whole, *(flag for i in range(94) for flag in ("--tls-dns", f"n{i}")),
                     says="tls-dns: at most 93 names")
        for flag in ("--service", "--ca-configmap", "--tls-dns"):
            self.refused("serve", "--extender-listen", "127.0.0.1:0", flag, "x",
                         says="--service, --ca-configmap and --tls-dns need --tls-secret")
        # Nothing says how to reach the API server.
        ended = self.refused(*whole, "--tls-dns", "10.0.0.7", says="needs an API server: give --kubeconfig")
        self.assertEqual(ended.returncode, 1)

    def test_a_webhook_that_is_to_trust_the_certificate_needs_one_and_an_api_server(self):
        self.refused("serve", "--extender-listen", "127.0.0.1:0", "--webhook", "x", says="--webhook needs --listen")
        whole = ["serve", "--listen", "127.0.0.1:0", "--tls-cert", "x", "--tls-key", "x", "--webhook", "x"]
        self.refused(*whole, "--cluster-state", "x", says="--webhook needs an API server, --cluster-state has none")
        ended = self.refused(*whole, says="--webhook needs an API server: give --kubeconfig")
        self.assertEqual(ended.returncode, 1)

    def test_words_are_held_to_their_list(self):
        self.refused("serve", "--extender-listen", ":0", "--log-format", "xml",
                     says='log-format "xml": write one of json|text')
        self.refused("serve", "--extender-listen", ":0", "--log-level", "loud", says="debug|info|warn|error")

    def test_the_extender_listens_on_loopback_only(self):
        ended = self.refused("serve", "--extender-listen", "0.0.0.0:0", says="loopback")
        self.assertEqual(ended.returncode, 1)

    def test_check_config_says_file_and_line(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "plimsoll.yaml")
            path.write_text("reserve: 512Mi\npolicy: tight\n")
            self.refused("serve", "--config", str(path), "--check-config", says="plimsoll.yaml:2")
            path.write_text("reserve: 512Mi\npolicy: spread\n")
            self.assertEqual(plimsoll("serve", "--config", str(path), "--check-config").stdout,
                             "the configuration is good\n")

    def test_check_config_looks_at_a_whole_command_line_as_serving_does(self):
        own = ["serve", "--check-config", "--listen", "127.0.0.1:0", "--tls-secret", "x", "--webhook", "x"]
        self.refused(*own, says="and --service, by whose name it is called")
        self.refused(*own, "--service", "x", "--tls-dns", "my host", says='"my host" is no DNS name')
        self.assertEqual(plimsoll(*own, "--service", "x").stdout, "the configuration is good\n")

    def test_a_missing_state_file_is_named(self):
        ended = self.refused("serve", "--extender-listen", "127.0.0.1:0", "--cluster-state", "/no/such/file",
                             says="/no/such/file")
        self.assertEqual(ended.returncode, 1)

    def test_scheduler_config_asks_for_what_a_recipe_needs(self):
        self.refused("scheduler-config", says='--for "": write one of second|kubeadm|k3s|rke2|talos')
        self.refused("scheduler-config", "--for", "eks", says='--for "eks": write one of')
        self.refused("scheduler-config", "--fro", "k3s", says="--fro")
        self.refused("scheduler-config", "k3s", says="k3s: takes flags only")
        self.refused("scheduler-config", "--for", "second", "--ca", "x", says="asks on loopback")
        self.refused("scheduler-config", "--for", "second", "--scheduler-name", "a: b", says='"a: b" is no name')
        self.refused("scheduler-config", "--for", "second", "--config", "/no/such/file", says="/no/such/file")
        own = ["scheduler-config", "--for", "k3s"]
        self.refused(*own, says="--address is missing")
        self.refused(*own, "--namespace", "x", says="for a second scheduler")
        self.refused(*own, "--address", "10.96.0.50:443", says="--ca, --client-cert and --client-key are needed")
        files = ["--ca", "/dev/null", "--client-cert", "/dev/null", "--client-key", "/dev/null"]
        self.refused(*own, "--address", "10.96.0.50:443", *files, says="/dev/null: no file in PEM form")
        for bad in ("10.96.0.50", "10.96.0.50:", ":443", "a b:443", "h:0", "h:65536", "fd00::50:443", "h/x:443",
                    "[fd00::50:443", "a\nb: c:443"):
            self.refused(*own, "--address", bad, *files, says="must be HOST:PORT, like 10.96.0.50:443")

    def test_scheduler_config_lists_the_configured_resources(self):
        with tempfile.TemporaryDirectory() as folder:
            home = pathlib.Path(folder)
            subprocess.run([PROGRAM, "certs", "--out", home], check=True, stdout=subprocess.DEVNULL)
            config = home / "plimsoll.yaml"
            config.write_text("resources: {nvidia: [nvidia.com/gpu, example.com/gpu], amd: [amd.com/*]}\n")
            own = ["scheduler-config", "--for", "rke2", "--address", "[fd00::50]:443", "--config", str(config),
                   "--ca", str(home / "ca.crt"), "--client-cert", str(home / "tls.crt"), "--client-key",
                   str(home / "tls.key")]
            text = plimsoll(*own).stdout
            self.assertIn("- urlPrefix: https://[fd00::50]:443\n", text)
            self.assertIn("  - {name: example.com/gpu}\n", text)
            self.assertNotIn("{name: amd.com/", text)
            self.assertIn("#                         like amd.com/*\n", text)
            self.assertIn("{name: plimsoll.dev/vram, ignoredByScheduler: true}", text)
            self.assertIn("ignoredResources: [plimsoll.dev/vram]",
                          plimsoll("scheduler-config", "--for", "second").stdout)
            # Where nodes advertise it, the scheduler counts it as well.
            config.write_text("nodeCapacity: true\n")
            self.assertIn("  - {name: plimsoll.dev/vram}\n", plimsoll(*own).stdout)
            self.assertNotIn("ignoredResources", plimsoll("scheduler-config", "--for", "second", "--config",
                                                          str(config)).stdout)

    def test_certs_needs_a_folder(self):
        self.refused("certs", says="--out DIR is missing")


class Life(unittest.TestCase):
    """One server on the demo's state file."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        home = pathlib.Path(self.folder.name)
        self.assertEqual(plimsoll("certs", "--out", str(home / "certs")).returncode, 0)
        state = (ROOT / "scripts/demo/cluster.json").read_text().replace("@NOW@", NEVER_STALE)
        (home / "cluster.json").write_text(state)
        self.server = subprocess.Popen(
            [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--tls-cert", home / "certs/tls.crt",
             "--tls-key", home / "certs/tls.key", "--extender-listen", "127.0.0.1:0",
             "--metrics-listen", "127.0.0.1:0", "--cluster-state", home / "cluster.json"],
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.stop)
        self.trust = ssl.create_default_context(cafile=home / "certs/ca.crt")
        self.ports = {}
        while len(self.ports) < 3:
            line = self.server.stderr.readline()
            self.assertTrue(line, "the server ended before it listened")
            event = json.loads(line)
            if event["msg"] == "listening":
                self.ports[event["listener"]] = event["port"]

    def stop(self):
        self.server.send_signal(signal.SIGTERM)
        self.server.communicate(timeout=300)

    def fetch(self, path, body=None, listener="extender"):
        scheme = "https" if listener == "https" else "http"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{scheme}://127.0.0.1:{self.ports[listener]}{path}", data)
        context = self.trust if scheme == "https" else None
        with urllib.request.urlopen(request, timeout=300, context=context) as answer:
            return answer.read().decode()

    def ask(self, path, body, listener="extender"):
        return json.loads(self.fetch(path, body, listener))

    @staticmethod
    def pod(vram):
        return {"metadata": {"name": "p", "namespace": "ai", "uid": "00000000-0000-4000-8000-000000000077",
                             "annotations": {"plimsoll.dev/vram": vram}},
                "spec": {"containers": [{"name": "c", "image": "i",
                                         "resources": {"limits": {"nvidia.com/gpu": "1"}}}]},
                "status": {}}

    def test_filter_says_who_fits_and_why_not(self):
        for listener in ("extender", "https"):
            answer = self.ask("/filter", {"Pod": self.pod("3Gi"), "Nodes": None,
                                          "NodeNames": ["home", "strix", "nowhere"]}, listener)
            self.assertEqual(answer["NodeNames"], ["home"])
            self.assertEqual(answer["FailedAndUnresolvableNodes"],
                             {"strix": "no NVIDIA card", "nowhere": "not yet known to Plimsoll"})
            answer = self.ask("/filter", {"Pod": self.pod("4Gi"), "Nodes": None, "NodeNames": ["home"]}, listener)
            self.assertEqual(answer["FailedAndUnresolvableNodes"],
                             {"home": "insufficient free VRAM (want 4Gi)"})

    def test_bind_needs_no_cluster_and_https_does_not_offer_it(self):
        args = {"PodName": "plain", "PodNamespace": "ai", "PodUID": "no-gpu", "Node": "home"}
        self.assertEqual(self.ask("/bind", args), {"Error": ""})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.ask("/bind", args, "https")
        self.assertEqual(refused.exception.code, 404)

    def test_preempt_answers_candidates_and_https_does_not_offer_it(self):
        args = {"Pod": {"metadata": {"name": "plain", "namespace": "ai", "uid": "no-gpu"}, "spec": {"containers": []}},
                "NodeNameToVictims": None,
                "NodeNameToMetaVictims": {"home": {"Pods": [{"UID": "a"}], "NumPDBViolations": 1}}}
        self.assertEqual(self.ask("/preempt", args),
                         {"NodeNameToMetaVictims": args["NodeNameToMetaVictims"]})
        # Everybody on `home` has the preemptor's own priority.
        args["Pod"] = self.pod("4Gi")
        self.assertEqual(self.ask("/preempt", args), {"NodeNameToMetaVictims": {}})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.ask("/preempt", args, "https")
        self.assertEqual(refused.exception.code, 404)
        metrics = self.fetch("/metrics", listener="metrics")
        self.assertIn('plimsoll_preempt_requests_total{pod_kind="gpu"} 1\n', metrics)
        self.assertIn('plimsoll_preempt_candidates_total{result="dropped"} 1\n', metrics)
        self.assertIn("plimsoll_preempt_victims_added_total 0\n", metrics)

    def test_a_malformed_body_gets_a_sentence(self):
        for path in ("/filter", "/prioritize", "/preempt", "/bind", "/mutate"):
            listener = "https" if path == "/mutate" else "extender"
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.ask(path, [1, 2], listener)
            self.assertEqual(refused.exception.code, 400, path)
            self.assertRegex(refused.exception.read().decode(), r"\w+ \w+", path)

    def test_bodies_beyond_the_route_s_ceiling_are_refused_unread(self):
        limits = (ROOT / "include/plimsoll/limits.h").read_text()
        for path, name in (("/filter", "PLIMSOLL_FILTER_BYTES_MAX"), ("/prioritize", "PLIMSOLL_FILTER_BYTES_MAX"),
                           ("/preempt", "PLIMSOLL_PREEMPT_BYTES_MAX"), ("/bind", "PLIMSOLL_BIND_BYTES_MAX")):
            factors = re.search(rf"#define {name} +\(?([\du *]+)\)?", limits).group(1).replace("u", "")
            ceiling = math.prod(int(factor) for factor in factors.split("*"))
            for size, status in ((ceiling + 1, 413), (2, 400)):
                connection = http.client.HTTPConnection("127.0.0.1", self.ports["extender"], timeout=300)
                connection.putrequest("POST", path)
                connection.putheader("Content-Length", str(size))
                connection.endheaders(b"[]" if size == 2 else None)
                answer = connection.getresponse()
                self.assertEqual(answer.status, status, path)
                self.assertTrue(answer.read())
                connection.close()

    def test_page_metrics_and_health_are_there(self):
        page = self.fetch("/")
        self.assertIn("NVIDIA GeForce RTX 4080 SUPER", page)
        self.assertIn("ai/ollama  8Gi claimed", page)
        metrics = self.fetch("/metrics", listener="metrics")
        self.assertRegex(metrics, r'plimsoll_gpu_memory_free_bytes\{node="strix",[^}]*\} [1-9]')
        for path in ("/livez", "/readyz", "/healthz"):
            self.assertEqual(self.fetch(path, listener="metrics").strip(), "ok")
        self.assertIn("[+]cluster ok", self.fetch("/readyz?verbose", listener="metrics"))

    def test_sigterm_ends_with_success(self):
        self.server.send_signal(signal.SIGTERM)
        self.server.communicate(timeout=300)
        self.assertEqual(self.server.returncode, 0)


if __name__ == "__main__":
    unittest.main()
