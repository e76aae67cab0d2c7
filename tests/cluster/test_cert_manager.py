# SPDX-License-Identifier: Apache-2.0
"""tls.mode=cert-manager with cert-manager's own controllers: both levels of certificates, the caBundle, a renewal,
an upgrade, and the way to and from tls.mode=self."""

import base64
import json
import subprocess
import time

import pytest

import nodes
import pods
from charts import define_other_projects_kinds, find_cert_manager
from control_plane import ControlPlane
from home import certificates
from manifests import NAMESPACE, Objects
from mount import Mount
from plimsoll import SERVER_ACCOUNT, find_program
from process import Child
from test_chart_install import copy_chart, in_force, lab, mutated, release, served  # noqa: F401  fixtures

SECRET = "plimsoll-cert"


@pytest.fixture(scope="module")
def own_plane(folder):
    path = folder / "cert-manager"
    path.mkdir()
    plane = ControlPlane(path)
    manager = Child("cert-manager", [find_cert_manager() / "cert-manager", f"--kubeconfig={plane.kubeconfig}"], path)
    try:
        plane.start()
        define_other_projects_kinds(plane)
        plane.others.append(manager.start())
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="module")
def chart(folder):
    return copy_chart(folder / "cert-manager-chart")


def test_it_makes_injects_and_renews_what_the_webhook_needs(lab, release, own_plane):  # noqa: F811
    def trusted():
        return release.webhook()["clientConfig"].get("caBundle")

    def trusts_its_ca():
        # It leaves CAs of others that are there.
        return base64.b64decode(secret()["ca.crt"]) in base64.b64decode(trusted() or "")

    def secret():
        found = own_plane.api.find("secrets", SECRET, NAMESPACE)
        return found and found.get("data", {}).get("tls.crt") and found["data"]
    # Helm sees that cert-manager is there.
    release.helm_run("install", release.chart, "--create-namespace", f"--values={release.values}",
                     "--set=tls.mode=cert-manager")
    first = own_plane.wait_for("cert-manager to make the certificate", secret)
    own_plane.wait_for("cert-manager to write the caBundle", trusts_its_ca)
    # Two levels: the serving certificate is not its own CA.
    leaf = certificates(base64.b64decode(first["tls.crt"]).decode())[0]
    authority = base64.b64decode(first["ca.crt"]).decode()
    assert leaf not in authority
    mount = Mount(own_plane, release, SECRET)
    assert mount.refresh().startswith("-----BEGIN CERTIFICATE-----")
    release.start()
    lab.add_runtime_class()
    lab.add_nodes(nodes.nvidia("box", 16384))
    in_force(lab)
    lab.create(pods.gpu("first", "2Gi"))
    lab.wait_running("first")

    # A renewal, as cmctl asks for one: another certificate, nobody's trust changes, no pod goes unseen.
    before = trusted()
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    issuing = {"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "by a test",
               "lastTransitionTime": now}
    path = f"/apis/cert-manager.io/v1/namespaces/{NAMESPACE}/certificates/plimsoll"
    conditions = own_plane.api.call("GET", path)["status"]["conditions"]
    own_plane.api.call("PATCH", f"{path}/status", {"status": {"conditions": [*conditions, issuing]}},
                       "application/merge-patch+json")
    lab.wait_for("another certificate", lambda: secret()["tls.crt"] != first["tls.crt"])
    shown = served(release)
    assert secret()["ca.crt"] == first["ca.crt"]
    mount.refresh()

    def reloaded():
        assert mutated(lab.preview(pods.gpu("asking", "1Gi")))
        return served(release) != shown
    lab.wait_for("the server to show the new certificate", reloaded)
    assert mutated(lab.preview(pods.gpu("asking", "1Gi")))

    # An upgrade keeps what cert-manager wrote.
    release.upgrade("tls.mode=cert-manager", "webhook.timeoutSeconds=7")
    assert release.webhook()["timeoutSeconds"] == 7
    assert trusted() == before

    # And the server may make its own from now on.
    release.plimsoll.stop()
    release.upgrade()
    release.plimsoll.source = Objects("the release", release.objects)
    own_plane.kubectl("create", "rolebinding", "tests-server-tls", f"--namespace={NAMESPACE}", "--role=plimsoll-tls",
                      f"--serviceaccount={NAMESPACE}:{SERVER_ACCOUNT}")
    release.plimsoll.start_server()
    assert trusted() != before
    lab.wait_for("pods to be mutated", lambda: mutated(lab.preview(pods.gpu("asking", "1Gi"))))
    release.upgrade("tls.mode=cert-manager")
    lab.wait_for("cert-manager to write the caBundle again", trusts_its_ca)


def test_an_issuer_of_ones_own_signs_and_its_ca_is_trusted(release, own_plane):  # noqa: F811
    folder = own_plane.folder / f"company-{release.helm.major}"
    subprocess.run([find_program(), "certs", "--out", folder, "--client", "unused"], check=True,
                   stdout=subprocess.DEVNULL)
    company = (folder / "ca.crt").read_text()
    own_plane.api.create("namespaces", {"metadata": {"name": NAMESPACE}})
    own_plane.kubectl("create", "secret", "generic", "company", f"--namespace={NAMESPACE}",
                      f"--from-file=tls.crt={folder / 'ca.crt'}", f"--from-file=tls.key={folder / 'ca.key'}")
    own_plane.kubectl("create", "-f", "-", text=json.dumps({
        "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "spec": {"ca": {"secretName": "company"}},
        "metadata": {"name": "company", "namespace": NAMESPACE}}))
    issuer = ["name=company", "kind=Issuer", "group=cert-manager.io"]
    release.helm_run("install", release.chart, f"--values={release.values}", "--set=tls.mode=cert-manager",
                     *(f"--set=tls.certManager.issuerRef.{one}" for one in issuer))

    def trusted():
        return base64.b64decode(release.webhook()["clientConfig"].get("caBundle", "")).decode().strip()
    own_plane.wait_for("cert-manager to write the caBundle", lambda: trusted() == company.strip())
    secret = own_plane.api.get("secrets", SECRET, NAMESPACE)["data"]
    leaf = own_plane.folder / f"company-leaf-{release.helm.major}.crt"
    leaf.write_bytes(base64.b64decode(secret["tls.crt"]))
    subprocess.run(["openssl", "verify", "-CAfile", folder / "ca.crt", "-verify_hostname",
                    f"plimsoll.{NAMESPACE}.svc", leaf], check=True, stdout=subprocess.DEVNULL)
