"""Certificates made for a test, and a server on loopback that shows one. Nobody trusts who signed them unless the test says so."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from kit.loopback import Loopback, serving

DAY = timedelta(days=1)
DAYS = {"valid": (-1, 1), "expired": (-2, -1), "not valid yet": (1, 2)}  # days from now on


@cache
def _key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _certificate(name: str, issuer: str, days: tuple[int, int], *more: tuple[Any, bool]) -> bytes:
    """As PEM. One key is everybody's: who signed is told by its name."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID

    subject, signer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, n)]) for n in (name, issuer))
    made = x509.CertificateBuilder(signer, subject, _key().public_key(), x509.random_serial_number())
    made = made.not_valid_before(datetime.now(UTC) + days[0] * DAY).not_valid_after(datetime.now(UTC) + days[1] * DAY)
    key = _key().public_key()  # Python 3.13 takes no certificate that does not name the keys
    names = (x509.SubjectKeyIdentifier.from_public_key(key), False), (x509.AuthorityKeyIdentifier.from_issuer_public_key(key), False)
    for extension, is_critical in (*names, *more):
        made = made.add_extension(extension, is_critical)
    return made.sign(_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def authority(name: str = "A company") -> bytes:
    """The certificate of who signs, as PEM: what SSL_CERT_FILE would name."""
    from cryptography import x509

    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    return _certificate(name, name, (-1, 30), (x509.BasicConstraints(True, None), True), (usage, True))


def certificate(*, host: str = "127.0.0.1", when: str = "valid", signer: str = "A company") -> bytes:
    """A server's certificate and its key, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    try:
        named: Any = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        named = x509.DNSName(host)
    shown = _certificate("a server", signer, DAYS[when], (x509.SubjectAlternativeName([named]), False))
    kind = serialization.PrivateFormat.PKCS8
    return shown + _key().private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())


@contextmanager
def showing(pem: bytes, folder: Path) -> Iterator[Loopback]:
    """A generateContent server that shows this certificate; its URL begins with https."""
    (folder / "server.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    with serving(context) as loopback:
        yield loopback
