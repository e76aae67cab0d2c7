# SPDX-License-Identifier: Apache-2.0
"""A small Kubernetes API client: one keep-alive connection, JSON in and out."""

import http.client
import json
import select
import ssl
from urllib.parse import quote, urlencode

_PATHS = {  # plural: (prefix, namespaced)
    "namespaces": ("/api/v1", False),
    "nodes": ("/api/v1", False),
    "pods": ("/api/v1", True),
    "services": ("/api/v1", True),
    "events": ("/api/v1", True),
    "serviceaccounts": ("/api/v1", True),
    "configmaps": ("/api/v1", True),
    "secrets": ("/api/v1", True),
    "deployments": ("/apis/apps/v1", True),
    "replicasets": ("/apis/apps/v1", True),
    "endpointslices": ("/apis/discovery.k8s.io/v1", True),
    "resourceclaims": ("/apis/resource.k8s.io/v1", True),
    "leases": ("/apis/coordination.k8s.io/v1", True),
    "runtimeclasses": ("/apis/node.k8s.io/v1", False),
    "clusterroles": ("/apis/rbac.authorization.k8s.io/v1", False),
    "clusterrolebindings": ("/apis/rbac.authorization.k8s.io/v1", False),
    "roles": ("/apis/rbac.authorization.k8s.io/v1", True),
    "rolebindings": ("/apis/rbac.authorization.k8s.io/v1", True),
    "mutatingwebhookconfigurations": ("/apis/admissionregistration.k8s.io/v1", False),
    "validatingadmissionpolicies": ("/apis/admissionregistration.k8s.io/v1", False),
    "subjectaccessreviews": ("/apis/authorization.k8s.io/v1", False),
}


class ApiError(Exception):
    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Api:
    """One user's way to the API server. Not safe from several threads."""

    def __init__(self, port, ca, certificate, key):
        self.port = port
        self.tls = ssl.create_default_context(cafile=ca)
        self.tls.load_cert_chain(certificate, key)
        self.connection = None
        self.warnings = []  # of the last answer

    def call(self, method, path, body=None, content_type="application/json"):
        """@return the decoded answer. ApiError for 4xx and 5xx, OSError when nobody answers."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = content_type
        fresh = self.connection is None
        try:
            answer = self._exchange(method, path, data, headers)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            if fresh or method != "GET":
                raise ConnectionError(f"{method} {path}: {error!r}") from error
            return self.call(method, path, body, content_type)
        status, text, is_json, self.warnings = answer
        decoded = json.loads(text) if is_json else text.decode(errors="replace")
        if status >= 400:
            message = decoded.get("message", "") if isinstance(decoded, dict) else decoded
            raise ApiError(status, message)
        return decoded

    def _exchange(self, method, path, data, headers):
        self._drop_what_was_left()
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls,
                                                          timeout=120)
        self.connection.request(method, path, data, headers)
        response = self.connection.getresponse()
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, response.read(), is_json, response.headers.get_all("Warning") or []

    def _drop_what_was_left(self):
        """The API server closes a connection that was idle for long; then there is its end to read."""
        sock = self.connection and self.connection.sock
        if sock and select.select([sock], [], [], 0)[0]:
            self.close()

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    # The verbs, by plural.

    def path(self, plural, namespace=None, name=None, **query):
        prefix, namespaced = _PATHS[plural]
        path = prefix
        if namespaced and namespace:
            path += f"/namespaces/{namespace}"
        path += f"/{plural}" + (f"/{quote(name)}" if name else "")
        return path + (f"?{urlencode(query)}" if query else "")

    def get(self, plural, name, namespace=None):
        return self.call("GET", self.path(plural, namespace, name))

    def find(self, plural, name, namespace=None):
        """As get, but None when there is none."""
        try:
            return self.get(plural, name, namespace)
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def list(self, plural, namespace=None, **query):
        return self.call("GET", self.path(plural, namespace, **query))["items"]

    def create(self, plural, body, namespace=None, dry_run=False):
        query = {"dryRun": "All"} if dry_run else {}
        return self.call("POST", self.path(plural, namespace, **query), body)

    def merge(self, plural, name, body, namespace=None):
        return self.call("PATCH", self.path(plural, namespace, name), body,
                         "application/merge-patch+json")

    def patch(self, plural, name, operations, namespace=None):
        return self.call("PATCH", self.path(plural, namespace, name), operations,
                         "application/json-patch+json")

    def delete(self, plural, name, namespace=None, **options):
        try:
            return self.call("DELETE", self.path(plural, namespace, name), options or None)
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def delete_all(self, plural, namespace=None, selector=None, **options):
        query = {"labelSelector": selector} if selector else {}
        return self.call("DELETE", self.path(plural, namespace, **query), options or None)
