# SPDX-License-Identifier: Apache-2.0
"""What the programs measure of themselves, what alerts and dashboard ask for, and whether both agree: by the
output of a running server and a running agent, and by promtool."""

import json
import os
import pathlib
import re
import subprocess
import urllib.request

import pytest
import yaml

import nodes
import pods
from charts import ROOT, Helm, find
from process import free_port
from test_agent import CARD, Agent

GI = 1 << 30
MONITORING = ("metrics.prometheusRule.enabled=true", "metrics.dashboard.enabled=true")
ALERTS = pathlib.Path(__file__).resolve().parent / "alerts.yaml"
# What others measure.
OF_OTHERS = {"up": {"node"}, "apiserver_admission_webhook_fail_open_count": {"name"}}
# What a ServiceMonitor puts on every sample; `node` by our relabeling, on an agent's.
OF_TARGET = {"namespace", "job", "instance", "pod", "service", "endpoint", "container"}


@pytest.fixture(scope="module")
def promtool():
    where = subprocess.run([ROOT / "scripts/install-promtool", "--where"], capture_output=True, text=True,
                           check=True).stdout.strip()
    if not os.access(where, os.X_OK):
        pytest.skip(f"no promtool in {where}: scripts/install-promtool fetches it")

    def run(*arguments, text=None):
        done = subprocess.run([where, *map(str, arguments)], capture_output=True, text=True, input=text)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr
    return run


@pytest.fixture(scope="module")
def monitoring(folder):
    """@return (rules, expressions of the dashboard)"""
    objects = Helm(4, folder).template(*MONITORING)
    rules = [rule for group in find(objects, "PrometheusRule", "plimsoll")["spec"]["groups"]
             for rule in group["rules"]]
    board = json.loads(find(objects, "ConfigMap", "plimsoll-dashboard")["data"]["plimsoll.json"])
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    asked += [re.match(r"label_values\((.*), (\w+)\)$", one["query"]["query"]).expand(r"count by (\2) (\1)")
              for one in board["templating"]["list"] if one["type"] == "query"]
    return rules, [one.replace("$__rate_interval", "2m") for one in asked]


