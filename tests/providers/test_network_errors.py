"""What was in the way of a request, in a sentence that is true and names the next step: certificates, proxies, the user's own settings.

Real TLS and real proxies on loopback. What comes of broken replies is in test_transport, whose page it is in test_who_speaks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.certificates import authority, certificate, showing
from kit.loopback import Loopback, json_reply, speaking
from kit.shell import run

from promptkit import Session
from promptkit.errors import TransportError
from promptkit.providers.endpoints import Endpoint
from promptkit.providers.keys import Key
from promptkit.providers.message import Request
from promptkit.providers.transport import RequestsTransport

KEY = "AIza-sEcReT-0123456789"
REQUEST = Request("/v1beta/models/m:generateContent", (b"{}",), timeout=5)
TRUSTED = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _no_certificates_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TRUSTED:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """The file of a company's own certificate."""
    path = tmp_path / "company.pem"
    path.write_bytes(authority())
    return path


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Loopback]:
    """A server whose certificate the company has signed."""
    with showing(certificate(), tmp_path) as server:
        server.always = json_reply({"ok": True})
        yield server


def failed(url: str) -> str:
    """The sentence for a request that nothing of was sent, without the key."""
    with pytest.raises(TransportError) as error:
        RequestsTransport(Endpoint("mine", url), Key(KEY)).send(REQUEST)
    assert not error.value.sent
    assert KEY not in str(error.value)
    assert "v1beta" not in str(error.value)
    return str(error.value)


def is_answered(url: str) -> bool:
    return RequestsTransport(Endpoint("mine", url), Key(KEY)).send(REQUEST).status == 200


# Certificates


def test_a_certificate_that_nobody_known_has_signed(gateway: Loopback) -> None:
    """Where a company signs its own certificates, the sentence names the variables for its file, and never how to check less."""
    said = failed(gateway.url)
    assert "127.0.0.1" in said
    assert "that nobody known here has signed" in said
    assert "put the path of its .pem file into SSL_CERT_FILE or REQUESTS_CA_BUNDLE" in said
    assert "verify" not in said.partition("(")[0].lower()
    assert gateway.received == []


WRONG = {
    "expired": ({"when": "expired"}, "has expired: check this machine's clock, and ask whoever runs it"),
    "not valid yet": ({"when": "not valid yet"}, "is not valid yet: check this machine's clock"),
    "another address": ({"host": "10.1.2.3"}, "of another host (IP address mismatch"),
    "another name": ({"host": "gateway.example"}, "of another host ("),
}


