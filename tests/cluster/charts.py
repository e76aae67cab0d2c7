# SPDX-License-Identifier: Apache-2.0
"""charts/plimsoll through the pinned Helms (build-helm.sh)."""

import os
import pathlib
import re
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/plimsoll"
# Each file is one set of options.
OPTIONS = sorted([*CHART.glob("ci/*-values.yaml"), CHART / "values-ha.yaml"])
VERSION = re.search(r"k8s\.io/kubernetes (v[0-9.]+)", (ROOT / "tests/cluster/go.mod").read_text()).group(1)


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that is there twice, of which Helm lets the last win."""


def strict_mapping(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    twice = {key for key in keys if keys.count(key) > 1}
    assert not twice, f"{', '.join(twice)} twice in one mapping, line {node.start_mark.line + 1}"
    return loader.construct_mapping(node, deep=True)


StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, strict_mapping)


def find_helm(major):
    """Skips with a sentence where there is none."""
    where = subprocess.run([ROOT / "tests/cluster/build-helm.sh", "--where"], capture_output=True, text=True,
                           check=True).stdout.strip()
    program = pathlib.Path(where) / f"helm{major}"
    if not os.access(program, os.X_OK):
        pytest.skip(f"no Helm {major} in {where}: tests/cluster/build-helm.sh builds it")
    return program


def find_cert_manager():
    """@return the folder of cert-manager and of the CustomResourceDefinitions that the chart's objects need; skips
    with a sentence where there is none"""
    script = ROOT / "tests/cluster/build-cert-manager.sh"
    where = subprocess.run([script, "--where"], capture_output=True, text=True, check=True).stdout.strip()
    folder = pathlib.Path(where)
    if not os.access(folder / "cert-manager", os.X_OK):
        pytest.skip(f"no cert-manager in {folder}: tests/cluster/build-cert-manager.sh builds it")
    return folder


def define_other_projects_kinds(plane):
    """Certificates, Issuers, ServiceMonitors and PrometheusRules, as cert-manager and the Prometheus operator
    define them."""
    definitions = find_cert_manager() / "crds"
    plane.kubectl("apply", "--server-side", "-f", definitions)
    plane.kubectl("wait", "--for=condition=Established", "--timeout=10m", "-f", definitions)


class Helm:
    def __init__(self, major, folder, kubeconfig=None):
        self.major = major
        self.program = find_helm(major)
        self.environment = dict(os.environ, HELM_CACHE_HOME=str(folder / "helm-cache"),
                                HELM_CONFIG_HOME=str(folder / "helm-config"),
                                HELM_DATA_HOME=str(folder / "helm-data"))
        self.environment.pop("KUBECONFIG", None)
        if kubeconfig:
            self.environment["KUBECONFIG"] = str(kubeconfig)

    def run(self, *arguments, check=True):
        """@return the finished process, with its output as text."""
        done = subprocess.run([self.program, *map(str, arguments)], env=self.environment,
                              capture_output=True, text=True)
        if check and done.returncode != 0:
            raise AssertionError(f"helm{self.major} {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done

    def template(self, *values, chart=CHART, name="plimsoll", namespace="plimsoll-system", version=VERSION):
        """@param values  Files, or `key=value`.
        @return the objects"""
        text = self.run("template", name, chart, f"--namespace={namespace}", f"--kube-version={version}",
                        *flags(values)).stdout
        return [one for one in yaml.load_all(text, StrictLoader) if one]

    def refusal(self, *values, version=VERSION):
        """@return why the chart is not rendered"""
        done = self.run("template", "plimsoll", CHART, "--namespace=plimsoll-system",
                        f"--kube-version={version}", *flags(values), check=False)
        assert done.returncode != 0, f"rendered in spite of {values}"
        return done.stderr


def flags(values):
    return [f"--values={value}" if isinstance(value, pathlib.Path) else f"--set={value}" for value in values]


def find(objects, kind, name):
    found = [one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} objects {kind}/{name}"
    return found[0]


def of_kind(objects, kind):
    return [one for one in objects if one["kind"] == kind]
