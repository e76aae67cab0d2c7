# SPDX-License-Identifier: Apache-2.0
"""A server that makes its own certificate: nothing to do by hand, and no pod refused while it changes."""

import base64
import re
import signal
import subprocess
import time

import pytest

from api import ApiError
from home import CONFIG_MAP, SECRET, SERVICE, Creating, certificates
from plimsoll import find_program


def test_from_an_empty_secret_and_a_webhook_without_a_bundle_to_mutated_pods(home):
    server = home.run()
    assert home.create_pod()
    bundle = home.bundle()
    assert bundle == home.stored("ca.crt")
    assert len(certificates(bundle)) == 1
    for name in (SERVICE, f"{SERVICE}.{home.namespace}", home.name, f"{home.name}.cluster.local", "localhost",
                 "127.0.0.1", "::1", "gpu.example.com", "10.0.0.7"):
        assert server.accepted(bundle, name), name
    assert not server.accepted(bundle, "another.example.com")

    now = time.time()
    leaf = server.metric('plimsoll_certificate_expiration_timestamp_seconds{cert="leaf"}')
    ca = server.metric('plimsoll_certificate_expiration_timestamp_seconds{cert="ca"}')
    assert 89 < (leaf - now) / 86400 < 91
    assert 3649 < (ca - now) / 86400 < 3651
    assert server.metric('plimsoll_cabundle_patches_total{result="ok"}') == 1
    assert "[+]certificates ok" in server.get("readyz?verbose")[1]


def test_of_the_webhook_only_the_bundle_is_ours(home):
    home.run()
    live = home.api.get("mutatingwebhookconfigurations", home.webhook)
    fields = [one["fieldsV1"] for one in live["metadata"]["managedFields"]
              if (one["manager"], one["operation"]) == ("plimsoll", "Apply")]
    assert fields == [{"f:webhooks": {'k:{"name":"pods.plimsoll.dev"}': {
        ".": {}, "f:name": {}, "f:clientConfig": {"f:caBundle": {}}}}}]


@pytest.mark.parametrize("value", [None, "Cg==", "another CA"])
def test_a_bundle_that_somebody_wipes_or_replaces_comes_back(home, value):
    server = home.run()
    before = home.bundle()
    path = "/webhooks/0/clientConfig/caBundle"
    if value == "another CA":
        value = base64.b64encode(home.plane.authority.ca.read_bytes()).decode()
    operation = {"op": "replace", "path": path, "value": value} if value else {"op": "remove", "path": path}
    home.api.patch("mutatingwebhookconfigurations", home.webhook, [operation])
    server.wait("the caBundle to be right again", lambda: home.bundle() == before)
    server.wait("pods to be mutated again", home.create_pod)
    server.wait_ready()


def test_a_secret_that_loses_its_data_gets_another_ca_and_no_pod_is_refused(home):
    server = home.run()
    old = home.bundle()
    serial = server.issuer(old)
    with Creating(home) as creating:
        home.api.patch("secrets", SECRET, [{"op": "remove", "path": "/data"}], home.namespace)
        server.wait("another CA", lambda: certificates(home.stored("ca.crt"))[1:])
        bundle = home.stored("ca.crt")
        assert certificates(bundle)[0] == certificates(old)[0]
        server.wait("it to be published", lambda: home.bundle() == bundle)
        # Those who have not heard of the new CA are served with the old one meanwhile.
        assert server.issuer(old) == serial
        server.wait("the new CA to sign", lambda: server.issuer(bundle) != serial)
        new = certificates(bundle)[1]
        assert server.accepted(new) and not server.accepted(old)
        before = creating.created
        server.wait("more pods", lambda: creating.created > before + 20)
    creating.check()
    assert server.ready()


