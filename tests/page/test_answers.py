# SPDX-License-Identifier: Apache-2.0
"""What the page's addresses answer, to whom."""
import http.client
import json
import os
import ssl
import subprocess

import pytest

import states
from conftest import CEILING_S, Server

PATHS = ["/", "/page.json"]


def test_browsers_get_a_document_and_everybody_else_text(server):
    status, headers, page = server.ask("/", Accept="text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
    assert status == 200 and page.startswith("<!doctype html>")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    for path, accept in (("/", "*/*"), ("/?text", "text/html"), ("/?width=120", "text/html")):
        status, headers, text = server.ask(path, Accept=accept)
        assert status == 200 and "ai/ollama  8Gi claimed" in text
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "ai/ollama" in server.ask("/")[2]


@pytest.mark.parametrize("path", PATHS)
def test_answers_are_for_this_page_alone(server, path):
    _, headers, _ = server.ask(path, Accept="text/html")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["plimsoll.evil.example", "plimsoll.evil.example:10262", "localhost.evil.example"])
def test_no_other_name_opens_the_page(server, path, host):
    status, _, text = server.ask(path, Host=host)
    assert status == 403
    assert "answered under the names localhost, 127.0.0.1 and [::1] only" in text


def test_a_site_s_form_binds_nothing(server):
    status, _, text = server.ask("/bind", "POST", "{}", Origin="https://evil.example")
    assert status == 403 and "not for web browsers" in text


def test_the_page_is_read_only(server):
    for path in PATHS:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert server.ask(path, method)[0] == 405


def test_what_has_not_changed_is_not_sent_again(server):
    status, headers, _ = server.ask("/page.json")
    tag = headers["ETag"]
    status, headers, text = server.ask("/page.json", If_None_Match=tag)
    assert (status, text, headers["ETag"]) == (304, "", tag)
    server.filter("gigantic", ["dgx-01"])
    status, headers, _ = server.ask("/page.json", If_None_Match=tag)
    assert status == 200 and headers["ETag"] != tag
    tag = headers["ETag"]
    server.bind("fits-somewhere", "atlas")
    assert server.ask("/page.json", If_None_Match=tag)[0] == 200


def test_a_wrong_parameter_is_said(server):
    for query, says in (("?only=bad", "right would be all, over or trouble"), ("?page=x", "is no number"),
                        ("?search=" + "x" * 254, "no name is longer than 253")):
        status, _, text = server.ask(f"/page.json{query}")
        assert status == 400 and says in text


def test_only_the_asked_nodes_speak_for_a_waiting_pod(server):
    server.filter("gigantic", ["strix", "atlas"])
    one = server.data("?search=gigantic")["waiting"]["list"][0]
    assert one["asked"] and one["nodes"] == 2
    assert {reason["text"]: reason["nodes"] for reason in one["reasons"]} == {
        "no NVIDIA card": 1, "VRAM request larger than any card there can give (want 200Gi)": 1}


def test_the_answer_does_not_grow_with_the_cluster(large_server):
    answer = large_server.ask("/page.json")[2]
    assert len(answer) < 200_000
    data = json.loads(answer)
    assert data["sums"]["cards"] == 40_000
    assert data["nodes"]["count"] == 5000 and len(data["nodes"]["list"]) == 24
    assert data["waiting"]["all"] == 60 and len(data["waiting"]["list"]) == 20
    assert large_server.data("?waiting=2")["waiting"]["list"][-1]["name"] == "waits-59"


def test_holders_of_a_client_certificate_open_the_page_over_https(tmp_path):
    program, certs = os.environ["PLIMSOLL"], tmp_path / "certs"
    subprocess.run([program, "certs", "--out", certs], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([program, "certs", "--out", certs, "--client", "ops"], check=True, stdout=subprocess.DEVNULL)
    server = Server(tmp_path, states.everything(), arguments=[
        "--listen", "127.0.0.1:0", "--tls-cert", certs / "tls.crt", "--tls-key", certs / "tls.key",
        "--client-ca", certs / "ca.crt"])
    try:
        for client, expected in ((True, 200), (False, 403)):
            trust = ssl.create_default_context(cafile=certs / "ca.crt")
            if client:
                trust.load_cert_chain(certs / "client.crt", certs / "client.key")
            for path in PATHS:
                connection = http.client.HTTPSConnection("127.0.0.1", server.ports["https"], timeout=CEILING_S,
                                                         context=trust)
                connection.request("GET", path, headers={"Accept": "text/html", "Host": "plimsoll.example"})
                assert connection.getresponse().status == expected
                connection.close()
    finally:
        server.stop()
