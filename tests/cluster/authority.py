# SPDX-License-Identifier: Apache-2.0
"""The test cluster's certificate authority, kubeconfigs and service-account key, by openssl(1)."""

import subprocess


class Authority:
    def __init__(self, folder):
        self.folder = folder
        self.ca = folder / "ca.crt"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", folder / "ca.key", "-out", self.ca, "-days", "2",
                 "-subj", "/CN=plimsoll tests CA", "-addext", "keyUsage=critical,keyCertSign")
        _openssl("genrsa", "-out", folder / "sa.key", "2048")
        _openssl("rsa", "-in", folder / "sa.key", "-pubout", "-out", folder / "sa.pub")

    def issue(self, name, subject, usage, alternatives=None):
        """@return the paths of a new certificate and its key. `usage`: serverAuth or clientAuth."""
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", key, "-out", request, "-subj", subject)
        extensions = self.folder / f"{name}.ext"
        lines = [f"extendedKeyUsage={usage}", "keyUsage=digitalSignature"]
        if alternatives:
            lines.append(f"subjectAltName={alternatives}")
        extensions.write_text("\n".join(lines) + "\n")
        _openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.folder / "ca.key",
                 "-CAcreateserial", "-out", certificate, "-days", "2", "-extfile", extensions)
        return certificate, key

    def kubeconfig(self, name, port, user):
        """@param user  the kubeconfig's user, as a mapping. @return the file."""
        path = self.folder / f"{name}.kubeconfig"
        entries = "\n".join(f"    {key}: {value}" for key, value in user.items())
        path.write_text(f"""apiVersion: v1
kind: Config
clusters:
- name: tests
  cluster:
    server: https://127.0.0.1:{port}
    certificate-authority: {self.ca}
users:
- name: tests
  user:
{entries}
contexts:
- name: tests
  context: {{cluster: tests, user: tests}}
current-context: tests
""")
        path.chmod(0o600)
        return path

    def client(self, name, subject, port):
        """@return a kubeconfig with a client certificate of its own."""
        certificate, key = self.issue(name, subject, "clientAuth")
        return self.kubeconfig(name, port, {"client-certificate": certificate, "client-key": key})


def _openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"openssl {arguments[0]}: {done.stderr.strip()} (Debian package openssl)")