def test_a_ca_near_its_end_is_replaced_and_no_pod_is_refused(home):
    certificate, key = make_ca(home.plane.folder, home.namespace, "20250101000000Z", days_left=30)
    home.api.delete("secrets", SECRET, home.namespace)
    home.make_secret(stringData={"ca.crt": certificate, "ca.key": key})
    server = home.run()
    bundle = home.bundle()
    assert len(certificates(bundle)) == 2
    assert certificates(bundle)[0] == certificates(certificate)[0]
    # It still signs: the new one is too young.
    assert server.accepted(certificate)
    with Creating(home) as creating:
        server.wait("the new CA to sign", lambda: not server.accepted(certificate))
        assert server.accepted(certificates(bundle)[1])
        before = creating.created
        server.wait("more pods", lambda: creating.created > before + 20)
    creating.check()
    assert len(re.findall("BEGIN PRIVATE KEY", home.stored("ca.key"))) == 2
    assert home.bundle() == bundle
    server.wait("others to be told", lambda: home.published() == bundle)


def test_who_mounts_the_ca_has_it_whatever_becomes_of_the_config_map(home):
    server = home.run()
    bundle = home.bundle()
    server.wait("it to be published", lambda: home.published() == bundle)
    home.api.merge("configmaps", CONFIG_MAP, {"data": {"ca.crt": "another", "mine": "kept"}}, home.namespace)
    server.wait("it to be published again", lambda: home.published() == bundle)
    assert home.api.get("configmaps", CONFIG_MAP, home.namespace)["data"]["mine"] == "kept"
    # Without it nobody else has to wait.
    home.api.delete("configmaps", CONFIG_MAP, home.namespace)
    server.wait("it to be missed", lambda: server.log("certificates are not right"))
    assert f"ConfigMap {CONFIG_MAP}: " in server.log("certificates are not right")[-1]["err"]
    assert server.ready() and home.create_pod()
    home.api.create("configmaps", {"metadata": {"name": CONFIG_MAP}}, home.namespace)
    server.wait("it to be filled", lambda: home.published() == bundle)


@pytest.mark.parametrize("data", [
    {"ca.crt": "no certificate", "ca.key": "no key"},
    {"ca.crt": "", "tls.crt": "left alone"}])
def test_a_damaged_secret_is_mended(home, data):
    home.api.delete("secrets", SECRET, home.namespace)
    home.make_secret(stringData=data)
    home.run()
    assert home.create_pod()
    assert home.stored("ca.crt") == home.bundle()
    assert home.stored("tls.crt") == data.get("tls.crt", "")


def test_two_replicas_agree_on_one_ca(home):
    one, two = home.server("one"), home.server("two")
    home.make_webhook(two)
    for server in (one, two):
        server.start()
    for server in (one, two):
        server.wait_ready()
    bundle = home.bundle()
    assert len(certificates(bundle)) == 1
    assert home.stored("ca.crt") == bundle
    assert one.accepted(bundle) and two.accepted(bundle)
    assert len(one.log("CA made") + two.log("CA made")) == 1
    assert home.create_pod()


def test_a_replica_that_comes_later_uses_the_ca_that_is_there(home):
    home.run()
    bundle = home.bundle()
    later = home.server("later").start().wait_ready()
    assert later.accepted(bundle)
    assert later.log("CA made") == []
    assert home.bundle() == bundle
    assert later.metric('plimsoll_cabundle_patches_total{result="ok"}') == 0


def test_without_webhook_or_secret_the_server_is_not_ready_and_says_why(home):
    home.api.delete("secrets", SECRET, home.namespace)
    server = home.server().start()
    server.wait_unready(f"MutatingWebhookConfiguration {home.webhook}: ")
    home.make_webhook(server)
    server.wait_unready(f"Secret {SECRET}: ")
    with pytest.raises(ApiError):
        home.create_pod()
    home.make_secret()
    server.wait_ready()
    assert home.create_pod()
    # And said once, not every few seconds.
    said = [line["err"] for line in server.log("certificates are not right")]
    assert len(said) == len(set(said))
    assert len(server.log("certificates are right again")) == 1

    home.api.delete("mutatingwebhookconfigurations", home.webhook)
    server.wait_unready(f"MutatingWebhookConfiguration {home.webhook}: ")


