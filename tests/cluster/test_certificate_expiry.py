# SPDX-License-Identifier: Apache-2.0
"""What happens to a server's certificate in months and years: the server's clock is moved (libfaketime), the API
server's is not, so the server begins in the past."""

import glob
import time

import pytest

from api import ApiError
from home import Creating, certificates

# Of PLIMSOLL_AUTHORITY_…_DAYS: a serving certificate is renewed after two thirds of its life, a CA after four fifths.
LEAF_DAYS, CA_DAYS = 90, 3650
LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")


class Clock:
    """The time of day of one program; durations stay what they are."""

    def __init__(self, file, days):
        self.file = file
        self.set(days)
        self.prefix = ["env", f"LD_PRELOAD={LIBRARY[0]}", f"FAKETIME_TIMESTAMP_FILE={file}", "FAKETIME_NO_CACHE=1",
                       "FAKETIME_DONT_FAKE_MONOTONIC=1"]

    def set(self, days):
        """@param days  after now; negative: before"""
        new = self.file.with_suffix(".new")
        new.write_text(f"{days:+d}d\n")
        new.rename(self.file)


@pytest.fixture
def at(home):
    """@return what starts a server at a time so many days after now: (server, its clock)"""
    if not LIBRARY:
        pytest.skip("no libfaketime (Debian package faketime)")
    # To a clock so far back the API server's own certificate is not valid yet.
    text = home.kubeconfig.read_text()
    home.kubeconfig.write_text(text.replace(f"certificate-authority: {home.plane.authority.ca}",
                                            "insecure-skip-tls-verify: true"))

    def start(days):
        clock = Clock(home.plane.folder / f"{home.namespace}.clock", days)
        return home.run(clock), clock
    return start


def days_left(server, which):
    until = server.metric(f'plimsoll_certificate_expiration_timestamp_seconds{{cert="{which}"}}')
    return round((until - time.time()) / 86400)


def wait_for_more(server, creating):
    before = creating.created
    server.wait("more pods", lambda: creating.created > before + 20)


def expired(home):
    """Whether the API server refuses the certificate for its age."""
    with pytest.raises(ApiError, match="certificate has expired or is not yet valid"):
        home.create_pod()
    return True


def test_a_certificate_near_its_end_is_renewed_and_no_pod_is_refused(home, at):
    server, clock = at(-61)
    assert days_left(server, "leaf") == LEAF_DAYS - 61
    bundle = home.bundle()
    serial = server.issuer(bundle)
    with Creating(home) as creating:
        wait_for_more(server, creating)
        clock.set(0)
        server.wait("another certificate", lambda: server.issuer(bundle) != serial)
        wait_for_more(server, creating)
    creating.check()
    assert days_left(server, "leaf") == LEAF_DAYS
    assert home.bundle() == bundle
    assert server.ready()


def test_an_expired_certificate_is_renewed_without_a_restart(home, at):
    server, clock = at(-LEAF_DAYS - 10)
    bundle = home.bundle()
    assert expired(home)
    clock.set(0)
    server.wait("pods to be mutated again", home.create_pod)
    assert days_left(server, "leaf") == LEAF_DAYS
    assert home.bundle() == bundle
    server.wait_ready()


def test_a_ca_near_its_end_is_replaced_in_time_and_no_pod_is_refused(home, at):
    # Not yet due 50 days ago, and due now.
    server, clock = at(-CA_DAYS * 4 // 5 - 30)
    clock.set(-50)
    server.wait("a certificate that is valid today", home.create_pod)
    old = home.bundle()
    assert len(certificates(old)) == 1
    with Creating(home) as creating:
        wait_for_more(server, creating)
        clock.set(0)
        server.wait("another CA", lambda: len(certificates(home.bundle())) == 2)
        assert server.accepted(old)
        server.wait("it to sign", lambda: not server.accepted(old))
        wait_for_more(server, creating)
    creating.check()
    assert certificates(home.bundle())[0] == certificates(old)[0]
    assert days_left(server, "ca") == CA_DAYS


def test_an_expired_ca_is_replaced_without_a_restart(home, at):
    server, clock = at(-CA_DAYS - 50)
    old = home.bundle()
    assert expired(home)
    clock.set(0)
    server.wait("pods to be mutated again", home.create_pod)
    assert days_left(server, "ca") == CA_DAYS
    # Nobody trusts the expired one any longer.
    assert certificates(old)[0] not in home.bundle()
    server.wait_ready()
