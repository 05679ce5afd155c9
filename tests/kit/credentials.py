"""Content credentials (C2PA) by a party that did not write promptkit: c2pa-python signs pictures, and says what became of them.

It is in the extra `conformance`. The certificates are made here, so that nobody trusts the signer; nothing needs a network.
"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.util import find_spec
from typing import Any

import pytest

needs_c2pa = pytest.mark.skipif(find_spec("c2pa") is None, reason="c2pa-python is not installed: pip install -e '.[conformance]'")

ELSEWHERE = "https://credentials.invalid/manifest.c2pa"
MADE = {"action": "c2pa.created", "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"}
MANIFEST = {
    "claim_generator_info": [{"name": "a service", "version": "1"}],
    "title": "a bear",
    "assertions": [{"label": "c2pa.actions", "data": {"actions": [MADE]}}],
}


@cache
def _identity() -> tuple[bytes, bytes]:
    """A certificate with the one of its authority, and the key, all as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    of_authority, of_signer = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def certificate(name: str, key: Any, *more: tuple[Any, bool]) -> bytes:
        subject, issuer = (x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, n)]) for n in (name, "An authority"))
        made = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(datetime.now(UTC) - timedelta(days=1)).not_valid_after(datetime.now(UTC) + timedelta(days=30))
        for extension, is_critical in more:
            made = made.add_extension(extension, is_critical)
        return made.sign(of_authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def usage(*, is_authority: bool) -> tuple[Any, bool]:
        return x509.KeyUsage(True, False, False, False, False, is_authority, is_authority, False, False), True

    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(of_authority.public_key()), False
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False
    no_authority, authority = ((x509.BasicConstraints(ca, None), True) for ca in (False, True))
    chain = certificate("A signer", of_signer, no_authority, usage(is_authority=False), purpose, issuer)
    chain += certificate("An authority", of_authority, authority, usage(is_authority=True))
    kind = serialization.PrivateFormat.PKCS8
    return chain, of_signer.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())


def signed(data: bytes, mime_type: str, *, elsewhere: bool = False) -> bytes:
    """The picture with credentials inside; `elsewhere`: with XMP that names a place where they are, and none inside."""
    from c2pa import Builder, C2paSignerInfo, C2paSigningAlg, Signer

    signer = Signer.from_info(C2paSignerInfo(C2paSigningAlg.ES256, *_identity(), None))
    builder, out = Builder(MANIFEST), io.BytesIO()
    if elsewhere:
        builder.set_no_embed()
        builder.set_remote_url(ELSEWHERE)
    builder.sign(signer, mime_type, io.BytesIO(data), out)
    return out.getvalue()


def state(data: bytes, mime_type: str) -> str | None:
    """What c2pa-python's reader finds: Valid, Invalid (tampered with), None where there are no credentials inside."""
    from c2pa import C2paError, Reader

    try:
        reader = Reader(mime_type, io.BytesIO(data))
    except C2paError.ManifestNotFound:
        return None
    assert json.loads(reader.json())["active_manifest"]
    return reader.get_validation_state()