class Outputs:
    """The samples of a server and an agent: names with their types, labels and the values of those."""

    def __init__(self, server, agent):
        self.server, self.agent = server, agent
        self.types, self.labels, self.values = {}, {}, {}
        for text, extra in ((server, set()), (agent, {"node"})):
            self.types.update(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
            for name, labels in re.findall(r"^([a-z]\w*)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
                pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)
                self.labels.setdefault(name, set()).update(extra, (key for key, _ in pairs))
                for key, value in pairs:
                    self.values.setdefault((name, key), set()).add(value)


@pytest.fixture
def outputs(lab, plimsoll):
    """Of a cluster in which one pod runs and one waits."""
    lab.add_nodes(nodes.nvidia("measured", 15360, replicas=4))
    agent, port = Agent(lab, "measured"), free_port()
    agent.show()
    try:
        agent.start("--metrics-listen", f"127.0.0.1:{port}")
        lab.create(pods.gpu("runs", "6Gi"))
        lab.wait_running("runs")
        lab.create(pods.gpu("waits", "14Gi"))
        lab.wait_refused("waits", "insufficient free VRAM (want 14Gi)")
        lab.wait_for("the pod that waits to be counted",
                     lambda: "\nplimsoll_waiting_pods 1\n" in plimsoll.get("metrics")[1])
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            yield Outputs(plimsoll.get("metrics")[1], answer.read().decode())
    finally:
        agent.stop()


def names_in(expression):
    return set(re.findall(r"\b(?:plimsoll|apiserver)_\w+|\bup\b", re.sub(r'"[^"]*"', '""', expression)))


def labels_in(expression):
    bare = re.sub(r'"[^"]*"', '""', expression)
    matched = re.findall(r"[{,]\s*(\w+)\s*[=!]", bare)
    grouped = re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", bare)
    return set(matched) | {label.strip() for group in grouped for label in group.split(",")}


def assert_answered(outputs, expression, more=()):
    """Every name is measured, and every label is one of the names'."""
    known = set(OF_TARGET)
    for name in names_in(expression):
        assert name in outputs.labels or name in OF_OTHERS, f"{expression}: {name} is not measured"
        known |= OF_OTHERS.get(name) or outputs.labels.get(name, set())
    unknown = (labels_in(expression) | set(more)) - known
    assert not unknown, f"{expression}: no label {unknown}"
    for name, labels in re.findall(r"(plimsoll_\w+)\{([^}]*)\}", expression):
        for key, value in re.findall(r'(\w+)=~?"([^"$]*)"', labels):
            if key not in OF_TARGET and value:
                assert value in outputs.values.get((name, key), ()), f"{expression}: no {key} is {value}"


def test_alerts_and_dashboard_ask_for_what_is_measured(outputs, monitoring):
    rules, asked = monitoring
    assert len(rules) > 10 and len(asked) > 10
    for rule in rules:
        shown = re.findall(r"\$labels\.(\w+)", json.dumps(rule.get("annotations", {})))
        assert_answered(outputs, rule["expr"], shown)
    for expression in asked:
        assert_answered(outputs, expression)


def test_rates_are_of_counters_and_levels_are_not(outputs, monitoring):
    rules, asked = monitoring
    for expression in [rule["expr"] for rule in rules] + asked:
        rated = set(re.findall(r"\b(?:rate|increase)\(\s*(plimsoll_\w+)", expression))
        for name in names_in(expression) - set(OF_OTHERS):
            kind = outputs.types.get(re.sub(r"_(bucket|sum|count)$", "", name)) or outputs.types[name]
            assert (name in rated) == (kind in ("counter", "histogram")), f"{expression}: {name} is a {kind}"


def test_every_sample_has_a_type(outputs):
    for name in outputs.labels:
        assert name in outputs.types or re.sub(r"_(bucket|sum|count)$", "", name) in outputs.types, name


def test_what_people_want_to_know_is_measured(outputs):
    def value(name, **labels):
        found = [line for line in outputs.server.splitlines() if re.match(name + r"[{ ]", line) and
                 all(f'{key}="{wanted}"' in line for key, wanted in labels.items())]
        assert len(found) == 1, (name, labels, found)
        return float(found[0].split()[-1])
    total = 15360 << 20
    assert value("plimsoll_gpu_memory_line_bytes", gpu_uuid=CARD) == total - GI // 2
    assert value("plimsoll_gpu_memory_free_bytes", gpu_uuid=CARD) == total - GI // 2 - 6 * GI
    assert value("plimsoll_node_guarantee", node="measured", guarantee="exact") == 1
    assert value("plimsoll_node_report_stale", node="measured") == 0
    assert value("plimsoll_node_report_timestamp_seconds", node="measured") > 1.7e9
    assert value("plimsoll_waiting_pods") == 1
    assert value("plimsoll_books_held") == 1
    assert value("plimsoll_filter_nodes_rejected_total", reason="insufficient_vram") >= 1


def test_promtool_finds_no_fault_with_either_output(outputs, promtool):
    assert promtool("check", "metrics", text=outputs.server) == ""
    assert promtool("check", "metrics", text=outputs.agent) == ""


def write_rules(file, rules):
    file.write_text(yaml.safe_dump({"groups": [{"name": "plimsoll", "rules": rules}]}))
    return file


def test_promtool_reads_alerts_and_dashboard(monitoring, promtool, tmp_path):
    rules, asked = monitoring
    said = promtool("check", "rules", write_rules(tmp_path / "rules.yaml", rules))
    assert f"{len(rules)} rules found" in said
    queries = [{"record": f"query:{number}", "expr": expression} for number, expression in enumerate(asked)]
    assert f"{len(asked)} rules found" in promtool("check", "rules", write_rules(tmp_path / "board.yaml", queries))


def test_every_alert_fires_when_it_should_and_not_otherwise(monitoring, promtool, tmp_path):
    rules, _ = monitoring
    write_rules(tmp_path / "rules.yaml", rules)
    text = ALERTS.read_text()
    fired = {}
    for one in yaml.safe_load(text)["tests"]:
        for check in one["alert_rule_test"]:
            fired.setdefault(check["alertname"], set()).add("exp_alerts" in check)
    assert fired == {rule["alert"]: {True, False} for rule in rules}
    (tmp_path / "alerts.yaml").write_text(text)
    assert "SUCCESS" in promtool("test", "rules", tmp_path / "alerts.yaml")
