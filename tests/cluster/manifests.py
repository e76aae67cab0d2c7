# SPDX-License-Identifier: Apache-2.0
"""manifests/ as data, so that what is tested is what a person applies."""

import pathlib

import yaml

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "manifests"
NAMESPACE = "plimsoll-system"


def files():
    return sorted(FOLDER.glob("*.yaml"))


def objects():
    """@return every object of the folder, in the order in which kubectl applies them."""
    return [document for file in files() for document in yaml.safe_load_all(file.read_text())]


def find(kind, name):
    found = [one for one in objects() if one["kind"] == kind and one["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} objects {kind}/{name} in {FOLDER}"
    return found[0]


def container(name):
    """A container of the Deployment's pod."""
    pod = find("Deployment", "plimsoll")["spec"]["template"]["spec"]
    return next(one for one in pod["containers"] if one["name"] == name)


def server_config():
    return find("ConfigMap", "plimsoll")["data"]["plimsoll.yaml"]


def scheduler_config():
    return yaml.safe_load(find("ConfigMap", "plimsoll-scheduler")["data"]["scheduler.yaml"])
