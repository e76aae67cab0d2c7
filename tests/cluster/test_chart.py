# SPDX-License-Identifier: Apache-2.0
"""charts/plimsoll as it is rendered: by both Helms, with every set of options, and what the programs and the
API server say to the result. Installing it is test_chart_install.py."""

import json
import re
import subprocess

import pytest
import yaml

import charts
from charts import CHART, OPTIONS, ROOT, VERSION, Helm, StrictLoader, define_other_projects_kinds, find, of_kind
from plimsoll import find_program

NAMESPACE = "chart-dry-run"


@pytest.fixture(scope="session", params=[3, 4], ids=["helm3", "helm4"])
def helm(request, folder):
    return Helm(request.param, folder)


@pytest.fixture(scope="session")
def helm4(folder):
    return Helm(4, folder)


@pytest.fixture(scope="session")
def rendered(folder):
    """@return {name of an option set: its objects}"""
    helm = Helm(4, folder)
    return {file.name: helm.template(file) for file in OPTIONS}


each_option = pytest.mark.parametrize("option", OPTIONS, ids=lambda file: file.stem)


# -- both Helms --------------------------------------------------------------------------------------------

def test_lint_finds_nothing(helm):
    for option in OPTIONS:
        done = helm.run("lint", CHART, "--strict", "--namespace=plimsoll-system", f"--kube-version={VERSION}",
                        f"--values={option}")
        assert "0 chart(s) failed" in done.stdout
        # What a value that is not there prints.
        assert "<no value>" not in done.stdout


def test_both_helms_render_the_same(folder, rendered):
    def order(objects):
        return sorted(objects, key=lambda one: (one["kind"], one["metadata"]["name"]))
    helm3 = Helm(3, folder)
    for option in OPTIONS:
        assert order(helm3.template(option)) == order(rendered[option.name]), option.name


def test_manifests_are_what_it_renders(helm4):
    run(ROOT / "scripts/render-manifests", "--check")


def test_unknown_keys_are_refused_with_their_path(helm, folder):
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    paths = ["/config/profiles/0", "/config/profiles/0/match"]

    def spoil(value, schema, path):
        if not schema.get("additionalProperties", True):
            paths.append(path)
        for key, one in list(value.items()):
            if isinstance(one, dict):
                spoil(one, schema.get("properties", {}).get(key, {}), f"{path}/{key}")
        if path in paths:
            value["misspelt"] = 1
    spoil(values, schema, "")
    values["config"]["profiles"] = [{"name": "a", "extends": "nvidia", "misspelt": 1, "match": {"misspelt": 1}}]
    file = folder / "misspelt.yaml"
    file.write_text(yaml.safe_dump(values))
    said = helm.refusal(file)
    # Every level but `global`, which is also a parent chart's.
    assert len(paths) > 25
    for path in paths:
        assert f"- at '{path}': additional properties 'misspelt' not allowed" in said


