# SPDX-License-Identifier: Apache-2.0
"""The node agent from outside: flags, what it prints, and its life beside an API server that refuses.

    PLIMSOLL_AGENT=build/release/plimsoll-agent PLIMSOLL_NVML=build/release/tests/nvml/3/libnvidia-ml.so.1 \
        PLIMSOLL_PLAYED_CLOCK=build/release/tests/libplayed_clock.so python3 tests/command/test_agent.py
"""
import ctypes
import datetime
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from agent_world import MI, Machine, StubApi, card_id, pod_uid  # noqa: E402

PROGRAM = os.environ["PLIMSOLL_AGENT"]
NVML = os.environ["PLIMSOLL_NVML"]  # the played one
CLOCK = os.environ["PLIMSOLL_PLAYED_CLOCK"]
CARDS = pathlib.Path(__file__).resolve().parents[1] / "fixtures/device/fake.yaml"
PATIENCE_S = 300


def agent(*arguments, **options):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE_S,
                          check=False, **options)


def wait_for(what, condition):
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)
    return found


def replace(path, text):
    """As the kubelet does: nobody reads half of it."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


def drop_sys_admin():
    """Makes this process one without privileges, as a pod's is."""
    prctl_capbset_drop, cap_sys_admin = 24, 21
    if ctypes.CDLL(None, use_errno=True).prctl(prctl_capbset_drop, cap_sys_admin, 0, 0, 0) != 0:
        os._exit(1)


def drop_sys_admin_in_child():
    """@return whether this process may do that."""
    return subprocess.run(["true"], preexec_fn=drop_sys_admin, check=False).returncode == 0


class Flags(unittest.TestCase):
    def refused(self, *arguments, says, status=2):
        ended = agent(*arguments)
        self.assertEqual(ended.returncode, status, ended.stderr)
        self.assertIn(says, ended.stderr)

    def test_help_and_version_succeed(self):
        self.assertIn("--reader auto|nvidia|amd|intel|fake:FILE", agent("--help").stdout)
        self.assertRegex(agent("--version").stdout, r"^plimsoll-agent \d+\.\d+\.\d+\n$")

    def test_a_wrong_flag_is_named_and_so_is_what_would_be_right(self):
        self.refused(says="--node is missing")
        self.refused("--nod", "a", "--what", says="--what")
        self.refused("--node", "n" * 254, says="write the name of a node")
        self.refused("extra", says="extra: plimsoll-agent takes flags only")
        self.refused("--reader", "nvml", says='--reader "nvml": write one of auto, nvidia')
        self.refused("--reader", "fake:", says='--reader "fake:"')
        self.refused("--interval", "1h", says='--interval "1h": write a time from 200ms to 15s')
        self.refused("--interval", "16s", says="200ms to 15s")
        self.refused("--interval", "-2s", says="200ms to 15s")
        self.refused("--interval", "99999999999999999999", says="200ms to 15s")
        self.refused("--reserve", "lots", says="--reserve: ")
        self.refused("--attribution", "maybe", says='--attribution "maybe": write true or false')
        self.refused("--log-level", "loud", says="one of debug, info, warn, error")
        self.refused("-o", "yaml", says='--output "yaml": write table or json')
        self.refused("--resource", "example.com/gpu", says="write it like nvidia=example.com/gpu")
        self.refused("--resource", "amd=", says='--resource "amd="')

    def test_resources_have_a_ceiling(self):
        # PLIMSOLL_AGENT_RESOURCES_MAX is 64, five are there already.
        many = [flag for number in range(60) for flag in ("--resource", f"nvidia=example.com/{number}")]
        self.refused(*many, says="more than 64")
        self.assertEqual(agent(*many[2:], "--once", "--reader", f"fake:{CARDS}").returncode, 0)

    def test_what_makes_no_sense_together_is_refused(self):
        self.refused("--once", "--watch", says="give one")
        self.refused("--once", "--metrics-listen", ":0", says="--metrics-listen is for an agent that publishes")

    def test_a_missing_kubeconfig_or_cluster_is_said(self):
        self.refused("--node", "a", "--kubeconfig", "/no/such/file", says="/no/such/file", status=1)
        ended = agent("--node", "a", env={})
        self.assertEqual(ended.returncode, 1)
        self.assertIn("not in a cluster", ended.stderr)


