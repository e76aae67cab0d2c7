# SPDX-License-Identifier: Apache-2.0
"""The volume of a certificate's Secret, where no kubelet mounts it."""

import base64
import json
import time

from manifests import NAMESPACE, Objects


class Mount:
    """Written as the kubelet writes it: `..data` changes at once. The release's server reads it here."""

    def __init__(self, plane, release, secret):
        self.plane, self.secret = plane, secret
        self.folder = plane.folder / f"tls-{time.monotonic_ns()}"
        self.folder.mkdir()
        rendered = release.plimsoll.source.objects
        release.plimsoll.source = Objects("the release", lambda: json.loads(
            json.dumps(rendered()).replace("/etc/plimsoll-tls", str(self.folder))))

    def refresh(self):
        """@return the serving certificate that is mounted then"""
        data = self.plane.api.get("secrets", self.secret, NAMESPACE)["data"]
        new = self.folder / f"..{time.monotonic_ns()}"
        new.mkdir()
        for name, content in data.items():
            (new / name).write_bytes(base64.b64decode(content))
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        link = self.folder / "..data.part"
        link.symlink_to(new.name)
        link.rename(self.folder / "..data")
        return (new / "tls.crt").read_text()