def test_a_certificate_that_others_keep_is_ready_while_the_webhook_trusts_it(home):
    folder = home.plane.folder / home.namespace

    def make():
        subprocess.run([find_program(), "certs", "--out", folder, "--dns", home.name], check=True,
                       stdout=subprocess.DEVNULL)

    def trust(pem):
        home.api.patch("mutatingwebhookconfigurations", home.webhook, [
            {"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": base64.b64encode(pem).decode()}])
    make()
    ours, others = (folder / "ca.crt").read_bytes(), home.plane.authority.ca.read_bytes()
    server = home.server(certificate=["--tls-cert", folder / "tls.crt", "--tls-key", folder / "tls.key"]).start()
    server.wait_unready(f"MutatingWebhookConfiguration {home.webhook}: ")
    home.make_webhook(server)
    why = f"the caBundle of MutatingWebhookConfiguration {home.webhook} does not fit {folder}/tls.crt: "
    server.wait_unready(why)
    trust(others)
    server.wait_unready(why + "unable to get local issuer certificate")
    trust(others + ours)
    server.wait_ready()
    assert home.create_pod()
    # Another CA, as when somebody rotates it without a bundle of both.
    for file in folder.iterdir():
        file.unlink()
    make()
    server.wait_unready(why)
    trust(ours + (folder / "ca.crt").read_bytes())
    server.wait_ready()
    server.wait("a pod to be mutated", home.create_pod)
    assert server.metric('plimsoll_cabundle_patches_total{result="ok"}') == 0
    assert home.stored("ca.crt") == ""


def test_an_account_that_may_not_patch_is_named(home):
    rules = home.api.get("clusterroles", home.namespace)["rules"]
    rules[2]["verbs"] = ["get"]
    home.api.merge("clusterroles", home.namespace, {"rules": rules})
    server = home.server()
    home.make_webhook(server)
    server.start()
    server.wait_unready("cannot patch resource")
    assert server.metric('plimsoll_cabundle_patches_total{result="failed"}') >= 1
    rules[2]["verbs"] = ["get", "patch"]
    home.api.merge("clusterroles", home.namespace, {"rules": rules})
    server.wait_ready()


def test_while_the_api_server_is_away_the_certificate_stays(home, plane):
    server = home.run()
    bundle = home.bundle()
    plane.apiserver.stop(signal.SIGKILL)
    try:
        server.wait_alone("the server to notice", lambda: server.log("certificates are not right"))
        assert server.ready()
        assert server.accepted(bundle)
    finally:
        plane.restart_apiserver()
    server.wait("it to be right again", lambda: server.log("certificates are right again"))
    assert home.bundle() == bundle
    server.wait("pods to be mutated again", home.create_pod)


def make_ca(folder, name, start, days_left):
    """@return certificate and key of a CA whose life began then, as PEM."""
    home = folder / f"{name}-ca"
    home.mkdir()
    (home / "index.txt").touch()
    (home / "openssl.cnf").write_text(f"""[ca]
default_ca = it
[it]
database = {home}/index.txt
new_certs_dir = {home}
rand_serial = yes
default_md = sha256
policy = policy
x509_extensions = extensions
[policy]
commonName = supplied
[extensions]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
""")
    end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days_left * 86400))
    for arguments in (
            ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", home / "ca.key", "-out", home / "ca.csr", "-subj", "/CN=old CA"],
            ["ca", "-batch", "-selfsign", "-notext", "-config", home / "openssl.cnf", "-keyfile",
             home / "ca.key", "-in", home / "ca.csr", "-out", home / "ca.crt", "-startdate", start,
             "-enddate", end]):
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return (home / "ca.crt").read_text(), (home / "ca.key").read_text()