@pytest.mark.parametrize("value,said", [
    ("tls.mode=magic", "at '/tls/mode': value must be one of 'self', 'cert-manager', 'provided'"),
    ("config.reserve=lots", "at '/config/reserve'"),
    ("config.policy=random", "at '/config/policy'"),
    ("webhook.failurePolicy=Maybe", "at '/webhook/failurePolicy'"),
    ("server.replicas=0", "at '/server/replicas'"),
    ("config.profiles[0].name=mine", "missing property 'extends'"),
    ("image.digest=latest", "at '/image/digest'"),
    ("server.hostNetwork=true", "extender.clientCA.existingSecret is empty"),
    ("server.hostNetwork=true,extender.clientCA.existingSecret=ca", "10250, the kubelet's"),
    ("server.hostNetwork=true,server.port=9443,extender.clientCA.existingSecret=ca", "10259"),
    ("tls.mode=provided", "tls.existingSecret is empty"),
    ("tls.caBundle=QUJD", "tls.caBundle goes with tls.mode provided"),
    ("tls.mode=cert-manager", "the cluster has no cert-manager.io/v1"),
    ("namespaceOverride=kube-system", "namespace kube-system"),
    ("kubeScheduler.schedulerName=default-scheduler", "two schedulers would bind the same pods"),
    ("metrics.port=10250", "metrics.port and server.port are both 10250"),
    ("config.defaultRequest=12k", "at '/config/defaultRequest'"),
    ("config.profiles[0].name=mine,config.profiles[0].extends=nvidai", "config.profiles[0].extends is nvidai"),
    ("config.profiles[0].name=amd,config.profiles[0].extends=nvidia", "there is a profile amd already"),
    ("agent.interval=1m", "at '/agent/interval'"),
    ("config.reserve=0%", "at '/config/reserve'"),
    ("config.profiles[0].name=mine,config.profiles[0].extends=nvidia,config.profiles[0].tolerations[0].kye=a",
     "at '/config/profiles/0/tolerations/0': additional properties 'kye' not allowed"),
    ("kubeScheduler.schedulerName=my_scheduler", "at '/kubeScheduler/schedulerName'"),
    ("tls.extraDNSNames[0]=my host", "at '/tls/extraDNSNames/0'"),
    ("tls.extraIPs[0]=10.0.0.0/8", "at '/tls/extraIPs/0'"),
    ("kubeScheduler.extraProfile.percentageOfNodesToScore=50", "would ask about a sample"),
    ("kubeScheduler.port=10262", "extender.port and kubeScheduler.port are both 10262"),
    ("fullnameOverride=1st", "the objects would be named 1st"),
    ("nameOverride=My_GPU", "at '/nameOverride'"),
    ("guards.extraUsers[0]=o'brien", "at '/guards/extraUsers/0'"),
    ("agent.securityContext.capabilities.add[0]=PERFMON", "add it there"),
])
def test_what_does_not_go_is_refused_with_a_sentence(helm, value, said):
    assert said in helm.refusal(value)


def taken_away(helm, key):
    """What `helm template` says to `key: null`, by which Helm takes a default away."""
    return helm.run("template", "plimsoll", CHART, "--namespace=plimsoll-system", f"--kube-version={VERSION}",
                    f"--set-json={key}=null", check=False)


def test_a_section_or_a_value_left_empty_is_refused_with_its_path(helm):
    # `server:` with nothing below it takes the section away, and so does `port:` with nothing behind it.
    assert "missing property 'server'" in taken_away(helm, "server").stderr
    assert "at '/server': missing property 'port'" in taken_away(helm, "server.port").stderr


def test_without_a_default_the_chart_renders_or_says_what_is_missing(helm4):
    plain = helm4.run("template", "plimsoll", CHART, "--namespace=plimsoll-system", f"--kube-version={VERSION}").stdout
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    refused = 0
    for key in documented_values():
        default = values
        for part in key.split("."):
            default = default[part]
        done = taken_away(helm4, key)
        if done.returncode != 0:
            assert f"missing property '{key.split('.')[-1]}'" in done.stderr, key
            refused += 1
        elif default in ("", [], {}):
            assert done.stdout == plain, key
        else:
            assert "<nil>" not in done.stdout and "<no value>" not in done.stdout, key
    assert refused > 50


def test_a_long_release_name_leaves_every_name_short_enough(helm4):
    objects = helm4.template(name="a" * 53)
    assert all(len(one["metadata"]["name"]) <= 63 for one in objects)
    # A Service's, and what a ReplicaSet and a pod append to the Deployment's.
    assert len(of_kind(objects, "Deployment")[0]["metadata"]["name"]) + len("-0123456789-01234") <= 63


# -- the cluster's version ---------------------------------------------------------------------------------

@pytest.mark.parametrize("version,tag,probe", [
    ("v1.36.3", "v1.36.3", "/readyz"),
    ("v1.33.1-eks-db838b0", "v1.33.1", "/readyz"),
    ("v1.31.2+k3s1", "v1.31.2", "/readyz"),
    ("v1.32.0+rke2r1", "v1.32.0", "/readyz"),
    ("v1.30.5-gke.1014001", "v1.30.5", "/healthz"),
])
def test_kube_schedulers_tag_is_the_clusters_version_without_suffixes(helm, version, tag, probe):
    pod = find(helm.template(version=version), "Deployment", "plimsoll")["spec"]["template"]["spec"]
    scheduler = next(one for one in pod["containers"] if one["name"] == "kube-scheduler")
    assert scheduler["image"] == f"registry.k8s.io/kube-scheduler:{tag}"
    assert scheduler["readinessProbe"]["httpGet"]["path"] == probe