@pytest.mark.parametrize(("made", "sentence"), WRONG.values(), ids=list(WRONG))
def test_a_trusted_signers_certificate_may_be_wrong_still(
    tmp_path: Path, company: Path, monkeypatch: pytest.MonkeyPatch, made: dict[str, str], sentence: str
) -> None:
    """An expired certificate and another host's have sentences of their own: no file of certificates mends them."""
    monkeypatch.setenv("SSL_CERT_FILE", str(company))
    with showing(certificate(**made), tmp_path) as server:
        said = failed(server.url)
    assert sentence in said
    assert "SSL_CERT_FILE" not in said


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("beside", [(), ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")], ids=["alone", "beside others"])
def test_a_companys_file_counts_in_each_variable(
    gateway: Loopback, tmp_path: Path, company: Path, monkeypatch: pytest.MonkeyPatch, variable: str, beside: tuple[str, ...]
) -> None:
    """The file of a company's certificate is honoured in whichever variable it is named, also where the others name another file."""
    (tmp_path / "other.pem").write_bytes(authority("Another company"))
    for name in beside:
        monkeypatch.setenv(name, str(tmp_path / "other.pem"))
    if beside:
        assert f"; no signer of it is in {beside[0]}" in failed(gateway.url)
    monkeypatch.setenv(variable, str(company))
    assert is_answered(gateway.url)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize(
    ("content", "why"), [(None, "cannot be read (No such file"), (b"", "holds no certificate"), (b"-----BEGIN", "holds no certificate")]
)
def test_a_file_of_certificates_that_is_none_is_named(
    gateway: Loopback, tmp_path: Path, company: Path, monkeypatch: pytest.MonkeyPatch, variable: str, content: bytes | None, why: str
) -> None:
    """A variable that names no file of certificates is said with the path, first or second."""
    path = tmp_path / "none.pem"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv(variable, str(path))
    said = failed(gateway.url)
    assert f"{path}, which {variable} names, {why}" in said
    assert "or unset it" in said
    monkeypatch.setenv("REQUESTS_CA_BUNDLE" if variable == "SSL_CERT_FILE" else "CURL_CA_BUNDLE", str(company))
    assert f"{path}, which {variable} names, {why}" in failed(gateway.url)


def test_a_session_says_it_and_the_shell_too(gateway: Loopback) -> None:
    """An untrusted certificate costs nothing, is asked once, and is one line in the shell."""
    with pytest.raises(TransportError, match="nobody known here has signed") as error:
        Session("./bear", endpoint=gateway.url).generate("a fox")
    assert "may have been charged" not in str(error.value)
    assert len(error.value.step.attempts) == 1
    _, said = run("generate", "a fox", "-s", "./other", "-e", gateway.url, code=1)
    assert "put the path of its .pem file into SSL_CERT_FILE" in said


@pytest.mark.parametrize(
    ("script", "sentence"), [(b"HTTP/1.1 400 Bad\r\n\r\n", "does not speak TLS there"), (b"", "did not agree on a secure connection")]
)
def test_https_to_what_speaks_no_tls(script: bytes, sentence: str) -> None:
    """A server without TLS, or one that hangs up, is said as that and not as a certificate's fault."""
    with speaking(script) as url:
        assert sentence in failed(url.replace("http:", "https:"))


# Proxies

THROUGH = "http://eve:pAsSwOrD@"
PROXIES = {
    "wants a password": (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "wants a user name and a password (407"),
    "forbids": (b"HTTP/1.1 403 Forbidden\r\n\r\n", "did not let the request through to gateway.invalid (403 Forbidden)"),
    "cannot reach it": (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "could not reach gateway.invalid (502 Bad Gateway): check the address"),
    "hangs up": (b"", "broke off before it led to gateway.invalid"),
    "speaks something else": (b"SSH-2.0 hello\r\n\r\n", "broke off before it led to gateway.invalid"),
}


@pytest.mark.parametrize(("script", "sentence"), PROXIES.values(), ids=list(PROXIES))
@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy"])
def test_what_a_proxy_does_is_said_of_the_proxy(monkeypatch: pytest.MonkeyPatch, script: bytes, sentence: str, variable: str) -> None:
    """A proxy that refuses or breaks off is named by its host, without a password, with what to do; the service is not blamed."""
    with speaking(script) as proxy:
        monkeypatch.setenv(variable, proxy.replace("http://", THROUGH))
        said = failed("https://gateway.invalid")
    assert f"The proxy {proxy.removeprefix('http://')} {sentence}" in said
    assert "pAsSwOrD" not in said
    assert variable in said or "NO_PROXY" in said


@pytest.mark.parametrize("url", ["https://gateway.invalid", "http://gateway.invalid"])
@pytest.mark.filterwarnings("ignore:.*plain http")
def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """A proxy that cannot be reached is named with the variable that names it, and with the way around it."""
    variable = f"{url.partition(':')[0]}_proxy"
    monkeypatch.setenv(variable, f"{THROUGH}127.0.0.1:1")
    said = failed(url)
    assert "The proxy 127.0.0.1:1 cannot be reached" in said
    assert f"check {variable}, or name gateway.invalid in NO_PROXY" in said
    assert "pAsSwOrD" not in said


@pytest.mark.parametrize(
    ("proxy", "sentence"),
    [
        ("http://", "The proxy's address in https_proxy cannot be used"),
        ("gopher://127.0.0.1:1", "The proxy's address in https_proxy cannot be used"),
        ("socks5://127.0.0.1:1", "pip install 'requests[socks]'"),
    ],
)
def test_an_address_that_is_no_proxys(monkeypatch: pytest.MonkeyPatch, proxy: str, sentence: str) -> None:
    """A proxy's address that cannot be used is said as that, with the variable."""
    monkeypatch.setenv("https_proxy", proxy)
    assert sentence in failed("https://gateway.invalid")


def test_a_proxy_that_is_asked_with_tls_and_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """https:// before the address of a plain proxy is what many write; the sentence says so."""
    with speaking(b"HTTP/1.1 400 Bad\r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy.replace("http:", "https:"))
        assert "does not speak TLS" in (said := failed("https://gateway.invalid"))
    assert "write its address in https_proxy with http://" in said


def test_a_host_that_goes_around_the_proxy_is_itself_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where NO_PROXY names the host, no proxy is blamed."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "gateway.invalid")
    assert failed("https://gateway.invalid").startswith("gateway.invalid cannot be reached")
    assert os.environ["https_proxy"]
