# SPDX-License-Identifier: Apache-2.0
"""Child processes that never outlive the tests, and waiting for conditions."""

import atexit
import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time

from api import ApiError

# A busy machine can give a process a tenth of a core for minutes.
CEILING_S = int(os.environ.get("PLIMSOLL_TESTS_CEILING_S", 600))

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_children = []
_PARENT = os.getpid()


class Child:
    """One program in its own process group with its log in a file, known by its pid."""

    def __init__(self, name, arguments, folder):
        self.name = name
        self.arguments = [str(argument) for argument in arguments]
        self.log = folder / f"{name}.log"
        self.process = None

    def start(self, environment=None):
        """@param environment: instead of ours"""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                process_group=0, preexec_fn=_die_with_parent)
        _children.append(self)
        say(f"{self.name} started, pid {self.process.pid}, log {self.log}")
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    def must_run(self):
        """Waiting for a dead process is pointless: say what its last words were."""
        if not self.running():
            code = None if self.process is None else self.process.returncode
            raise AssertionError(f"{self.name} has ended ({code}); {self.log} ends with\n{self.tail()}")

    def stop(self, how=signal.SIGTERM, ceiling_s=60):
        """@return the exit status; killed when it takes longer than the ceiling."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(ceiling_s)
            except subprocess.TimeoutExpired:
                self._kill_group()
        if self in _children:
            _children.remove(self)
        return self.process.wait()

    def tail(self, lines=30):
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _kill_group(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def kill_all():
    """The last resort on every way out."""
    for child in reversed(_children):
        if child.process.poll() is None:
            child._kill_group()
            child.process.wait()
    _children.clear()


atexit.register(kill_all)


def _die_with_parent():
    # Also when the tests are killed by SIGKILL nothing stays behind.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != _PARENT:
        os._exit(1)  # it was killed before we asked


aloud = contextlib.nullcontext  # set by conftest.py: suspends pytest's capturing


def say(text):
    with aloud():
        print(f"\n{time.strftime('%H:%M:%S')} cluster: {text}", end="", file=sys.stderr, flush=True)


def wait_for(what, condition, children=(), ceiling_s=CEILING_S, pause_s=0.1, explain=None):
    """Calls `condition` until it returns something true, and returns that.

    A condition that fails counts as `not yet`: an assertion, a refused connection, an API error.
    """
    give_up = time.monotonic() + ceiling_s
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (AssertionError, OSError, ApiError) as error:
            last = error
        for child in children:
            child.must_run()
        if time.monotonic() > give_up:
            more = f"\n{explain()}" if explain else ""
            raise AssertionError(f"still waiting for {what} after {ceiling_s} s; last: {last}{more}")
        time.sleep(pause_s)


def free_port(taken=set()):
    """A loopback port below the range from which outgoing connections take theirs, so that a program
    that is stopped and started again finds it free."""
    while True:
        port = random.randrange(20000, 32000)
        if port in taken:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        taken.add(port)
        return port