class Printing(unittest.TestCase):
    def test_once_prints_a_table(self):
        ended = agent("--once", "--reader", f"fake:{CARDS}", "--node", "desk")
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        lines = ended.stdout.splitlines()
        self.assertRegex(lines[0], r"^desk  driver fake 1\.0  \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertRegex(lines[1], r"^   0  NVIDIA GeForce RTX 4060 Ti .*7Gi / 16Gi +43%$")
        self.assertNotIn("\033", ended.stdout)
        self.assertTrue(all(len(line) <= 80 for line in lines))

    def test_once_prints_what_would_be_published(self):
        ended = agent("--once", "-o", "json", "--reader", f"fake:{CARDS}")
        seen = json.loads(ended.stdout)
        self.assertEqual([card["index"] for card in seen["inventory"]["cards"]], [0, 1, 2])
        self.assertEqual(seen["usage"]["cards"][0]["used"], 7 << 30)
        self.assertEqual(seen["freeVram"], "9Gi,0,64Gi")

    def test_processes_are_told_apart_only_when_wanted(self):
        with tempfile.TemporaryDirectory() as folder:
            machine = Machine(folder, cards=1, pods=2)
            flags = ("--once", "-o", "json", "--reader", f"fake:{machine.fake_cards()}", "--root", machine.root,
                     "--kubelet-root", machine.kubelet)
            seen = json.loads(agent(*flags).stdout)
            self.assertEqual(seen["usage"]["cards"][0]["pods"], {pod_uid(0): 128 * MI, pod_uid(1): 128 * MI})
            self.assertEqual(seen["usage"]["cards"][0]["holders"], [pod_uid(0), pod_uid(1)])
            self.assertEqual(seen["inventory"]["cards"][0]["replicas"], 8)
            self.assertEqual(seen["inventory"]["deviceList"], "env")
            seen = json.loads(agent(*flags, "--attribution=false").stdout)
            self.assertFalse(seen["usage"]["cards"][0]["attributed"])
            self.assertNotIn("pods", seen["usage"]["cards"][0])
            self.assertIn("python3", agent("--once", *flags[3:]).stdout)

    def env_of(self, machine, visible, before=None):
        """@return `env` as an agent says it that has so many privileges as `before` leaves it."""
        environment = {"PLIMSOLL_NVML_SCRIPT": str(machine.nvml_script())}
        if visible is not None:
            environment["NVIDIA_VISIBLE_DEVICES"] = visible
        ended = agent("--once", "-o", "json", "--nvml", NVML, "--root", machine.root, "--kubelet-root",
                      machine.kubelet, env=environment, preexec_fn=before)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return json.loads(ended.stdout)["inventory"].get("env")

    def test_that_it_sees_nvidia_cards_proves_the_environment_only_with_the_variable(self):
        if not drop_sys_admin_in_child():
            self.skipTest("CAP_SYS_ADMIN cannot be dropped here, and with it nothing is proven")
        with tempfile.TemporaryDirectory() as folder:
            machine = Machine(folder, cards=2, pods=2)
            for visible, proves in ((None, None), ("all", True), ("void", True), ("none", None), ("", None)):
                self.assertEqual(self.env_of(machine, visible, drop_sys_admin), proves, visible)
            config = machine.root / "etc/nvidia-container-runtime/config.toml"
            config.parent.mkdir(parents=True)
            config.write_text("accept-nvidia-visible-devices-envvar-when-unprivileged = false\n")
            self.assertEqual(self.env_of(machine, "all", drop_sys_admin), True)  # what is seen beats what is told
            self.assertEqual(self.env_of(machine, None, drop_sys_admin), False)

    def test_processes_of_another_numbering_are_nobodys(self):
        # This machine's own /proc. The driver means the process of that number on the host, which a
        # container's process 1 is not.
        unshare = ["unshare", "--pid", "--fork", "--mount-proc"]
        if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no namespace of processes can be made here")
        with tempfile.TemporaryDirectory() as folder:
            script = pathlib.Path(folder) / "nvml"
            script.write_text(f"card {card_id(0)} used=100\nprocess {card_id(0)} 1 100\n")
            flags = (PROGRAM, "--once", "--nvml", NVML, "--reader", "nvidia", "--kubelet-root", folder)
            environment = {**os.environ, "PLIMSOLL_NVML_SCRIPT": str(script)}

            def run(*command):
                return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S,
                                      check=True).stdout
            ours = os.readlink("/proc/self/ns/pid") == "pid:[4026531836]"
            for first, attributed in (((), ours), (unshare, False)):
                seen = json.loads(run(*first, *flags, "-o", "json"))
                self.assertIs(seen["usage"]["cards"][0]["attributed"], attributed)
                self.assertTrue(run(*first, *flags).endswith("  the host\n" if attributed else "  ?\n"))

    def test_a_toolkit_that_refuses_the_variable_is_said(self):
        with tempfile.TemporaryDirectory() as folder:
            machine = Machine(folder, cards=2, pods=2)
            self.assertIsNone(self.env_of(machine, None))
            config = machine.root / "etc/nvidia-container-runtime/config.toml"
            config.parent.mkdir(parents=True)
            config.write_text("accept-nvidia-visible-devices-envvar-when-unprivileged = true\n")
            self.assertIsNone(self.env_of(machine, None))  # nobody knows that the runtime is in use
            config.write_text("accept-nvidia-visible-devices-envvar-when-unprivileged = false\n")
            self.assertIs(self.env_of(machine, None), False)

    def test_a_machine_without_cards_says_who_looked(self):
        with tempfile.TemporaryDirectory() as folder:
            ended = agent("--once", "--root", folder, "--nvml", "/no/such/libnvidia-ml.so.1")
            self.assertEqual(ended.returncode, 1)
            for vendor in ("nvidia: ", "amd: ", "intel: "):
                self.assertIn(vendor, ended.stderr)

    def test_a_broken_file_is_named_with_what_is_wrong(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("cards: [{id: GPU-1, colour: green}]\n")
            file.flush()
            ended = agent("--once", "--reader", f"fake:{file.name}")
            self.assertEqual(ended.returncode, 1)
            self.assertIn("colour", ended.stderr)

    def on_terminal(self, *flags, until=None, cards=CARDS, status=0, **environment):
        """@return what the agent writes to a terminal; `until` that is there three times, or it ends."""
        master, slave = pty.openpty()
        child = subprocess.Popen([PROGRAM, *(flags or ["--once"]), "--reader", f"fake:{cards}"], stdout=slave,
                                 stderr=slave, env={"TERM": "xterm", **environment})
        os.close(slave)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)  # an agent that is waited for in vain looks for ever
        text, deadline = b"", time.monotonic() + PATIENCE_S
        while select.select([master], [], [], max(0, deadline - time.monotonic()))[0]:
            if until and text.count(until) >= 3:
                child.send_signal(signal.SIGINT)
                until = None
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            text += piece
        os.close(master)
        self.assertLess(time.monotonic(), deadline, f"waited in vain for {until} or the end: {text[-500:]}")
        self.assertEqual(child.wait(PATIENCE_S), status)
        return text.decode()

    def test_colour_is_for_terminals_that_want_it(self):
        self.assertIn("\033[32m", self.on_terminal())
        self.assertNotIn("\033", self.on_terminal(NO_COLOR="1"))
        self.assertIn("\033", self.on_terminal(NO_COLOR=""))
        self.assertNotIn("\033", self.on_terminal(TERM="dumb"))
        self.assertIn("█", self.on_terminal(LC_ALL="C.UTF-8"))
        self.assertIn("#", self.on_terminal(LC_ALL="C"))

    def test_watch_keeps_one_screen_on_a_terminal(self):
        text = self.on_terminal("--watch", "--interval", "200ms", until=b"\033[J")
        first, second = text.split("\033[H")[1:3]
        self.assertTrue(all(line.endswith("\033[K\r") for line in second.split("\n")[:-1]))
        self.assertTrue(second.endswith("\033[J"))
        self.assertEqual(first.splitlines()[1:], second.splitlines()[1:])  # the first has the time
        self.assertNotIn("\033[2J", text)

    def test_a_screen_without_colour_is_one_screen_all_the_same(self):
        text = self.on_terminal("--watch", "--interval", "200ms", until=b"driver fake", NO_COLOR="1")
        self.assertGreaterEqual(text.count("\033[H"), 2)
        self.assertNotRegex(text, "\033\\[[0-9;]*m")

    def test_a_look_that_fails_leaves_its_sentence_on_the_screen(self):
        sentence = "plimsoll-agent: no cards here: fake: /no/such/cards.yaml: "
        text = self.on_terminal("--watch", "--interval", "200ms", cards="/no/such/cards.yaml", until=b"\033[J")
        for screen in text.split("\033[H")[1:]:
            self.assertEqual(screen.count(sentence), 1)
            self.assertNotIn("\033[J", screen[:screen.index(sentence)])  # nor is it wiped away before it is there
            self.assertTrue(screen.endswith("\033[K\r\n\033[J"), screen)
        self.assertIn(sentence, self.on_terminal("--once", cards="/no/such/cards.yaml", status=1))

    def test_json_is_one_object_or_nothing(self):
        ended = agent("--once", "-o", "json", "--reader", "fake:/no/such/cards.yaml")
        self.assertEqual((ended.returncode, ended.stdout), (1, ""))
        self.assertRegex(ended.stderr, r"^plimsoll-agent: [^\n]*/no/such/cards\.yaml[^\n]*\n$")

    def test_watch_prints_until_it_is_told_to_stop(self):
        child = subprocess.Popen([PROGRAM, "--watch", "-o", "json", "--interval", "200ms", "--reader",
                                  f"fake:{CARDS}"], stdout=subprocess.PIPE, text=True)
        for _ in range(3):
            self.assertEqual(len(json.loads(child.stdout.readline())["usage"]["cards"]), 3)
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=PATIENCE_S)
        self.assertEqual(child.returncode, 0)


