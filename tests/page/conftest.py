# SPDX-License-Identifier: Apache-2.0
"""The server on a state file, and a real browser in front of its status page.

PLIMSOLL names the program. Where Chromium is missing that is said, and the whole folder is skipped.
"""
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

import states

CEILING_S = 300
SKIPPED = 77


def pytest_sessionstart(session):
    missing = [program for program in ("chromium", "chromedriver") if shutil.which(program) is None]
    try:
        import selenium  # noqa: F401
    except ImportError:
        missing.append("selenium")
    if missing:
        pytest.exit(f"skipped: {', '.join(missing)} missing; Debian has them in chromium, chromium-driver "
                    "and python3-selenium", returncode=SKIPPED)


def wait_for(condition, what):
    """Until it is true; minutes if need be."""
    until = time.monotonic() + CEILING_S
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < until, f"still waiting for {what}"
        time.sleep(0.05)


class Server:
    """`plimsoll serve` with a picture from a file, on loopback."""

    def __init__(self, folder, state, port=0, arguments=()):
        self.state = state
        path = pathlib.Path(folder) / "cluster.json"
        path.write_text(json.dumps(state))
        self.command = [os.environ["PLIMSOLL"], "serve", "--cluster-state", path, *arguments]
        self.start(port)

    def start(self, port):
        self.process = subprocess.Popen([*self.command, "--extender-listen", f"127.0.0.1:{port}"],
                                        stderr=subprocess.PIPE, text=True)
        self.ports = {}
        wanted = {"extender", "https"} if "--listen" in self.command else {"extender"}
        while set(self.ports) != wanted:
            line = self.process.stderr.readline()
            assert line, "the server has ended before it listened"
            event = json.loads(line)
            assert event["level"] != "error", line
            if event["msg"] == "listening":
                self.ports[event["listener"]] = event["port"]
        self.port = self.ports["extender"]

    def ask(self, path, method="GET", body=None, **headers):
        """@return status, headers, text"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CEILING_S)
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        result = answer.status, answer.headers, answer.read().decode()
        connection.close()
        return result

    def data(self, query=""):
        status, _, text = self.ask(f"/page.json{query}")
        assert status == 200, text
        return json.loads(text)

    def pod(self, name):
        return next(item for item in self.state["items"]
                    if item["kind"] == "Pod" and item["metadata"]["name"] == name)

    def filter(self, name, nodes):
        return json.loads(self.ask("/filter", "POST", json.dumps(
            {"Pod": self.pod(name), "Nodes": None, "NodeNames": nodes}))[2])

    def bind(self, name, node):
        meta = self.pod(name)["metadata"]
        answer = json.loads(self.ask("/bind", "POST", json.dumps(
            {"PodName": name, "PodNamespace": meta["namespace"], "PodUID": meta["uid"], "Node": node}))[2])
        assert not answer.get("Error"), answer

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.communicate(timeout=CEILING_S)


@pytest.fixture
def server(tmp_path):
    one = Server(tmp_path, states.everything())
    yield one
    one.stop()


@pytest.fixture(scope="module")
def large_server(tmp_path_factory):
    one = Server(tmp_path_factory.mktemp("large"), states.large())
    yield one
    one.stop()


class Browser:
    """Chromium, with what these tests ask of it."""

    def __init__(self):
        from selenium import webdriver
        from selenium.webdriver.chrome.options import Options
        from selenium.webdriver.chrome.service import Service
        options = Options()
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.driver.set_page_load_timeout(CEILING_S)
        self.driver.set_script_timeout(CEILING_S)
        self.look()

    def look(self, width=1280, height=900, scheme="light"):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme},
                         {"name": "prefers-reduced-motion", "value": "reduce"}]})

    def open(self, server, hash=""):
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get(f"http://localhost:{server.port}/{hash}")
        self.until("document.getElementById('summary').getAttribute('aria-busy') === 'false'")

    def js(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def until(self, expression):
        return wait_for(lambda: self.js(f"return {expression}"), expression)

    def texts(self, selector):
        return self.js("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", selector)

    def text(self, selector):
        return self.js("return document.querySelector(arguments[0]).innerText", selector)

    def press(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def focused(self):
        """What has the focus: its id, what it does, or its class."""
        return self.js("const e = document.activeElement; return e.id || e.dataset.node || e.dataset.do || e.className || e.name")

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def close(self):
        self.driver.quit()


@pytest.fixture(scope="session")
def chromium():
    one = Browser()
    yield one
    one.close()


@pytest.fixture
def browser(chromium):
    """No test leaves an error in the console, a violation of the page's policy among them."""
    chromium.look()
    yield chromium
    assert chromium.complaints() == []
    chromium.driver.get("about:blank")
