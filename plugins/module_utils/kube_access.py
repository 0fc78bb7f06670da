# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talk to a Kubernetes API server without importing C(kubernetes), which costs more time than most checks take.

The kubeconfig is read here. Only where it needs a program or an old auth provider for its credentials, the
C(kubernetes) library is asked for those; the requests stay the same.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import re
import ssl
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Dict, Iterator, List, Mapping, Sequence

from ansible_collections.argolab.observability.plugins.module_utils.checks import listing, nearest
from ansible_collections.argolab.observability.plugins.module_utils.errors import (
    ArgolabError,
    DefiniteError,
    TransientError,
)
from ansible_collections.argolab.observability.plugins.module_utils.http_client import (
    Answer,
    HttpClient,
    basic_authorization,
    parse_url,
    tls_context,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_outage import Patience, passing
from ansible_collections.argolab.observability.plugins.module_utils.quick_yaml import load_yaml

KUBE_ARGUMENT_SPEC: dict[str, Any] = {
    # a path or the content as a mapping; the content holds keys, so it is never logged
    "kubeconfig": {"type": "raw", "no_log": False},
    "context": {"type": "str"},
}

IN_CLUSTER = "in-cluster"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
LIST_PAGE = 500

# inside a class with a method named list, the type needs another name
Items = List[Dict[str, Any]]


class KubeError(ArgolabError):
    """The API server's refusal, or the reason why it could not be asked.

    :param status: HTTP status; 0 where there was no answer.
    :param definite: V(False) where trying again may help.
    """

    def __init__(self, status: int, message: str, definite: bool) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.definite = definite


@dataclass(frozen=True)
class Access:
    """Where the API server is and how to log in; what a context of a kubeconfig comes down to."""

    server: str
    context: str
    source: str
    verify: bool = True
    ca_path: str | None = None
    ca_data: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    client_cert_data: str | None = field(default=None, repr=False)
    client_key_data: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    server_name: str | None = None
    proxy_url: str | None = field(default=None, repr=False)
    needs_library: str = ""

    @property
    def description(self) -> str:
        return f"context {self.context} of {self.source}" if self.context else self.source


def is_inline(kubeconfig: Any) -> bool:
    """Whether the kubeconfig is its content as text; no path has several lines."""
    return isinstance(kubeconfig, str) and "\n" in kubeconfig.strip()


def is_path(kubeconfig: Any) -> bool:
    """Whether the kubeconfig can be the path of a file; no path holds a NUL."""
    return isinstance(kubeconfig, str) and not is_inline(kubeconfig) and "\0" not in kubeconfig


def is_missing_file(kubeconfig: Any) -> bool:
    """Whether the kubeconfig is the path of a file that is not there (yet)."""
    return is_path(kubeconfig) and not os.path.exists(os.path.expanduser(kubeconfig))


def load_kubeconfig(kubeconfig: Any) -> tuple[dict[str, Any], str, str]:
    """The kubeconfig as a mapping, what to call it, and the folder that its relative paths start from."""
    if isinstance(kubeconfig, Mapping):
        return dict(kubeconfig), "the given kubeconfig", os.getcwd()
    if is_inline(kubeconfig):
        return _parsed(str(kubeconfig), "the given kubeconfig"), "the given kubeconfig", os.getcwd()
    if not is_path(kubeconfig) or not kubeconfig.strip():
        raise DefiniteError(
            "kubeconfig is neither the path of a file nor a mapping; give for example build/kubeconfig.yaml."
        )
    path = os.path.abspath(os.path.expanduser(kubeconfig))
    if os.pathsep in kubeconfig and not os.path.exists(path):
        raise DefiniteError(f"kubeconfig {kubeconfig} looks like a list of files; name the one that holds the context.")
    try:
        with open(path, encoding="utf-8") as handle:
            text = handle.read()
    except FileNotFoundError:
        raise DefiniteError(
            f"kubeconfig {path} does not exist; create the cluster first or name another file."
        ) from None
    except OSError as error:
        raise DefiniteError(f"kubeconfig {path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except UnicodeDecodeError:
        raise DefiniteError(f"kubeconfig {path} is not a text file in UTF-8.") from None
    return _parsed(text, f"kubeconfig {path}"), f"kubeconfig {path}", os.path.dirname(path)


def _parsed(text: str, source: str) -> dict[str, Any]:
    import yaml

    try:
        content = load_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        # the parser's own message may quote a line that holds a key
        raise DefiniteError(f"{source} is not valid YAML{place}.") from None
    if not isinstance(content, dict):
        raise DefiniteError(
            f"{source} is empty or no kubeconfig; expected a mapping with clusters, contexts and users."
        )
    return content


def _named(content: Mapping[str, Any], plural: str, source: str) -> dict[str, dict[str, Any]]:
    """One of the kubeconfig's three lists as name to content; the first of two equal names wins, as in kubectl."""
    singular = plural[:-1]
    found: dict[str, dict[str, Any]] = {}
    entries = content.get(plural) or []
    if not isinstance(entries, list):
        raise DefiniteError(f"{source} is broken: {plural} is not a list.")
    for entry in entries:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
            raise DefiniteError(f"{source} is broken: an entry of {plural} has no name.")
        body = entry.get(singular) or {}
        if not isinstance(body, Mapping):
            raise DefiniteError(f"{source} is broken: {singular} {entry['name']} is not a mapping.")
        found.setdefault(entry["name"], dict(body))
    return found


def access_from_kubeconfig(kubeconfig: Any, context: str | None = None) -> Access:
    """Resolve a context; a missing, misspelt or incomplete one is an error that lists what there is."""
    content, source, folder = load_kubeconfig(kubeconfig)
    contexts = _named(content, "contexts", source)
    if context is not None and not context.strip():
        raise DefiniteError(f"context is empty; {source} has these contexts: {listing(contexts)}.")
    chosen = context or content.get("current-context")
    if not chosen:
        raise DefiniteError(
            f"no context was given and {source} has no current-context; its contexts are: {listing(contexts)}."
        )
    if chosen not in contexts:
        close = nearest(str(chosen), contexts)
        hint = f"; did you mean {close}?" if close else "."
        raise DefiniteError(f"{source} has no context {chosen}; its contexts are: {listing(contexts)}{hint}")
    names = contexts[chosen]
    clusters, users = _named(content, "clusters", source), _named(content, "users", source)
    if names.get("cluster") not in clusters:
        raise DefiniteError(
            f"{source}: context {chosen} names cluster {names.get('cluster')}, which is missing ({listing(clusters)})."
        )
    if names.get("user") and names["user"] not in users:
        raise DefiniteError(
            f"{source}: context {chosen} names user {names['user']}, which is missing ({listing(users)})."
        )
    cluster, user = clusters[names["cluster"]], users.get(names.get("user") or "", {})
    if not isinstance(cluster.get("server"), str) or not cluster["server"]:
        raise DefiniteError(f"{source}: cluster {names['cluster']} has no server address.")

    def text(entry: Mapping[str, Any], key: str) -> str | None:
        value = entry.get(key)
        if value is not None and not isinstance(value, (str, int)):
            raise DefiniteError(f"{source}: {key} is not a text.")
        return None if value is None or value == "" else str(value)

    def path(entry: Mapping[str, Any], key: str) -> str | None:
        value = text(entry, key)
        return os.path.join(folder, value) if value else None

    def inline(entry: Mapping[str, Any], key: str) -> str | None:
        value = text(entry, key)
        try:
            return base64.b64decode(value, validate=True).decode("ascii") if value else None
        except (binascii.Error, ValueError):
            raise DefiniteError(f"{source}: {key} is not base64 of PEM text.") from None

    needs_library = "an exec plugin" if user.get("exec") else "an auth provider" if user.get("auth-provider") else ""
    return Access(
        server=cluster["server"],
        context=str(chosen),
        source=source,
        verify=not cluster.get("insecure-skip-tls-verify"),
        ca_path=None if cluster.get("certificate-authority-data") else path(cluster, "certificate-authority"),
        ca_data=inline(cluster, "certificate-authority-data"),
        client_cert=path(user, "client-certificate"),
        client_key=path(user, "client-key"),
        client_cert_data=inline(user, "client-certificate-data"),
        client_key_data=inline(user, "client-key-data"),
        token=text(user, "token"),
        token_file=path(user, "tokenFile"),
        username=text(user, "username"),
        password=text(user, "password"),
        server_name=text(cluster, "tls-server-name"),
        proxy_url=text(cluster, "proxy-url"),
        needs_library=needs_library,
    )


def access_in_cluster(environment: Mapping[str, str] | None = None, folder: str = SERVICE_ACCOUNT) -> Access:
    """The service account of the pod that this runs in."""
    env = os.environ if environment is None else environment
    host, port = env.get("KUBERNETES_SERVICE_HOST", ""), env.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not os.path.exists(os.path.join(folder, "token")):
        raise DefiniteError(
            "no kubeconfig was given and this is no pod with a service account; set kubeconfig to a file."
        )
    address = f"[{host}]" if ":" in host else host
    return Access(
        server=f"https://{address}:{port}",
        context="",
        source="the pod's service account",
        ca_path=os.path.join(folder, "ca.crt"),
        token_file=os.path.join(folder, "token"),
    )


def access_through_library(kubeconfig: Any, access: Access) -> Access:
    """Let the C(kubernetes) library obtain the credentials that a plugin or an auth provider gives."""
    try:
        from kubernetes import client, config
    except ImportError:
        raise DefiniteError(
            f"{access.description} gets its credentials from {access.needs_library}, which needs the Python library "
            "kubernetes: pip install kubernetes, in the environment of ansible_python_interpreter."
        ) from None
    settings = client.Configuration()
    load_file: Any = config.load_kube_config
    load_mapping: Any = config.load_kube_config_from_dict
    try:
        if isinstance(kubeconfig, Mapping) or is_inline(kubeconfig):
            content = load_kubeconfig(kubeconfig)[0]
            load_mapping(content, context=access.context, client_configuration=settings)
        else:
            path = os.path.abspath(os.path.expanduser(str(kubeconfig)))
            load_file(config_file=path, context=access.context, client_configuration=settings)
    except Exception as error:  # the plugin's failure surfaces as whatever the library happened to raise
        raise DefiniteError(
            f"{access.description}: {access.needs_library} gave no credentials: {type(error).__name__}: {error}"
        ) from None
    authorization = str(settings.api_key.get("authorization") or settings.api_key.get("BearerToken") or "")
    scheme, _space, token = authorization.rpartition(" ")
    has_certificate = bool(settings.cert_file and settings.key_file)
    if not (token and scheme in ("", "Bearer")) and not has_certificate:
        raise DefiniteError(
            f"{access.description}: {access.needs_library} gave no credentials; try kubectl with the same context."
        )
    return Access(
        server=access.server,
        context=access.context,
        source=access.source,
        verify=access.verify,
        ca_path=access.ca_path,
        ca_data=access.ca_data,
        client_cert=settings.cert_file if has_certificate else None,
        client_key=settings.key_file if has_certificate else None,
        token=token or None,
        server_name=access.server_name,
        proxy_url=access.proxy_url,
    )


@contextlib.contextmanager
def private_file(content: str | None) -> Iterator[str | None]:
    """A file that only this user can read and that is gone right after; OpenSSL takes certificates only from files."""
    if content is None:
        yield None
        return
    handle, path = tempfile.mkstemp(prefix="argolab-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(content)
        yield path
    finally:
        os.unlink(path)


def context_for(access: Access) -> ssl.SSLContext:
    if bool(access.client_cert or access.client_cert_data) != bool(access.client_key or access.client_key_data):
        raise DefiniteError(
            f"{access.description} has only half a client certificate; it needs client-certificate and client-key."
        )
    with private_file(access.client_cert_data) as cert, private_file(access.client_key_data) as key:
        try:
            return tls_context(
                verify=access.verify,
                ca_path=access.ca_path,
                ca_data=access.ca_data,
                client_cert=cert or access.client_cert,
                client_key=key or access.client_key,
            )
        except DefiniteError as error:
            # the name of a temporary file would only mislead
            message = str(error).replace(cert or "\0", "given inline").replace(key or "\0", "given inline")
            raise DefiniteError(f"{access.description}: {message}") from None


def certificate_expiry(pem: str) -> datetime | None:
    """C(notAfter) of the first certificate; the standard library has no public parser for it."""
    try:
        first, mark, _after = pem[pem.index("-----BEGIN CERTIFICATE") :].partition("-----END CERTIFICATE-----")
        der = ssl.PEM_cert_to_DER_cert(f"{first}{mark}\n")
        _tag, certificate, _rest = _der(der)
        _tag, fields, _rest = _der(certificate)
        tag, _content, rest = _der(fields)
        if tag == 0xA0:  # version, left out in version 1
            tag, _content, rest = _der(rest)
        _tag, _algorithm, rest = _der(rest)
        _tag, _issuer, rest = _der(rest)
        _tag, validity, _rest = _der(rest)
        _tag, _begin, rest = _der(validity)
        tag, end, _rest = _der(rest)
        stamp = end.decode("ascii")
        if tag == 0x17:  # UTCTime: two digits for the year, 1950 to 2049
            stamp = ("19" if int(stamp[:2]) >= 50 else "20") + stamp
        return datetime.strptime(stamp, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)
    except (ValueError, IndexError):
        return None


def _der(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content and what follows of the first element."""
    tag, length, start = data[0], data[1], 2
    if length & 0x80:
        start = 2 + (length & 0x7F)
        length = int.from_bytes(data[2:start], "big")
    if start + length > len(data):
        raise ValueError("truncated")
    return tag, data[start : start + length], data[start + length :]


class KubeClient:
    """Requests to the API server of one context.

    :param kubeconfig: path or content; V(None) or V(in-cluster) uses the pod's service account, never the user's
        default file.
    :param context: V(None) uses the file's current-context; C(context) and C(description) say which one that was.
    :param outage_timeout: seconds for which a server that is not there or not well is asked again, all requests
        together; for those who do not poll.
    """

    def __init__(
        self,
        kubeconfig: Any = None,
        context: str | None = None,
        request_timeout: float = 10.0,
        outage_timeout: float = 0.0,
    ) -> None:
        if kubeconfig is None or kubeconfig == IN_CLUSTER:
            if context:
                raise DefiniteError(
                    f"context {context} was given without a kubeconfig that holds it; set kubeconfig to a file."
                )
            access = access_in_cluster()
        else:
            access = access_from_kubeconfig(kubeconfig, context)
            if access.needs_library:
                access = access_through_library(kubeconfig, access)
        self._access = access
        base = parse_url(access.server, f"{access.description}: the server's address")
        secrets = [access.token or "", access.password or ""]
        self.http = HttpClient(
            base,
            name=f"the API server {base.origin}",
            tls=context_for(access) if base.scheme == "https" else None,
            server_name=access.server_name,
            headers=self._authorization,
            secrets=secrets,
            proxy=access.proxy_url,
            request_timeout=request_timeout,
            keep=1,
        )
        self.patience = Patience(outage_timeout)
        self.context = access.context
        self.description = access.description
        self.server = str(base)

    def limit(self, seconds: float | None) -> None:
        """No request runs past this many seconds from now, whatever its own timeout."""
        self.http.end = None if seconds is None else time.monotonic() + seconds

    @contextlib.contextmanager
    def patient(self, seconds: float) -> Iterator[None]:
        """Requests inside are asked again for so long, for those who poll and write in between."""
        before, self.patience = self.patience, Patience(max(0.0, seconds))
        try:
            yield
        finally:
            self.patience = before

    def _authorization(self) -> dict[str, str]:
        access = self._access
        if access.token_file and not access.token:
            try:
                with open(access.token_file, encoding="ascii") as handle:
                    return {"Authorization": f"Bearer {handle.read().strip()}"}
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "not a token"
                raise DefiniteError(
                    f"{access.description}: token file {access.token_file} cannot be used: {reason.lower()}."
                ) from None
        if access.token:
            return {"Authorization": f"Bearer {access.token}"}
        if access.username is not None:
            return {"Authorization": basic_authorization(access.username, access.password or "")}
        return {}

    def request(
        self,
        method: str,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Answer:
        """One request; the answer's status is the caller's to judge, except 401, which is always about this client."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept, **({"Content-Type": content_type} if data is not None else {})}
        return self.patience.ask(
            lambda: self._once(method, path, params, data, headers),
            lambda message: KubeError(0, message, definite=False),
        )

    def _once(
        self, method: str, path: str, params: Sequence[tuple[str, str]], data: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        try:
            answer = self.http.request(method, path, params, data, headers)
        except TransientError as error:
            raise KubeError(0, str(error), definite=False) from None
        except DefiniteError as error:
            raise KubeError(0, f"{error}{self._foreign_hint(str(error))}", definite=True) from None
        if answer.status == 401:
            raise KubeError(401, self._unauthorized(), definite=True)
        return answer

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._json(self.request("GET", path, _pairs(params)), "GET", path)

    def list(self, path: str, params: Mapping[str, Any] | None = None) -> Items:
        """All items of a list, page by page; a list that changes under the pages is started again."""
        for _attempt in range(3):
            items: Items = []
            token = ""
            try:
                while True:
                    page = {"limit": LIST_PAGE, **(params or {}), **({"continue": token} if token else {})}
                    answer = self.get(path, page)
                    found = answer.get("items")
                    if found is not None and not isinstance(found, list):
                        raise KubeError(200, f"{self.http.name}: {path} is not a list.", definite=True)
                    items += found or []
                    token = (answer.get("metadata") or {}).get("continue") or ""
                    if not token:
                        return items
            except KubeError as error:
                if error.status != 410:
                    raise
        raise KubeError(410, f"{self.http.name}: the list {path} changes faster than it can be read.", definite=False)

    def metadata(self, path: str) -> dict[str, Any]:
        """The metadata of an object and nothing else: of a Secret that it exists, and who wrote which keys."""
        only = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
        return self._json(self.request("GET", path, accept=only), "GET", path)

    def metadata_list(self, path: str, params: Mapping[str, Any] | None = None) -> Items:
        """The same of every object of a list, in one page: only Secrets of releases are asked for like this."""
        only = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
        found = self._json(self.request("GET", path, _pairs(params), accept=only), "GET", path).get("items")
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []

    def create(self, path: str, body: Any) -> dict[str, Any]:
        """Create an object. Where an answer was lost, the one that is found at the second try is the one made at the
        first."""
        repeats = self.patience.repeats
        answer = self.request("POST", path, (), body)
        if answer.status == 409 and self.patience.repeats > repeats:
            return self.get(f"{path}/{body['metadata']['name']}")
        return self._json(answer, "POST", path)

    def patch(self, path: str, body: Any, content_type: str = "application/merge-patch+json") -> dict[str, Any]:
        return self._json(self.request("PATCH", path, (), body, content_type), "PATCH", path)

    def delete(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._json(self.request("DELETE", path, _pairs(params)), "DELETE", path)

    def raw(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        """The text behind a path, such as V(/readyz) or what a Service behind the proxy answers."""
        answer = self.request("GET", path, _pairs(params), accept="*/*")
        self._check(answer, "GET", path)
        return answer.text

    def _json(self, answer: Answer, method: str, path: str) -> dict[str, Any]:
        self._check(answer, method, path)
        try:
            content = json.loads(answer.body)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise KubeError(
                answer.status,
                f"{self.http.name} answered {path} with no Kubernetes object.",
                definite=True,
            )
        return content

    def _check(self, answer: Answer, method: str, path: str) -> None:
        if answer.status < 300:
            return
        message = status_message(answer) or answer.excerpt()
        hint = ""
        if answer.status == 403:
            # a GET may be a get, a list or a watch, and the server says which
            said = re.search(r"cannot (\w+) resource", message)
            verb = said[1] if said else method.lower()
            hint = f" Grant {self.description} the verb {verb} on this resource (kubectl auth can-i)."
        raise KubeError(
            answer.status,
            f"{self.http.name} answered {answer.status} to {method} {path}: {self.http.redact(message)}.{hint}"
            f"{self.patience.said if passing(answer.status) else ''}",
            definite=answer.status < 500 and answer.status not in (404, 408, 409, 410, 429),
        )

    def _unauthorized(self) -> str:
        access = self._access
        pem = access.client_cert_data
        if access.client_cert and not pem:
            with contextlib.suppress(OSError, UnicodeDecodeError), open(access.client_cert, encoding="ascii") as handle:
                pem = handle.read()
        expiry = certificate_expiry(pem) if pem else None
        if expiry and expiry.timestamp() < time.time():
            cause = f"the client certificate expired on {expiry:%Y-%m-%d %H:%M} UTC; fetch the kubeconfig again"
        elif pem:
            cause = "the client certificate is another cluster's; the kubeconfig is probably for one that was replaced"
        elif access.token or access.token_file:
            cause = "the token has expired or was issued by another cluster"
        else:
            cause = "no usable credentials were sent"
        return f"{self.http.name} refused {self.description} (401): {cause}."

    def _foreign_hint(self, message: str) -> str:
        if "not trusted here" in message:
            return (
                f" The kubeconfig is probably for another cluster ({self.description}): "
                "its certificate authority did not issue this server's certificate."
            )
        return ""


def status_message(answer: Answer) -> str:
    """The message of a Kubernetes Status object; empty where the answer is none."""
    try:
        content = json.loads(answer.body)
    except ValueError:
        return ""
    if not isinstance(content, dict) or content.get("kind") != "Status":
        return ""
    return str(content.get("message") or content.get("reason") or "no message")


def _pairs(params: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    return [(key, str(value)) for key, value in (params or {}).items()]
