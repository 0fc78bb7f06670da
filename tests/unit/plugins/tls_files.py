# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An authority of one's own and the certificates that it issues, real ones, for tests."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Issues certificates, and writes what is asked for into one folder."""

    def __init__(self, folder: Path, name: str = "Lab CA") -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self.name, self.key, -1, 365).add_extension(x509.BasicConstraints(True, None), True)
        self.path = self._write(f"{name.replace(' ', '-')}.crt", self._pem(builder.sign(self.key, hashes.SHA256())))

    def issue(self, *names: str, days: int = 90, begins: int = -1, password: bytes | None = None) -> tuple[str, str]:
        """Paths of a certificate for these names and of its key.

        :param begins: days from now until it is valid.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = self._builder(subject, key, begins, days).add_extension(alternatives, False)
        encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        stem = f"{len(list(self.folder.iterdir()))}-{names[0]}"
        certificate = self._pem(builder.sign(self.key, hashes.SHA256()))
        return self._write(f"{stem}.crt", certificate), self._write(f"{stem}.key", text)

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, begins: int, days: int
    ) -> x509.CertificateBuilder:
        now = datetime.now(timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=min(begins, days - 1)))
            .not_valid_after(now + timedelta(days=days))
        )

    def _pem(self, certificate: x509.Certificate) -> bytes:
        return certificate.public_bytes(serialization.Encoding.PEM)

    def _write(self, name: str, text: bytes) -> str:
        path = self.folder / name
        path.write_bytes(text)
        return str(path)
