#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the node agent costs: memory, processor time and writes, idle and under a model that comes and goes.

    agent.py BUILD_DIR [--seconds N] [--reader nvml|fake]

8 cards and 64 pods of two processes each, the played libnvidia-ml (tests/support/nvml) or the fake reader,
an API server on loopback over TLS. Nothing here is compared with anything: the targets are absolute
(resident below 10 MB, of it anonymous below 6 MB, below 0.2 % of a core, no write on an idle node).
"""
import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from agent_world import Machine, StubApi  # noqa: E402


def memory(pid):
    """@return {name: KiB} of the process."""
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) for line in lines}


def processor_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(build, options, home, api, machine):
    environment = dict(os.environ)
    if options.reader == "nvml":
        reader = ["--reader", "nvidia", "--nvml", build / "tests/nvml/3/libnvidia-ml.so.1"]
        environment["PLIMSOLL_NVML_SCRIPT"] = str(machine.nvml_script())
    else:
        reader = ["--reader", f"fake:{machine.fake_cards()}"]
    return subprocess.Popen(
        [build / "plimsoll-agent", "--node", api.name, "--kubeconfig", api.kubeconfig(home / "certs/ca.crt"),
         "--root", machine.root, "--kubelet-root", machine.kubelet, "--metrics-listen", "127.0.0.1:0", *reader],
        env=environment, stderr=open(home / "log", "w"))


def measure(agent, api, seconds, during=None):
    """@return (share of a core in percent, writes) over so many seconds; `during` is called each second."""
    before, writes, began = processor_s(agent.pid), len(api.patches()), time.monotonic()
    for second in range(seconds):
        if during:
            during(second)
        time.sleep(1)
    spent = processor_s(agent.pid) - before
    return spent / (time.monotonic() - began) * 100, len(api.patches()) - writes


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("build", type=pathlib.Path)
    arguments.add_argument("--seconds", type=int, default=120)
    arguments.add_argument("--reader", choices=("nvml", "fake"), default="nvml")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        subprocess.run([options.build / "plimsoll", "certs", "--out", home / "certs", "--dns", "localhost",
                        "--ip", "127.0.0.1"], check=True, stdout=subprocess.DEVNULL)
        api = StubApi(home, cert=home / "certs/tls.crt", key=home / "certs/tls.key")
        machine = Machine(home)
        agent = start(options.build, options, home, api, machine)
        try:
            deadline = time.monotonic() + 300
            while not api.value("usage"):
                assert agent.poll() is None and time.monotonic() < deadline, (home / "log").read_text()
                time.sleep(0.1)
            assert all(len(card["pods"]) == 8 for card in api.value("usage")["cards"]), api.value("usage")
            time.sleep(10)
            idle = measure(agent, api, options.seconds)

            def swing(second):
                """A model loads for ten seconds, serves for twenty, and is gone for ten."""
                at = second % 40
                size = 64 + (at * 100 if at < 10 else 1000 if at < 30 else 0)
                if options.reader == "nvml":
                    machine.nvml_script(size)
                else:
                    machine.fake_cards(size << 20)
            busy = measure(agent, api, options.seconds, swing)
            kib = memory(agent.pid)
        finally:
            agent.send_signal(signal.SIGTERM)
            status = agent.wait(60)
            api.stop()
        hour = 3600 / options.seconds
        resident, anonymous = (kib[name] * 1024 / 1e6 for name in ("Rss", "Anonymous"))
        print(f"resident              {resident:6.1f} MB (anonymous {anonymous:.1f} MB)")
        print(f"idle                  {idle[0]:6.2f} % of a core, {idle[1] * hour:.0f} writes in an hour")
        print(f"a model each 40 s     {busy[0]:6.2f} % of a core, {busy[1] * hour:.0f} writes in an hour")
        assert status == 0, f"the agent ended with {status}"


main()
