# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils import kube_access
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError, TransientError
from ansible_collections.argolab.observability.plugins.module_utils.http_client import Answer
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import (
    KubeClient,
    KubeError,
    access_from_kubeconfig,
    access_in_cluster,
    certificate_expiry,
    private_file,
)

# made once with: openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -days 1
CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBbTCCAROgAwIBAgIUPHvLDPhsyqi0f6u9O76VHWMv4ZIwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBeDAeFw0yNjExMjMwNTM5NDdaFw0yNjExMjQwNTM5NDdaMAwx
CjAIBgNVBAMMAXgwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATBuIXrtfX6g6Lg
1vvL0KUxquSritXHRpiP8qEkR+q7s1ry9qVqJCKcprpk85/vudybJFh3l7WpMHxG
uKXzU4Vdo1MwUTAdBgNVHQ4EFgQUsmNQlVk5gHsXyvCdraAQdl2q+UcwHwYDVR0j
BBgwFoAUsmNQlVk5gHsXyvCdraAQdl2q+UcwDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNIADBFAiEAhqysmN7lEW9JRzQ70pOqP+4VGmilHgR5r6HmtrHhJaUC
IAlpbd4vZ4sldxPx85C4K6jqQzmc8DaXEDL7Ne4WJ1W3
-----END CERTIFICATE-----
"""

CONFIG: dict[str, Any] = {
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1", "certificate-authority": "pki/ca.pem"}}],
    "users": [{"name": "u", "user": {"client-certificate": "pki/c.pem", "client-key": "/abs/c.key", "token": 12345}}],
    "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u"}}, {"name": "x", "context": {"cluster": "c"}}],
}


class FakeHttp:
    """Plays answers in turn and remembers the requests."""

    name = "the API server http://fake"

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, str, dict[str, str], bytes | None, dict[str, str]]] = []

    def request(self, method: str, path: str, params: Any = (), body: Any = None, headers: Any = None) -> Answer:
        self.requests.append((method, path, dict(params), body, dict(headers or {})))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, content = answer if isinstance(answer, tuple) else (200, answer)
        return Answer(status, {}, content if isinstance(content, bytes) else json.dumps(content).encode())

    def redact(self, text: str) -> str:
        return text


def client(*answers: Any) -> tuple[KubeClient, FakeHttp]:
    plain = {**CONFIG, "users": [{"name": "u", "user": {"token": "t"}}]}
    kube = KubeClient(plain, "lab")
    http = FakeHttp(*answers)
    kube.http = http
    return kube, http


def status(code: int, message: str = "no") -> tuple[int, dict[str, Any]]:
    return code, {"kind": "Status", "message": message, "code": code}


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(json.dumps(CONFIG))
    access = access_from_kubeconfig(str(path), "lab")
    assert access.ca_path == str(tmp_path / "pki" / "ca.pem")
    assert (access.client_cert, access.client_key) == (str(tmp_path / "pki" / "c.pem"), "/abs/c.key")
    assert access.token == "12345"
    assert access.description == f"context lab of kubeconfig {path}"


@pytest.mark.parametrize("kubeconfig", ["", " ", "a\0b", "~\0", 7, None])
def test_what_cannot_be_a_path_is_refused_as_such(kubeconfig: object) -> None:
    with pytest.raises(DefiniteError, match="^kubeconfig is neither the path of a file nor a mapping; give for "):
        kube_access.load_kubeconfig(kubeconfig)


def test_a_path_that_no_file_can_have_is_no_file_that_is_only_missing() -> None:
    assert kube_access.is_missing_file("/nowhere/kubeconfig")
    assert not kube_access.is_missing_file("/nowhere/\0")


def test_a_kubeconfig_as_text() -> None:
    text = json.dumps(CONFIG, indent=1)
    access = access_from_kubeconfig(text, "lab")
    assert access.token == "12345"
    assert access.description == "context lab of the given kubeconfig"
    assert not kube_access.is_missing_file(text)
    with pytest.raises(DefiniteError, match=r"the given kubeconfig is not valid YAML \(line 3\)") as caught:
        access_from_kubeconfig("a:\n b: [canary\n x: y")
    assert "canary" not in str(caught.value)


def test_without_a_context_nothing_is_guessed() -> None:
    with pytest.raises(DefiniteError, match="no current-context; its contexts are: lab, x"):
        access_from_kubeconfig(CONFIG)
    assert access_from_kubeconfig({**CONFIG, "current-context": "x"}).context == "x"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty or no kubeconfig"),
        (b"- a\n", "is empty or no kubeconfig"),
        (b"a: [canary\n", r"is not valid YAML \(line 2\)"),
        (b"\xff\xfe", "not a text file"),
    ],
    ids=["empty", "list", "yaml", "binary"],
)
def test_broken_files(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(content)
    with pytest.raises(DefiniteError, match=said) as caught:
        access_from_kubeconfig(str(path))
    assert "canary" not in str(caught.value)


def test_an_unreadable_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    # root, who runs tests in many containers, can read every file
    monkeypatch.setattr(kube_access, "open", refuse, raising=False)
    with pytest.raises(DefiniteError, match="cannot be read: permission denied"):
        access_from_kubeconfig("/etc/hosts")


def test_the_user_s_default_file_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config"
    path.write_text(json.dumps({**CONFIG, "current-context": "lab"}))
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(DefiniteError, match="no kubeconfig was given"):
        KubeClient()


def test_in_cluster(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    access = access_in_cluster({"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}, str(tmp_path))
    assert access.server == "https://[fd00::1]:6443"
    assert access.token_file == str(tmp_path / "token")


def test_secrets_are_not_in_a_repr() -> None:
    access = access_from_kubeconfig({**CONFIG, "users": [{"name": "u", "user": {"token": "canary"}}]}, "lab")
    assert "canary" not in repr(access)


def test_a_private_file_is_private_and_goes() -> None:
    with private_file("key") as path:
        assert path is not None
        assert os.stat(path).st_mode & 0o777 == 0o600
        assert Path(path).read_text() == "key"
    assert not os.path.exists(path)
    with private_file(None) as nothing:
        assert nothing is None


def test_the_expiry_of_a_certificate() -> None:
    expiry = certificate_expiry("comment\n" + CERTIFICATE)
    assert expiry is not None and f"{expiry:%Y-%m-%d %H:%M:%S}" == "2026-11-24 05:39:47"
    assert certificate_expiry("nothing") is None
    for cut in range(0, 60, 7):
        body = CERTIFICATE.splitlines()[1][: 60 - cut - (60 - cut) % 4]
        assert certificate_expiry(f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n") is None


def test_a_list_follows_its_pages() -> None:
    kube, http = client({"items": [{"a": 1}], "metadata": {"continue": "next"}}, {"items": None, "metadata": {}})
    assert kube.list("/api/v1/pods", {"labelSelector": "a=b"}) == [{"a": 1}]
    assert [request[2].get("continue") for request in http.requests] == [None, "next"]
    assert all(request[2]["labelSelector"] == "a=b" for request in http.requests)


def test_a_list_whose_pages_expired_is_read_again() -> None:
    first = {"items": [{"a": 1}], "metadata": {"continue": "next"}}
    kube, _http = client(first, status(410, "expired"), {"items": [{"a": 2}]})
    assert kube.list("/api/v1/pods") == [{"a": 2}]
    kube, _http = client(*[first, status(410, "expired")] * 3)
    with pytest.raises(KubeError) as caught:
        kube.list("/api/v1/pods")
    assert caught.value.definite is False


def test_a_patch_is_a_merge_patch() -> None:
    kube, http = client({"kind": "Application"})
    assert kube.patch("/apis/x", {"a": None})["kind"] == "Application"
    method, path, _params, body, headers = http.requests[0]
    assert (method, path, body) == ("PATCH", "/apis/x", b'{"a": null}')
    assert headers["Content-Type"] == "application/merge-patch+json"


@pytest.mark.parametrize(
    ("answer", "code", "definite", "said"),
    [
        (status(403, "cannot get pods"), 403, True, "cannot get pods"),
        (status(403, 'pods is forbidden: User "x" cannot list resource "pods"'), 403, True, "the verb list on this"),
        (status(404), 404, False, "404"),
        (status(409), 409, False, "409"),
        (status(422, "invalid"), 422, True, "invalid"),
        (status(500, "etcd"), 500, False, "etcd"),
        ((401, b"Unauthorized"), 401, True, "the token has expired or was issued by another cluster"),
        ((200, b"<html>"), 200, True, "no Kubernetes object"),
        ((200, b"[]"), 200, True, "no Kubernetes object"),
        (TransientError("refused"), 0, False, "refused"),
        (DefiniteError("x: not trusted here"), 0, True, "probably for another cluster"),
    ],
)
def test_refusals(answer: Any, code: int, definite: bool, said: str) -> None:
    kube, _http = client(answer)
    with pytest.raises(KubeError, match=said) as caught:
        kube.get("/api/v1/pods")
    assert (caught.value.status, caught.value.definite) == (code, definite)


def test_raw_gives_text() -> None:
    kube, http = client((200, b"ok"), status(503, "starting"))
    assert kube.raw("/readyz", {"verbose": "1"}) == "ok"
    assert http.requests[0][4]["Accept"] == "*/*"
    with pytest.raises(KubeError, match="starting"):
        kube.raw("/readyz")


def test_an_exec_plugin_without_the_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {**CONFIG, "users": [{"name": "u", "user": {"exec": {"command": "x"}}}]}
    monkeypatch.setitem(__import__("sys").modules, "kubernetes", None)
    with pytest.raises(DefiniteError, match="pip install kubernetes"):
        KubeClient(config, "lab")
    assert kube_access.access_from_kubeconfig(config, "lab").needs_library == "an exec plugin"
