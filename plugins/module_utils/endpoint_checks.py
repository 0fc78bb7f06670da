# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether names lead to the ingress, and whether something answers behind it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.certificates import (
    days_left,
    expiry_text,
    served,
)
from ansible_collections.argolab.observability.plugins.module_utils.checks import listing
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck, skipped
from ansible_collections.argolab.observability.plugins.module_utils.http_client import (
    HttpClient,
    parse_url,
    tls_context,
)


def endpoint_check(
    endpoint: Mapping[str, Any],
    request_timeout: float,
    default_url: str = "",
    skips: Mapping[str, Any] | None = None,
    ca_path: str | None = None,
) -> ExplainedCheck:
    """Ask one address for one name, follow redirects on the same server only, and look at the answer.

    :param ca_path: file with the authorities to trust instead of the system's.
    """
    name = str(endpoint["name"])
    host = endpoint.get("host") or name
    url = str(endpoint.get("url") or default_url)
    label = f"HTTP {name}"
    statuses = [int(status) for status in endpoint.get("status") or [200]]
    contains = str(endpoint.get("contains") or "")
    expected = f"status {' or '.join(str(status) for status in statuses)}" + (f" and {contains!r}" if contains else "")
    if (skips or {}).get(name):
        return skipped(label, expected, str((skips or {})[name]))
    if not url:
        detail = "no address of the ingress is known, so nothing could be asked"
        return ExplainedCheck(label, False, expected, "no address", detail, "no_address", "kubectl get ingress -A")
    path = str(endpoint.get("path") or "/")
    curl = f"curl -i -H 'Host: {host}' {url}{path}"
    try:
        base = parse_url(url, f"url of {name}")
        verify = bool(endpoint.get("validate_certs", True))
        tls = tls_context(verify=verify, ca_path=ca_path) if base.scheme == "https" else None
        client = HttpClient(base, name=str(base), host_header=host, tls=tls, request_timeout=request_timeout)
        answer = client.request("GET", path)
    except ArgolabError as error:
        detail = str(error)
        return ExplainedCheck(label, False, expected, "no answer", detail, "no_answer", curl)
    if answer.status not in statuses:
        # Where a refusal is expected, an answer is what everybody gets.
        open_door = answer.status == 200 and set(statuses) <= {401, 403}
        hint = "it answers people who have not logged in" if open_door else _status_hint(answer.status, str(host))
        cause = "open_to_strangers" if open_door else "wrong_status"
        return ExplainedCheck(label, False, expected, f"status {answer.status}", hint, cause, curl)
    if contains and contains not in answer.text:
        return ExplainedCheck(
            label, False, expected, f"status {answer.status} without {contains!r}",
            f"something else answers to this name: {answer.excerpt()}", "wrong_content", curl,
        )  # fmt: skip
    return ExplainedCheck(label, True, expected, f"status {answer.status}")


def certificate_check(
    endpoint: Mapping[str, Any], days: int, request_timeout: float, default_url: str = "", ca_path: str | None = None
) -> ExplainedCheck | None:
    """The certificate that an address has for a name is trusted, and good for so many days; None without https."""
    name = str(endpoint.get("host") or endpoint["name"])
    label, expected = f"certificate of {name}", f"trusted, and good for {days} days"
    text = str(endpoint.get("url") or default_url)
    if not text.startswith("https://") or not endpoint.get("validate_certs", True):
        return None
    try:
        url = parse_url(text, f"url of {name}")
        connect = f"openssl s_client -connect {url.host}:{url.port} -servername {name}"
        shown = f"{connect} </dev/null | openssl x509 -noout -text"
        end, fault = served(url, name, ca_path, request_timeout)
    except ArgolabError as error:
        return ExplainedCheck(label, False, expected, "no answer", str(error), "no_answer", f"curl -vk {text}")
    until = f"until {expiry_text(end)}"
    if fault:
        return ExplainedCheck(label, False, expected, f"refused, {until}", fault.text, fault.cause, shown)
    left = days_left(end) if end else -1.0
    observed = f"{left:.0f} days left, {until}"
    if left < days:
        detail = "put a new one into the Secret that the Ingress names, or ask cert-manager why it has not been renewed"
        return ExplainedCheck(label, False, expected, observed, detail, "certificate_expires", shown)
    return ExplainedCheck(label, True, expected, observed)


def _status_hint(status: int, host: str) -> str:
    if status == 404:
        return f"the ingress controller knows no Ingress for {host}, or the path is wrong"
    if status in (502, 503, 504):
        return "the ingress controller answers, but no ready pod is behind the Service"
    if status in (301, 302, 307, 308):
        return "redirected to another server"
    if status in (401, 403):
        return "it asks for a login"
    return ""


def hosts_addresses(content: str, name: str) -> list[str]:
    """The addresses that a hosts file gives a name, in the order of its lines."""
    found = []
    for line in content.splitlines():
        fields = line.partition("#")[0].split()
        if len(fields) > 1 and name.lower() in (field.lower() for field in fields[1:]):
            found.append(fields[0])
    return found


def name_checks(
    names: Iterable[str], content: str, path: str, addresses: Iterable[str] = (), repair: str = ""
) -> list[ExplainedCheck]:
    """Each name has a line in the hosts file, with one of the addresses where some are given."""
    wanted = [_normal(address) for address in addresses]
    expected = f"{' or '.join(wanted)}" if wanted else "an address"
    checks = []
    for name in names:
        label = f"name {name}"
        # The first line wins: that is what the resolver does, for each address family.
        found = hosts_addresses(content, name)
        if not found:
            detail = f"{path} has no line for {name}: its entry was removed or never written"
            checks.append(ExplainedCheck(label, False, expected, "no entry", detail, "hosts_entry_absent", repair))
        elif wanted and _normal(found[0]) not in wanted:
            detail = f"{path} sends {name} to {found[0]}" + (
                f" (all lines: {listing(found)})" if len(found) > 1 else ""
            )
            checks.append(ExplainedCheck(label, False, expected, found[0], detail, "hosts_entry_wrong", repair))
        else:
            checks.append(ExplainedCheck(label, True, expected, found[0]))
    return checks


def read_hosts(path: str) -> str:
    """The hosts file as text; bytes that are no UTF-8 belong to comments of somebody else."""
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError as error:
        raise DefiniteError(f"hosts file {path} cannot be read: {(error.strerror or str(error)).lower()}.") from None


def _normal(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address.strip("[]")))
    except ValueError:
        return address
