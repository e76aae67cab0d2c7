# SPDX-License-Identifier: Apache-2.0
"""manifests/ as data, so that what is tested is what a person applies."""

import pathlib

import yaml

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "manifests"
NAMESPACE = "plimsoll-system"


class Objects:
    """What installs Plimsoll, wherever it was written: in manifests/, or rendered from the chart."""

    def __init__(self, where, read):
        self.where = where
        self.objects = read

    def find(self, kind, name):
        found = [one for one in self.objects() if one["kind"] == kind and one["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} objects {kind}/{name} in {self.where}"
        return found[0]

    def container(self, name):
        """A container of the Deployment's pod."""
        pod = self.find("Deployment", "plimsoll")["spec"]["template"]["spec"]
        return next(one for one in pod["containers"] if one["name"] == name)

    def server_config(self):
        return self.find("ConfigMap", "plimsoll")["data"]["plimsoll.yaml"]

    def scheduler_config(self):
        return yaml.safe_load(self.find("ConfigMap", "plimsoll-scheduler")["data"]["scheduler.yaml"])


def files():
    return sorted(FOLDER.glob("*.yaml"))


def objects():
    """@return every object of the folder, in the order in which kubectl applies them."""
    return [document for file in files() for document in yaml.safe_load_all(file.read_text())]


ALL = Objects(FOLDER, objects)
find, container = ALL.find, ALL.container
server_config, scheduler_config = ALL.server_config, ALL.scheduler_config