@pytest.mark.parametrize("version", ["v1.29.6-eks-db838b0", "v1.29.15+k3s1"])
def test_an_older_kubernetes_is_refused(helm, version):
    assert "chart requires kubeVersion: >=1.30.0-0" in helm.refusal(version=version)


def distributions():
    """@return {distribution: the values that its row in docs/install.md names}"""
    table = (ROOT / "docs/install.md").read_text().partition("| | install | own scheduler |")[2].partition("\n\n")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ") and "---" not in line]
    return {row[0].removeprefix("| "): re.findall(r'`((?:[a-z]\w*\.)+\w+=[^`]*)`', row[1]) for row in rows}


@pytest.mark.parametrize("distribution", distributions())
def test_what_a_distribution_needs_renders_together(helm, distribution, plane):
    values = [value.replace('""', "") for value in distributions()[distribution]]
    if any(value.startswith("server.hostNetwork") for value in values):
        values.append("extender.clientCA.existingSecret=clients")
    text = yaml.safe_dump_all(
        {**one, "metadata": {**one["metadata"], "namespace": "default"}} if one["metadata"].get("namespace") else one
        for one in helm.template(*values) if one["kind"] in ("Deployment", "DaemonSet", "ResourceQuota", "Service"))
    plane.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", text=text)


def test_every_distribution_has_its_row():
    assert list(distributions()) == ["kubeadm", "k3s", "RKE2", "Talos", "EKS", "GKE", "AKS", "OpenShift"]
    assert len(distributions()["EKS"]) == 4


# -- what is in it -----------------------------------------------------------------------------------------

