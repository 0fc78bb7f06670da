# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a certificate and its key will serve some names, before anything uses them.

Nothing is parsed here: OpenSSL itself plays both ends of a connection in memory, so that what is said of a certificate
is what a client will say of it.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Iterable

from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.http_client import Url, tls_context
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import (
    certificate_expiry,
    private_file,
)

# OpenSSL's numbers of what it has against a certificate, with a short name for programs.
_REASONS = {
    9: ("certificate_not_yet_valid", "it is not valid yet; compare the clocks"),
    10: ("certificate_expired", "it, or the authority that issued it, has expired"),
    18: ("certificate_untrusted", "it is self-signed, and the CA is another"),
    19: ("certificate_untrusted", "its chain ends in an authority that is not the CA"),
    20: ("certificate_untrusted", "the CA did not issue it, or an intermediate certificate is missing behind it"),
    21: ("certificate_untrusted", "the CA did not issue it, or an intermediate certificate is missing behind it"),
    62: ("certificate_wrong_name", "it does not cover the name"),
    64: ("certificate_wrong_name", "it does not cover the address"),
    66: ("certificate_weak", "its key is too small"),
    68: ("certificate_weak", "its signature is too weak"),
}


@dataclass(frozen=True)
class Fault:
    """What is wrong with a certificate.

    :param cause: short name, for programs.
    """

    cause: str
    text: str


def fault_of(error: ssl.SSLCertVerificationError) -> Fault:
    """What OpenSSL has against a certificate, in words."""
    cause, text = _REASONS.get(error.verify_code, ("certificate_refused", error.verify_message))
    return Fault(cause, text)


def expiry_text(end: datetime | None) -> str:
    """The day and time at which a certificate ends, for people."""
    return f"{end:%Y-%m-%d %H:%M} UTC" if end else "an unknown time"


def days_left(end: datetime, now: datetime | None = None) -> float:
    """Days until a certificate ends; negative where it has ended."""
    return (end - (now or datetime.now(timezone.utc))).total_seconds() / 86400


def pair_fault(
    certificate: str, key: str, names: Iterable[str], ca_path: str = "", ca_data: str = "", minimum_days: int = 0
) -> Fault | None:
    """What keeps a certificate and its key, both as PEM text, from serving these names; None where nothing does.

    :param ca_path: file with the authorities that clients trust; without it and ca_data those of the system.
    :param minimum_days: for how long it has to be good at least.
    :raises DefiniteError: the authorities cannot be read.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        with private_file(certificate) as certificate_path, private_file(key) as key_path:
            # An encrypted key would make OpenSSL ask on the terminal and hang.
            server.load_cert_chain(str(certificate_path), str(key_path), password=lambda: "")
    except (OSError, ValueError, UnicodeError) as error:
        return _pair_refused(error, certificate, key)
    end = certificate_expiry(certificate)
    for name in names:
        client = tls_context(ca_path=ca_path or None, ca_data=ca_data or None)
        try:
            _handshake(server, client, name)
        except ssl.SSLCertVerificationError as error:
            fault = fault_of(error)
            if fault.cause == "certificate_wrong_name":
                covered = ", ".join(_covered(server, ca_path, ca_data)) or "no name at all"
                return Fault(fault.cause, f"it does not cover {name}; it covers {covered}")
            until = f" (its end is {expiry_text(end)})" if fault.cause == "certificate_expired" else ""
            return Fault(fault.cause, f"{fault.text}{until}")
        except ssl.SSLError as error:
            reason = (error.reason or "unknown reason").replace("_", " ").lower()
            return Fault("certificate_refused", f"TLS does not work with it: {reason}")
    if end and days_left(end) < minimum_days:
        return Fault(
            "certificate_expires",
            f"it ends at {expiry_text(end)}, in {days_left(end):.0f} days; {minimum_days} days are asked for",
        )
    return None


def _pair_refused(error: Exception, certificate: str, key: str) -> Fault:
    """What is wrong with a pair that OpenSSL does not even take."""
    reason = str(getattr(error, "reason", "") or "")
    if "MISMATCH" in reason:
        return Fault("key_mismatch", "the key does not belong to the certificate")
    if "-----BEGIN CERTIFICATE" not in certificate:
        return Fault("no_certificate", "the certificate is no PEM text that begins with -----BEGIN CERTIFICATE-----")
    if "PRIVATE KEY-----" not in key:
        return Fault("no_key", "the key is no PEM text with a line -----BEGIN PRIVATE KEY-----")
    if "ENCRYPTED" in key:
        return Fault("key_encrypted", "the key is protected by a password, which the ingress controller can not enter")
    return Fault("unusable", f"OpenSSL can not read them: {(reason or str(error)).replace('_', ' ').lower()}")


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """Both ends of a connection, in memory; returns the client's.

    :raises ssl.SSLError: they do not come together.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname=name)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    done: set[str] = set()
    while len(done) < 2:
        before = to_server.pending + to_client.pending, len(done)
        for label, side in (("near", near), ("far", far)):
            try:
                side.do_handshake()
                done.add(label)
            except ssl.SSLWantReadError:
                pass
        if before == (to_server.pending + to_client.pending, len(done)) and len(done) < 2:
            raise ssl.SSLError(1, "the handshake does not end")
    return near


def _covered(server: ssl.SSLContext, ca_path: str, ca_data: str) -> list[str]:
    """The names of a certificate that is good but for them."""
    client = tls_context(ca_path=ca_path or None, ca_data=ca_data or None)
    client.check_hostname = False
    try:
        found = _handshake(server, client, "any.invalid").getpeercert() or {}
    except ssl.SSLError:
        return []
    return [str(item[1]) for item in found.get("subjectAltName", ())]


def served(url: Url, name: str, ca_path: str | None, timeout: float) -> tuple[datetime | None, Fault | None]:
    """Ask an address for the certificate of a name: when it ends, and what a client has against it.

    :raises DefiniteError: nothing answers with TLS there, or the file of the CA is unusable.
    """
    context = tls_context(ca_path=ca_path)
    fault = None
    try:
        return _end(url, name, context, timeout), None
    except ssl.SSLCertVerificationError as error:
        fault = fault_of(error)
    except (OSError, ValueError) as error:
        raise DefiniteError(_unanswered(url, error)) from None
    # Once more without looking closely, to say until when it was good.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return _end(url, name, context, timeout), fault
    except (OSError, ValueError) as error:
        raise DefiniteError(_unanswered(url, error)) from None


def _end(url: Url, name: str, context: ssl.SSLContext, timeout: float) -> datetime | None:
    with socket.create_connection((url.host, url.port), timeout=timeout) as sock, context.wrap_socket(
        sock, server_hostname=name
    ) as secured:
        der = secured.getpeercert(binary_form=True)
    return certificate_expiry(ssl.DER_cert_to_PEM_cert(der)) if der else None


def _unanswered(url: Url, error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return f"{url} does not answer with TLS: {str(reason).replace('_', ' ').lower()}."


def read_pem(path: str, option: str) -> str:
    """A file of PEM text.

    :raises DefiniteError: it cannot be read, with the name of the option that leads to it.
    """
    try:
        with open(path, encoding="ascii") as handle:
            return handle.read()
    except UnicodeDecodeError:
        raise DefiniteError(f"{option} {path} is no PEM file: it holds bytes that are no text.") from None
    except OSError as error:
        raise DefiniteError(f"{option} {path} can not be read: {(error.strerror or str(error)).lower()}.") from None