class Agents(unittest.TestCase):
    """An agent that publishes, with a short interval; fake cards unless a test says otherwise."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)
        self.api = StubApi(self.home)
        self.addCleanup(self.api.stop)
        self.machine = Machine(self.home, cards=2, pods=4)
        self.machine.fake_cards()

    def start(self, *more, reader=None, **environment):
        self.log = self.home / "log"
        with self.log.open("w") as log:
            self.child = subprocess.Popen(
                [PROGRAM, "--node", "gpu0", "--kubeconfig", self.api.kubeconfig(), "--reader",
                 reader or f"fake:{self.home / 'cards.yaml'}", "--root", self.machine.root, "--kubelet-root",
                 self.machine.kubelet, "--interval", "200ms", "--metrics-listen", "127.0.0.1:0", *more],
                stderr=log, env={**os.environ, **environment})
        self.addCleanup(self.end)
        self.port = wait_for("the agent to listen", lambda: [event["port"] for event in self.events("listening")])[0]

    def end(self):
        ended = self.child.poll()
        self.child.kill()
        self.child.wait(PATIENCE_S)
        self.assertIn(ended, (None, 0), self.log.read_text())  # whatever was played: it keeps running

    def events(self, message):
        lines = self.log.read_text().splitlines(keepends=True)
        found = [json.loads(line) for line in lines if line.endswith("\n")]
        return [event for event in found if event["msg"] == message]

    def wait_for_events(self, message, count):
        """What is said after the API server has answered comes a moment later than the write itself."""
        wait_for(message, lambda: len(self.events(message)) >= count)
        self.assertEqual(len(self.events(message)), count)

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name):
        return float(re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics")[1], re.M)[1])

    def looks(self, result="ok"):
        return self.metric(f'plimsoll_agent_looks_total{{result="{result}"}}')

    def wait_for_looks(self, count, result="ok"):
        """So many more looks at the cards have ended."""
        before = self.looks(result)
        wait_for("looks", lambda: self.looks(result) >= before + count)

    def used(self):
        usage = self.api.value("usage")
        return usage and usage["cards"][0]["used"]

    def health(self, index=0):
        inventory = self.api.value("inventory")
        return inventory and inventory["cards"][index]["health"]


class Life(Agents):
    def test_it_publishes_once_and_then_only_changes(self):
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        self.assertEqual(self.used(), 4 * 64 * MI)
        self.assertEqual([card["id"] for card in self.api.value("inventory")["cards"]], [card_id(0), card_id(1)])
        self.assertEqual(self.api.value("free-vram"), "79.7Gi,79.7Gi")
        self.wait_for_looks(10)
        self.assertEqual(len(self.api.patches()), 1)
        self.machine.fake_cards(per_process=32 * MI)
        wait_for("the gain", lambda: self.used() == 4 * 32 * MI)
        self.machine.write_checkpoint(1)
        wait_for("the holders", lambda: self.api.value("usage")["cards"][1]["holders"] == [])
        self.machine.fake_cards(per_process=1024 * MI)
        wait_for("the loss", lambda: self.used() == 4 * 1024 * MI)
        patches = self.api.patches()
        self.assertEqual(len(patches), 4)
        self.assertIn("plimsoll.dev/inventory", patches[0]["metadata"]["annotations"])
        self.assertNotIn("uid", patches[0]["metadata"])
        for patch in patches[1:]:
            self.assertNotIn("plimsoll.dev/inventory", patch["metadata"]["annotations"])
            self.assertEqual(patch["metadata"]["uid"], "uid-1")

    def test_it_writes_its_own_nodes_annotations_and_nothing_else(self):
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        method, path, headers, body = self.api.asked[0]
        self.assertEqual((method, path), ("PATCH", "/api/v1/nodes/gpu0"))
        self.assertEqual(headers["Content-Type"], "application/merge-patch+json")
        self.assertEqual(list(json.loads(body)), ["metadata"])
        self.assertEqual(list(json.loads(body)["metadata"]), ["annotations"])

    def test_it_is_ready_while_it_measures_and_says_why_not(self):
        (self.home / "cards.yaml").write_text("unavailable: the driver is being upgraded\n")
        self.start()
        wait_for("the reason", lambda: "upgraded" in self.get("/readyz")[1])
        self.assertEqual(self.get("/readyz")[0], 503)
        self.assertEqual(self.get("/livez")[0], 200)
        self.machine.fake_cards()
        wait_for("readiness", lambda: self.get("/readyz")[0] == 200)
        self.assertEqual(self.get("/healthz")[0], 200)
        self.assertEqual(self.metric(f'plimsoll_agent_card_used_bytes{{card="{card_id(0)}",index="0"}}'), 4 * 64 * MI)

    def test_cards_of_a_driver_that_went_away_get_no_new_pods_until_it_is_back(self):
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        (self.home / "cards.yaml").write_text("unavailable: the driver is being upgraded\n")
        wait_for("the cards' health", lambda: self.health() == "not measured")
        self.wait_for_looks(5, "failed")
        self.assertEqual(self.used(), 4 * 64 * MI)
        self.machine.fake_cards()
        wait_for("the cards' health", lambda: self.health() == "ok")
        self.assertEqual(len(self.events("cards are not measured")), 1)
        self.assertEqual(len(self.events("cards are measured")), 2)

    def test_it_waits_as_long_as_it_is_asked_to(self):
        self.api.refusals = [(429, {"Retry-After": "3"}, "Too many requests, please try again later.\n")]
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        self.assertEqual(len(self.api.patches()), 2)
        self.assertGreaterEqual(self.api.asked_at[1] - self.api.asked_at[0], 3)  # by itself: a second at most
        refused = self.events("the node is not written")
        self.assertEqual([event["status"] for event in refused], [429])
        self.assertIn("try again later", refused[0]["err"])
        self.wait_for_events("the node is written", 1)

    def test_it_says_once_that_it_is_refused_and_goes_on(self):
        self.api.refusals = [(503, {}, "busy")] * 3 + [(500, {}, "broken")]
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        self.assertEqual([event["status"] for event in self.events("the node is not written")], [503, 500])
        self.assertEqual(self.metric('plimsoll_agent_writes_total{result="failed"}'), 4)
        self.assertEqual(self.get("/readyz")[0], 200)

    def test_it_backs_off_and_takes_up_again(self):
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        self.api.refusals = [(503, {}, "busy")] * 1000
        self.machine.fake_cards(per_process=32 * MI)
        wait_for("the refusal", lambda: self.events("the node is not written"))
        looked, tried = self.looks(), len(self.api.patches())
        # Who does not back off tries again with every look.
        wait_for("looks without a try",
                 lambda: self.looks() - looked >= len(self.api.patches()) - tried + 10)
        self.assertEqual(len(self.events("the node is not written")), 1)
        self.api.refusals = []
        wait_for("the gain", lambda: self.used() == 4 * 32 * MI)
        self.wait_for_events("the node is written", 2)

    def test_a_checkpoint_of_an_unknown_version_is_said_and_not_guessed(self):
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        path = self.machine.kubelet / "device-plugins/kubelet_internal_checkpoint"
        known = path.read_text()
        newer = json.loads(known)
        newer["Data"]["Claims"] = []
        replace(path, json.dumps(newer))
        wait_for("holders to be unknown", lambda: "holders" not in self.api.value("usage")["cards"][0])
        self.assertNotIn("deviceList", self.api.value("inventory"))
        self.wait_for_looks(5)
        said = self.events("holders of the cards are not known")
        self.assertEqual(len(said), 1)
        self.assertIn("a field that no known version has", said[0]["err"])
        self.assertEqual(self.get("/readyz")[0], 200)  # cards are measured all the same
        replace(path, known)
        wait_for("the holders", lambda: self.api.value("usage")["cards"][0].get("holders"))
        wait_for("the way of the plugin", lambda: self.api.value("inventory").get("deviceList") == "env")
        self.assertEqual(len(self.events("holders of the cards are known")), 1)

    def test_a_token_that_rotates_is_read_again(self):
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        (self.home / "token").write_text("another")
        self.api.refusals = [(401, {}, "Unauthorized")]
        self.machine.fake_cards(per_process=32 * MI)
        wait_for("the gain", lambda: self.used() == 4 * 32 * MI)
        self.assertEqual(self.api.asked[-1][2]["Authorization"], "Bearer another")
        self.assertEqual(self.events("the node is not written"), [])

    def test_a_token_that_has_run_out_is_said_once_until_there_is_another(self):
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        self.api.refusals = [(401, {}, "Unauthorized")] * 1000
        tried = len(self.api.patches())
        self.machine.fake_cards(per_process=32 * MI)
        wait_for("more tries", lambda: len(self.api.patches()) >= tried + 5)
        self.assertEqual([event["status"] for event in self.events("the node is not written")], [401])
        (self.home / "token").write_text("another")
        self.api.refusals = []
        wait_for("the gain", lambda: self.used() == 4 * 32 * MI)
        self.assertEqual(self.api.asked[-1][2]["Authorization"], "Bearer another")
        self.wait_for_events("the node is written", 2)

    def test_a_node_that_is_made_anew_gets_everything_again(self):
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        self.api.recreate()
        self.machine.fake_cards(per_process=32 * MI)
        wait_for("the inventory", lambda: self.api.value("inventory"))
        self.assertEqual(self.used(), 4 * 32 * MI)
        self.assertEqual([event["status"] for event in self.events("the node is not written")], [422])

    def test_a_conflict_is_said_and_everything_is_written_again(self):
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        self.api.refusals = [(409, {}, "Operation cannot be fulfilled: the object has been modified")]
        self.machine.fake_cards(per_process=32 * MI)
        wait_for("the gain", lambda: self.used() == 4 * 32 * MI)
        self.assertEqual([event["status"] for event in self.events("the node is not written")], [409])
        self.assertIn("plimsoll.dev/inventory", self.api.patches()[-1]["metadata"]["annotations"])

    def test_a_step_of_the_clock_is_no_change_and_holds_nothing_up(self):
        step = self.home / "step"
        step.write_text("0")
        self.start(LD_PRELOAD=CLOCK, PLIMSOLL_CLOCK=str(step),
                   ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
        wait_for("usage", lambda: self.api.value("usage"))
        year = 365 * 86400
        for seconds in (-1, 3600, -10 * year, 5 * year):
            step.write_text(str(seconds))
            self.wait_for_looks(5)
            self.assertEqual(self.get("/readyz")[0], 200)
        self.assertEqual(len(self.api.patches()), 1)
        self.machine.fake_cards(per_process=32 * MI)
        wait_for("the gain", lambda: self.used() == 4 * 32 * MI)
        now = datetime.datetime.now(datetime.timezone.utc)
        said = datetime.datetime.fromisoformat(self.api.value("usage")["time"].replace("Z", "+00:00"))
        self.assertGreater(said - now, datetime.timedelta(days=4 * 365))
        step.write_text(str(-year))  # a loss that waits is not held up by it
        self.machine.fake_cards(per_process=1024 * MI)
        wait_for("the loss", lambda: self.used() == 4 * 1024 * MI)
        self.assertEqual(len(self.api.patches()), 3)

    def test_an_agent_that_does_not_see_the_hosts_processes_attributes_nothing_and_says_why(self):
        processes, hidden = self.machine.root / "proc", self.machine.root / "hidden"
        processes.rename(hidden)
        self.start()
        said = wait_for("the reason", lambda: self.events("whose the processes are is not known"))
        self.assertIn("hostPID", said[0]["err"])
        card = wait_for("usage", lambda: self.api.value("usage"))["cards"][0]
        self.assertEqual((card["used"], card["attributed"], card.get("pods")), (4 * 64 * MI, False, None))
        self.assertEqual(card["holders"], [pod_uid(0), pod_uid(2)])  # the kubelet's word is there all the same
        self.wait_for_looks(5)
        hidden.rename(processes)
        wait_for("the pods", lambda: self.api.value("usage")["cards"][0]["attributed"])
        self.assertEqual(len(self.events("whose the processes are is not known")), 1)
        self.assertEqual(len(self.events("whose the processes are is known")), 1)

    def test_a_node_that_is_gone_is_waited_for(self):
        self.api.exists = False
        self.start()
        wait_for("more tries", lambda: len(self.api.patches()) >= 3)
        self.assertEqual(len(self.events("there is no such node")), 1)
        self.assertEqual(wait_for("readiness", lambda: self.get("/readyz")[0]), 200)
        self.api.exists = True
        wait_for("usage", lambda: self.api.value("usage"))
        self.wait_for_events("the node is written", 1)

    def test_a_node_that_is_deleted_and_made_anew_later_gets_everything_again(self):
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        self.api.exists = False
        self.machine.fake_cards(per_process=32 * MI)
        tried = len(self.api.patches())
        wait_for("more tries", lambda: len(self.api.patches()) >= tried + 3)
        self.assertEqual(len(self.events("there is no such node")), 1)
        self.api.recreate()
        self.api.exists = True
        wait_for("usage", lambda: self.used() == 4 * 32 * MI)
        self.assertEqual(len(self.api.value("inventory")["cards"]), 2)
        self.wait_for_events("the node is written", 2)
        self.assertEqual(self.events("the node is not written"), [])

    def test_somebody_elses_inventory_is_noticed_with_the_next_write(self):
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        self.api.annotations["plimsoll.dev/inventory"] = "{}"
        self.machine.fake_cards(per_process=32 * MI)
        wait_for("our inventory", lambda: self.api.value("inventory").get("cards"))
        self.assertEqual(len(self.events("somebody else writes the annotations of this agent")), 1)

    def test_a_node_that_was_made_anew_while_nothing_changed_is_noticed_in_minutes(self):
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        self.api.recreate()
        wait_for("usage", lambda: self.api.value("usage") and self.api.value("inventory"))
        self.assertEqual(len(self.events("the node has been made anew")), 1)

    def test_sigterm_ends_it_with_zero(self):
        self.start()
        wait_for("usage", lambda: self.api.value("usage"))
        self.child.send_signal(signal.SIGTERM)
        self.assertEqual(self.child.wait(PATIENCE_S), 0)
        self.assertEqual(len(self.events("stopping")), 1)


class Driver(Agents):
    """An agent beside a driver that comes, goes and fails: it keeps running, says so once, and recovers."""

    def setUp(self):
        super().setUp()
        self.library = self.home / "libnvidia-ml.so.1"
        self.machine.nvml_script()

    def install(self, level=3):
        """The library of that age takes the place of the one that was there."""
        new = self.home / "new"
        new.symlink_to(pathlib.Path(NVML).parents[1] / str(level) / "libnvidia-ml.so.1")
        new.rename(self.library)

    def start_nvidia(self, reader="nvidia"):
        self.start("--nvml", self.library, reader=reader, PLIMSOLL_NVML_SCRIPT=str(self.home / "nvml"))

    def start_measuring(self, **keys):
        self.install()
        self.machine.nvml_script(**keys)
        self.start_nvidia()
        wait_for("usage", lambda: self.api.value("usage"))

    def reasons(self):
        return [event["err"] for event in self.events("cards are not measured")]

    def test_a_driver_that_is_missing_is_waited_for(self):
        self.start_nvidia()
        wait_for("the reason", self.reasons)
        self.assertIn("no NVIDIA driver here", self.get("/readyz")[1])
        self.wait_for_looks(10, "failed")
        self.assertEqual(self.get("/livez")[0], 200)
        self.install()
        wait_for("usage", lambda: self.api.value("usage"))
        self.assertEqual(self.used(), 4 * 64 * MI)
        self.assertEqual(self.get("/readyz")[0], 200)
        self.assertEqual((len(self.reasons()), len(self.events("cards are measured"))), (1, 1))

    def test_where_no_vendor_has_a_card_it_is_said_once_for_all(self):
        self.start_nvidia("auto")
        said = wait_for("the reason", lambda: self.events("no cards are measured"))
        for vendor in ("nvidia: ", "amd: ", "intel: "):
            self.assertIn(vendor, said[0]["err"])
        self.wait_for_looks(10, "failed")
        self.assertEqual(len(self.events("no cards are measured")), 1)
        self.install()
        wait_for("usage", lambda: self.api.value("usage"))
        self.assertEqual([event["reader"] for event in self.events("cards are measured")], ["nvidia"])

    def test_a_card_without_driver_is_said_also_beside_cards_that_are_measured(self):
        self.machine.drm_card("card1", "0000:83:00.0", "amdgpu", "1002:744C", mem_info_vram_total=24 << 30,
                              mem_info_vram_used=1 << 30)
        slot = self.machine.root / "sys/bus/pci/devices/0000:07:00.0"
        slot.mkdir(parents=True)
        (slot / "vendor").write_text("0x10de\n")
        (slot / "class").write_text("0x030000\n")
        self.start_nvidia("auto")
        wait_for("usage", lambda: self.api.value("usage"))
        self.assertEqual([card["vendor"] for card in self.api.value("inventory")["cards"]], ["amd"])
        self.wait_for_looks(5)
        self.assertEqual(len(self.reasons()), 1)
        self.assertIn("an NVIDIA card is in this machine", self.reasons()[0])
        self.install()
        wait_for("the other cards", lambda: len(self.api.value("inventory")["cards"]) == 3)

    def test_a_driver_that_is_reloaded_is_opened_again(self):
        self.start_measuring()
        self.machine.nvml_script(more=["fail * 9"])
        wait_for("the cards' health", lambda: self.health() == "not measured")
        self.wait_for_looks(10, "failed")
        self.assertEqual(self.used(), 4 * 64 * MI)
        self.machine.nvml_script()
        wait_for("the cards' health", lambda: self.health() == "ok")
        self.assertEqual(len(self.reasons()), len(set(self.reasons())))
        self.assertEqual(len(self.events("cards are measured")), 2)

    def test_a_driver_that_is_upgraded_is_met_with_its_own_library(self):
        self.start_measuring(driver="570.1")
        self.machine.nvml_script(driver="580.2", more=["fail * 18"])
        wait_for("the cards' health", lambda: self.health() == "not measured")
        self.wait_for_looks(10, "failed")
        self.install(2)
        self.machine.nvml_script(driver="580.2")
        wait_for("the new driver", lambda: self.api.value("inventory")["driver"] == "580.2")
        self.assertEqual(self.health(), "ok")
        self.assertEqual([event["driver"] for event in self.events("cards are measured")], ["570.1", "580.2"])
        self.assertEqual(len(self.reasons()), len(set(self.reasons())))

    def test_a_card_that_fell_off_the_bus_is_said_once_and_comes_back(self):
        self.start_measuring()
        self.machine.nvml_script(more=[f"event 1 {card_id(1)} 79"] + [
            f"fail {function} 15 {card_id(1)}" for function in
            ("nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByUUID")])
        wait_for("its health", lambda: self.health(1) == "lost")
        self.assertEqual(self.health(0), "ok")
        self.assertEqual(self.api.value("free-vram").split(",")[1], "0")
        self.wait_for_looks(40)  # it is looked for anew meanwhile
        self.assertEqual(self.get("/readyz")[0], 200)
        self.machine.nvml_script()
        wait_for("its health", lambda: self.health(1) == "ok")
        said = self.events("a card is not healthy")
        self.assertEqual([(event["card"], event["health"]) for event in said], [(card_id(1), "lost")])
        self.assertEqual(len(self.events("a card is healthy again")), 1)

    def test_a_card_that_may_not_be_asked_does_not_hide_the_others(self):
        denied = [f"fail nvmlDeviceGetHandleByIndex_v2 4 {card_id(1)}"]
        self.start_measuring(more=denied)
        self.assertEqual([card["id"] for card in self.api.value("inventory")["cards"]], [card_id(0)])
        self.wait_for_looks(5)
        self.assertEqual([event["note"] for event in self.events("what the reader says")],
                         ["1 of 2 NVIDIA cards cannot be asked: no permission"])
        self.machine.nvml_script()
        wait_for("the other card", lambda: len(self.api.value("inventory")["cards"]) == 2)
        self.assertEqual(len(self.events("what it said is over")), 1)
        self.machine.nvml_script(more=denied)
        self.wait_for_looks(5)
        self.assertEqual(self.health(1), "ok")  # a handle that is there goes on working

    def test_a_driver_that_may_not_be_asked_is_asked_until_it_may(self):
        self.install()
        self.machine.nvml_script(more=["fail nvmlInit_v2 4"])
        self.start_nvidia()
        self.wait_for_looks(10, "failed")
        self.assertEqual(self.reasons(), ["NVML does not start: no permission (4)"])
        self.assertIn("no permission", self.get("/readyz")[1])
        self.machine.nvml_script()
        wait_for("usage", lambda: self.api.value("usage"))
        self.assertEqual(self.get("/readyz")[0], 200)
        self.assertEqual((len(self.reasons()), len(self.events("cards are measured"))), (1, 1))

    def test_a_card_that_is_added_is_seen_and_one_that_is_taken_out_is_gone(self):
        self.start_measuring(more=["live"], cards=1)
        self.assertEqual(len(self.api.value("inventory")["cards"]), 1)
        self.machine.nvml_script(more=["live"])
        wait_for("the second card", lambda: len(self.api.value("inventory")["cards"]) == 2)
        self.assertEqual([event["card"] for event in self.events("a card has come")], [card_id(1)])
        self.assertEqual(len(self.api.value("usage")["cards"]), 2)
        self.machine.nvml_script(more=["live"], cards=1)
        wait_for("it to be gone", lambda: len(self.api.value("inventory")["cards"]) == 1)
        self.wait_for_looks(5)
        self.assertEqual([event["card"] for event in self.events("a card has come")], [card_id(1)])
        self.assertEqual([event["card"] for event in self.events("a card has gone")], [card_id(1)])

    def test_a_card_that_is_split_anew_is_reported_anew(self):
        self.start_measuring(card_keys="mig=0")
        self.assertNotIn("mig", self.api.value("inventory")["cards"][0])
        self.machine.nvml_script(per_process=0, card_keys="mig=1")  # split into nothing yet: nobody can use it
        wait_for("no room", lambda: self.api.value("free-vram") == "0,0")
        small, large = (f"MIG-{number:08x}-0000-0000-0000-000000000000" for number in (1, 2))
        first = f"instance {card_id(0)} 0 {small} gi=7 total=9728 size=9728 slices=1"
        self.machine.nvml_script(card_keys="mig=1", more=[first])
        wait_for("the instance", lambda: self.api.value("inventory")["cards"][0].get("mig"))
        self.assertEqual(self.api.value("inventory")["cards"][0]["mig"],
                         [{"id": small, "profile": "1g.10gb", "vram": 9728 * MI}])
        second = f"instance {card_id(0)} 2 {large} gi=2 total=40448 size=40448 slices=3 cslices=3"
        self.machine.nvml_script(card_keys="mig=1", more=[second])
        wait_for("the other", lambda: [one["profile"] for one in self.api.value("inventory")["cards"][0]["mig"]]
                 == ["3g.40gb"])
        self.machine.nvml_script(card_keys="mig=0")
        wait_for("the whole card", lambda: "mig" not in self.api.value("inventory")["cards"][0])

    def test_cards_of_all_vendors_are_there_at_once_and_fail_on_their_own(self):
        self.install()
        amd, intel = "0000:83:00.0", "0000:84:00.0"
        self.machine.drm_card("card1", amd, "amdgpu", "1002:744C", mem_info_vram_total=24 << 30,
                              mem_info_vram_used=1 << 30, mem_info_gtt_total=32 << 30, mem_info_gtt_used=0)
        self.machine.drm_card("card2", intel, "i915", "8086:56A0")
        (self.machine.root / "sys/class/drm/card2/lmem_total_bytes").write_text(f"{16 << 30}\n")
        self.start_nvidia("auto")
        wait_for("usage", lambda: self.api.value("usage"))
        cards = self.api.value("inventory")["cards"]
        self.assertEqual([(card["vendor"], card["id"]) for card in cards],
                         [("nvidia", card_id(0)), ("nvidia", card_id(1)), ("amd", amd), ("intel", intel)])
        self.assertEqual([card["used"] for card in self.api.value("usage")["cards"][2:]], [1 << 30, 16 << 30])
        self.assertEqual(self.api.value("free-vram"), "79.1Gi,79.1Gi,23Gi,0")
        # Each vendor's plugin has its own names for them.
        held = [("nvidia.com/gpu", f"{card_id(1)}::3"), ("amd.com/gpu", amd), ("gpu.intel.com/i915", "card2-1")]
        replace(self.machine.kubelet / "device-plugins/kubelet_internal_checkpoint", json.dumps({
            "Data": {"PodDeviceEntries": [
                {"PodUID": pod_uid(pod), "ContainerName": "main", "ResourceName": resource,
                 "DeviceIDs": {"-1": [device]}, "AllocResp": None} for pod, (resource, device) in enumerate(held)],
                "RegisteredDevices": {"gpu.intel.com/i915": ["card2-0", "card2-1"]}}, "Checksum": 1}))
        wait_for("the holders", lambda: [card["holders"] for card in self.api.value("usage")["cards"]]
                 == [[], [pod_uid(0)], [pod_uid(1)], [pod_uid(2)]])
        wait_for("the replicas", lambda: self.api.value("inventory")["cards"][3].get("replicas") == 2)
        # The driver of one is unloaded: the others go on.
        drivers = self.machine.root / "sys/class/drm"
        (drivers / "card1").rename(self.home / "card1")
        wait_for("its health", lambda: self.health(2) == "not measured")
        self.assertEqual([self.health(0), self.health(3)], ["ok", "ok"])
        self.machine.nvml_script(32)
        wait_for("the gain", lambda: self.used() == 4 * 32 * MI)
        (self.home / "card1").rename(drivers / "card1")
        wait_for("its health", lambda: self.health(2) == "ok")
        self.assertEqual([event["reader"] for event in self.events("cards are not measured")], ["amd"])


unittest.main()