@each_option
def test_every_object_is_ours_by_its_labels(rendered, option):
    for one in rendered[option.name]:
        labels = one["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "plimsoll"
        assert labels["app.kubernetes.io/instance"] == "plimsoll"
        assert labels["helm.sh/chart"].startswith("plimsoll-")


@each_option
def test_what_somebody_else_writes_is_not_rendered(rendered, option):
    for one in rendered[option.name]:
        if one["kind"] == "MutatingWebhookConfiguration":
            assert "caBundle" not in one["webhooks"][0]["clientConfig"]
        if one["kind"] == "Secret" or one["metadata"]["name"].endswith("-ca") and one["kind"] == "ConfigMap":
            assert not {"data", "stringData"} & one.keys()


# As base64 writes it, in lines, too.
@pytest.mark.parametrize("text", ["QUJD", "QU\nJD\n"])
def test_a_ca_of_ones_own_goes_to_the_webhook(helm4, text):
    objects = helm4.template("tls.mode=provided", "tls.existingSecret=mine", f"tls.caBundle={text}")
    webhook = find(objects, "MutatingWebhookConfiguration", "plimsoll")["webhooks"][0]
    assert webhook["clientConfig"]["caBundle"] == "QUJD"
    assert find(objects, "ConfigMap", "plimsoll-ca")["data"] == {"ca.crt": "ABC\n"}
    assert "cert-manager.io/inject-ca-from" not in find(
        objects, "MutatingWebhookConfiguration", "plimsoll")["metadata"]["annotations"]


@each_option
def test_selectors_select_the_pods_whatever_labels_the_user_adds(rendered, option):
    objects = rendered[option.name]
    owners = of_kind(objects, "Deployment") + of_kind(objects, "DaemonSet")
    pods = {one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"] for one in owners}
    for one in owners:
        wanted = one["spec"]["selector"]["matchLabels"].items()
        assert [name for name, labels in pods.items() if wanted <= labels.items()] == [one["metadata"]["name"]]
        # By these the server knows its agents.
        labels = pods[one["metadata"]["name"]]
        assert labels["app.kubernetes.io/part-of"] == "plimsoll"
        assert labels["app.kubernetes.io/component"] == ("agent" if one["kind"] == "DaemonSet" else "server")
    selectors = [one["spec"]["selector"] for one in of_kind(objects, "Service")]
    selectors += [one["spec"]["selector"]["matchLabels"] for one in of_kind(objects, "PodDisruptionBudget")]
    selectors += [one["spec"]["podSelector"]["matchLabels"] for one in of_kind(objects, "NetworkPolicy")]
    for selector in selectors:
        assert any(selector.items() <= labels.items() for labels in pods.values())


@each_option
def test_the_programs_take_their_flags_and_files(rendered, option, folder, plane):
    objects = rendered[option.name]
    program = find_program()
    deployment = of_kind(objects, "Deployment")[0]
    name = deployment["metadata"]["name"]
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    config = folder / "chart-plimsoll.yaml"
    config.write_text(find(objects, "ConfigMap", name)["data"]["plimsoll.yaml"])
    run(program, *(f"--config={config}" if one.startswith("--config=") else one for one in arguments),
        "--check-config")
    for agent in of_kind(objects, "DaemonSet"):
        words = agent["spec"]["template"]["spec"]["containers"][0]["command"]
        assert words[0] == "plimsoll-agent"
        run(program.with_name("plimsoll-agent"), *words[1:], "--help")
    for scheduler in [one for one in of_kind(objects, "ConfigMap") if "scheduler.yaml" in one.get("data", {})]:
        check_scheduler(plane, folder, scheduler["data"]["scheduler.yaml"])


def check_scheduler(plane, folder, text):
    """kube-scheduler reads it, defaults it and writes it down."""
    file, out = folder / "chart-scheduler.yaml", folder / "chart-scheduler-out.yaml"
    config = yaml.safe_load(text)
    config["clientConnection"] = {"kubeconfig": str(plane.kubeconfig)}
    file.write_text(yaml.safe_dump(config))
    run(plane.binaries / "kube-scheduler", f"--config={file}", f"--write-config-to={out}",
        f"--cert-dir={folder / 'chart-scheduler'}", "--bind-address=127.0.0.1")
    read = yaml.safe_load(out.read_text())
    assert read["profiles"][0]["percentageOfNodesToScore"] == 100
    assert read["extenders"][0]["preemptVerb"] == "preempt"


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stderr}"


def test_which_pods_reach_the_webhook_follows_from_the_profiles(rendered):
    def condition(option):
        webhook = find(rendered[option], "MutatingWebhookConfiguration", "plimsoll")["webhooks"][0]
        return webhook["matchConditions"][0]["expression"]
    shipped, mine = condition("default-values.yaml"), condition("profiles-values.yaml")
    for name in ("'nvidia.com/gpu'", "'plimsoll.dev/vram'", "'amd.com/gpu'", "startsWith('gpu.intel.com/')"):
        assert name in shipped and name in mine
    for name in ("'example.com/gpu'", "startsWith('example.com/mig-')", "'example.com/shared-gpu'",
                 "'nvidia-crun'"):
        assert name in mine and name not in shipped


def test_a_renamed_resource_takes_the_shipped_ones_place(helm4):
    objects = helm4.template("config.resources.amd[0]=example.com/amd", "config.resources.intel[0]=gpu.intel.com/xe")
    webhook = find(objects, "MutatingWebhookConfiguration", "plimsoll")["webhooks"][0]
    condition = webhook["matchConditions"][0]["expression"]
    assert "'gpu.intel.com/xe'" in condition and "'example.com/amd'" in condition
    assert "startsWith('gpu.intel.com/')" not in condition and "'amd.com/gpu'" not in condition


def test_with_node_capacity_the_scheduler_counts_vram_itself(rendered):
    config = yaml.safe_load(find(rendered["profiles-values.yaml"], "ConfigMap",
                                 "plimsoll-scheduler")["data"]["scheduler.yaml"])
    assert "pluginConfig" not in config["profiles"][0]
    rules = find(rendered["profiles-values.yaml"], "ClusterRole", "plimsoll")["rules"]
    assert {"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["patch"]} in rules


def test_plugins_that_the_user_configures_are_joined_with_ours(rendered):
    text = find(rendered["everything-values.yaml"], "ConfigMap", "plimsoll-line-scheduler")["data"]["scheduler.yaml"]
    profile = yaml.load(text, StrictLoader)["profiles"][0]
    plugins = {one["name"]: one["args"] for one in profile["pluginConfig"]}
    assert len(plugins) == len(profile["pluginConfig"]) == 2
    assert plugins["NodeResourcesFit"] == {"ignoredResources": ["example.com/foo", "plimsoll.dev/vram"],
                                           "scoringStrategy": {"type": "MostAllocated"}}
    assert profile["plugins"] == {"multiPoint": {"disabled": [{"name": "ImageLocality"}]}}


def test_each_account_may_do_what_it_needs_and_no_more(rendered):
    # That it is what they need shows test_rights.py.
    def rules(kind, name):
        return {(group or "core", resource, verb, *rule.get("resourceNames", []))
                for rule in find(rendered["default-values.yaml"], kind, name)["rules"]
                for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]}
    admission, leases = "admissionregistration.k8s.io", "coordination.k8s.io"
    assert rules("ClusterRole", "plimsoll") == {
        *(("core", resource, verb) for resource in ("nodes", "pods") for verb in ("list", "watch")),
        ("core", "pods", "get"), ("core", "pods", "patch"), ("core", "pods/binding", "create"),
        *(("node.k8s.io", "runtimeclasses", verb) for verb in ("list", "watch")),
        *(("events.k8s.io", "events", verb) for verb in ("create", "patch")),
        *((admission, "mutatingwebhookconfigurations", verb, "plimsoll") for verb in ("get", "patch"))}
    assert rules("Role", "plimsoll-tls") == {
        *(("core", "secrets", verb, "plimsoll-tls") for verb in ("get", "update")),
        *(("core", "configmaps", verb, "plimsoll-ca") for verb in ("get", "patch"))}
    assert rules("Role", "plimsoll-books") == {
        (leases, "leases", "create"), *((leases, "leases", verb, "plimsoll-books") for verb in ("get", "update"))}
    assert rules("Role", "plimsoll-scheduler") == {
        (leases, "leases", "create"),
        *((leases, "leases", verb, "plimsoll-scheduler") for verb in ("get", "update"))}
    assert rules("ClusterRole", "plimsoll-agent") == {("core", "nodes", verb) for verb in ("get", "patch")}


def test_the_guards_name_the_accounts_that_are_rendered(rendered):
    text = json.dumps(of_kind(rendered["everything-values.yaml"], "ValidatingAdmissionPolicy"))
    assert "'system:serviceaccount:plimsoll-system:server', 'system:serviceaccount:ops:restorer'" in text
    assert "'system:serviceaccount:plimsoll-system:measurer'" in text


def test_no_budget_keeps_a_node_with_the_only_server_from_being_drained(helm4):
    assert of_kind(helm4.template("server.replicas=1"), "PodDisruptionBudget") == []
    budget = of_kind(helm4.template("server.replicas=2"), "PodDisruptionBudget")[0]["spec"]
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


def test_the_network_policy_opens_the_webhook_to_all_and_nothing_but_metrics_besides(helm4):
    who = {"podSelector": {"matchLabels": {"app": "prometheus"}}}
    objects = helm4.template("networkPolicy.enabled=true",
                             "networkPolicy.metricsFrom[0].podSelector.matchLabels.app=prometheus")

    def opens(name):
        spec = find(objects, "NetworkPolicy", name)["spec"]
        assert spec["policyTypes"] == ["Ingress"]
        return {port["port"]: rule.get("from") for rule in spec["ingress"] for port in rule["ports"]}
    assert opens("plimsoll") == {"webhook": None, "metrics": [who], "scheduler": [who]}
    assert opens("plimsoll-agent") == {"metrics": [who]}


def runs_on(agent, labels):
    """@return whether a node with these labels gets a pod of that DaemonSet; a node's name is not looked at"""
    affinity = agent["spec"]["template"]["spec"]["affinity"]
    required = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]

    def holds(term):
        return all((labels.get(one["key"]) in one["values"]) == (one["operator"] == "In")
                   for one in term["matchExpressions"])
    return any(holds(term) for term in required["nodeSelectorTerms"])


