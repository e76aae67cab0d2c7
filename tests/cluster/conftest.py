# SPDX-License-Identifier: Apache-2.0
"""One control plane for the whole run; a namespace and nodes of its own for every test."""

import pathlib
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import process  # noqa: E402
from control_plane import ControlPlane, find_binaries  # noqa: E402
from home import Home  # noqa: E402
from lab import Lab  # noqa: E402
from plimsoll import Plimsoll, find_program  # noqa: E402


def pytest_configure(config):
    # So that SIGTERM ends the run as Ctrl-C does: fixtures are torn down, children stopped.
    def interrupt(number, frame):
        raise KeyboardInterrupt(signal.Signals(number).name)
    signal.signal(signal.SIGTERM, interrupt)
    # What is being started is said while it happens, not kept for the report.
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        process.aloud = capture.global_and_fixture_disabled


def pytest_sessionstart(session):
    try:
        find_binaries()
        find_program()
    except AssertionError as error:
        pytest.exit(str(error), returncode=1)


def pytest_unconfigure(config):
    process.kill_all()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        item.session.plimsoll_failed = True


@pytest.fixture(scope="session")
def folder(request):
    """Logs and data; kept when something failed."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="plimsoll-cluster-"))
    yield path
    if getattr(request.session, "plimsoll_failed", False):
        process.say(f"logs are kept in {path}")
    else:
        shutil.rmtree(path)


@pytest.fixture(scope="session")
def plane(folder):
    plane = ControlPlane(folder)
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="session")
def plimsoll(plane):
    plimsoll = Plimsoll(plane)
    try:
        plimsoll.install()
        plimsoll.start()
        yield plimsoll
    finally:
        plimsoll.stop()


@pytest.fixture
def lab(plane, plimsoll):
    plimsoll.revive()
    lab = Lab(plane, plimsoll)
    lab.open()
    yield lab
    lab.close()


@pytest.fixture
def home(plane):
    home = Home(plane)
    try:
        yield home.open()
        assert [server.child.stop() for server in home.servers] == [0] * len(home.servers)
    finally:
        home.close()