def test_one_agent_looks_after_a_node_of_several_vendors(rendered):
    daemon_sets = {vendor: find(rendered["default-values.yaml"], "DaemonSet", f"plimsoll-agent-{vendor}")
                   for vendor in ("nvidia", "amd", "intel")}

    def agents(**labels):
        labels = {key.replace("_", "/"): value for key, value in labels.items()}
        return [vendor for vendor, agent in daemon_sets.items() if runs_on(agent, labels)]
    nvidia, amd = {"nvidia.com_gpu.present": "true"}, {"feature.node.kubernetes.io_amd-gpu": "true"}
    intel = {"intel.feature.node.kubernetes.io_gpu": "true"}
    assert agents() == []
    assert agents(**nvidia) == ["nvidia"]
    assert agents(**amd) == ["amd"]
    assert agents(**intel) == ["intel"]
    assert agents(**nvidia, **amd, **intel) == ["nvidia"]
    assert agents(**amd, **intel) == ["amd"]


def test_an_affinity_of_the_users_narrows_where_agents_run(rendered):
    agent = find(rendered["everything-values.yaml"], "DaemonSet", "plimsoll-line-agent-nvidia")
    gpu = {"nvidia.com/gpu.present": "true"}
    assert [zone for zone in "abc" if runs_on(agent, {**gpu, "zone": zone})] == ["a", "b"]
    assert not runs_on(agent, {"zone": "a"}) and not runs_on(agent, gpu)
    affinity = agent["spec"]["template"]["spec"]["affinity"]
    terms = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    in_b = [term for term in terms if term["matchExpressions"][-1]["values"] == ["b"]]
    assert len(in_b) == 4 and all(term["matchFields"][0]["key"] == "metadata.name" for term in in_b)
    assert affinity["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0]["weight"] == 1
    assert affinity["podAntiAffinity"]


def test_servers_run_on_linux(rendered):
    pod = find(rendered["default-values.yaml"], "Deployment", "plimsoll")["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"kubernetes.io/os": "linux"}


def test_no_agent_is_privileged(rendered):
    for option, objects in rendered.items():
        for agent in of_kind(objects, "DaemonSet"):
            pod = agent["spec"]["template"]["spec"]
            context = pod["containers"][0]["securityContext"]
            assert not context.get("privileged")
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"]["drop"] == ["ALL"]
            assert all(mount["readOnly"] for mount in pod["containers"][0]["volumeMounts"]
                       if mount["name"] != "more")
            assert set(context["capabilities"].get("add", [])) <= {"SYS_PTRACE", "PERFMON"}


def test_images_come_from_one_registry_when_told(rendered):
    objects = rendered["everything-values.yaml"]
    images = [container["image"] for one in of_kind(objects, "Deployment") + of_kind(objects, "DaemonSet")
              for container in one["spec"]["template"]["spec"]["containers"]]
    images += [container["image"] for one in of_kind(objects, "Pod") for container in one["spec"]["containers"]]
    assert all(image.startswith("registry.example.com/") for image in images)
    assert f"registry.example.com/mirror/plimsoll@sha256:{'0123456789abcdef' * 4}" in images
    assert "registry.example.com/mirror/agent:v9" in images
    assert "registry.example.com/kube-scheduler:v1.36.1" in images


def test_the_chart_is_of_the_programs_version():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    cmake = re.search(r"project\(plimsoll VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    assert chart["appVersion"] == cmake


def test_alerts_and_dashboard_ask_for_metrics_that_there_are(rendered):
    sources = "".join(file.read_text() for folder in ("cmd", "src") for file in (ROOT / folder).glob("**/*.c"))
    known = set(re.findall(r'"(plimsoll_[a-z0-9_]+)"', sources))
    fields = re.findall(r"^ *GAUGE\(([a-z]+),", sources, re.MULTILINE)
    known |= {f"plimsoll_gpu_memory_{field}_bytes" for field in fields}
    objects = rendered["monitoring-values.yaml"]
    dashboard = find(objects, "ConfigMap", "plimsoll-dashboard")["data"]["plimsoll.json"]
    assert json.loads(dashboard)["panels"]
    rules = find(objects, "PrometheusRule", "plimsoll")["spec"]["groups"][0]["rules"]
    asked = dashboard + " ".join(rule["expr"] for rule in rules)
    names = set(re.findall(r"plimsoll_[a-z0-9_]+", asked))
    assert len(names) > 10
    assert not names - known


def test_a_service_monitor_finds_its_service(rendered):
    objects = rendered["monitoring-values.yaml"]
    services = of_kind(objects, "Service")
    monitors = of_kind(objects, "ServiceMonitor")
    assert len(monitors) == 2
    for monitor in monitors:
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        found = [one for one in services if wanted <= one["metadata"]["labels"].items()]
        assert len(found) == 1
        assert found[0]["spec"]["ports"][0]["name"] == monitor["spec"]["endpoints"][0]["port"]
        rules = find(objects, "PrometheusRule", "plimsoll")["spec"]["groups"][0]["rules"]
        # Prometheus' label job is the Service's name.
        assert any(f'job="{found[0]["metadata"]["name"]}"' in rule["expr"] for rule in rules)


# -- every value ---------------------------------------------------------------------------------------------

def documented_values():
    found = re.findall(r"^\| `([A-Za-z0-9.]+)` \|", (CHART / "README.md").read_text(), re.M)
    assert len(found) > 150
    return found


def schema_of(path):
    schema = json.loads((CHART / "values.schema.json").read_text())
    for key in path.split("."):
        schema = schema["properties"][key]
    return schema


def another(value, schema):
    """@return a value of the same kind that is not this one"""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 7
    if isinstance(value, str):
        return next((one for one in schema.get("enum", []) if one not in ("", value)), "another")
    if isinstance(value, dict):
        return {**value, "another": "one"}
    return [*value, "another" if schema.get("items", {}).get("type") == "string" else {"name": "another"}]


def value_in(file, key):
    """@return the value that counts with that file"""
    found = None
    for values in ((CHART / "values.yaml"), file):
        value = yaml.safe_load(values.read_text()) or {}
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        found = found if value is None else value
    return found


# Where not every value of the kind will do.
OTHERWISE = {"config.resources": {"amd": ["example.com/amd"]},
             "config.profiles": [{"name": "another", "extends": "nvidia"}]}
# Looked at only where an option of its own is set.
SETTINGS = [CHART / "ci" / f"{name}-values.yaml" for name in
            ("default", "everything", "provided", "own-scheduler", "cert-manager", "cert-manager-issuer", "monitoring")]


def test_every_documented_value_changes_something(helm4):
    def render(file, *more):
        return helm4.run("template", "plimsoll", CHART, "--namespace=plimsoll-system", f"--kube-version={VERSION}",
                         "--skip-schema-validation", f"--values={file}", *more, check=False)
    plain = {file: render(file).stdout for file in SETTINGS}
    unused = []
    for key in documented_values():
        schema = schema_of(key)

        def changes(file):
            value = OTHERWISE.get(key, another(value_in(file, key), schema))
            done = render(file, f"--set-json={key}={json.dumps(value)}")
            return done.stdout != plain[file] if done.returncode == 0 else "cert-manager.io/v1" in done.stderr
        if not any(changes(file) for file in SETTINGS):
            unused.append(key)
    assert not unused, ", ".join(unused)


# -- what the API server says ------------------------------------------------------------------------------

@each_option
def test_every_object_passes_strict_validation(helm4, plane, option):
    if plane.api.find("namespaces", NAMESPACE) is None:
        plane.api.create("namespaces", {"metadata": {"name": NAMESPACE}})
        plane.wait_for("the service account", lambda: plane.api.find("serviceaccounts", "default", NAMESPACE))
    define_other_projects_kinds(plane)
    objects = helm4.template(option, name="dry", namespace=NAMESPACE)
    for one in objects:
        # A dry run leaves nothing that the next object could refer to.
        if one["metadata"].get("namespace") not in (None, "kube-system", "default"):
            one["metadata"]["namespace"] = NAMESPACE
        if one["kind"] == "Pod":
            one["spec"]["serviceAccountName"] = "default"
    plane.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-",
                  text=yaml.safe_dump_all(objects))
    assert len(objects) > 5


def test_a_misspelt_field_of_another_projects_kind_does_not_pass_strict_validation(helm4, plane):
    define_other_projects_kinds(plane)
    for option, kind in (("cert-manager", "Certificate"), ("monitoring", "ServiceMonitor"),
                         ("monitoring", "PrometheusRule")):
        one = of_kind(helm4.template(CHART / "ci" / f"{option}-values.yaml"), kind)[0]
        one["metadata"]["namespace"] = "default"
        one["spec"]["misspelt"] = 1
        done = plane.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-",
                             text=yaml.safe_dump(one), check=False)
        assert done.returncode != 0 and ".spec.misspelt" in done.stderr, kind
