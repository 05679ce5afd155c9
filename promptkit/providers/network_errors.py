"""The sentence for a request that brought no answer: which of certificate, proxy, address, network or service was in the way.

What OpenSSL, urllib3 and requests raise is put into words here, with the next step that fits. No sentence advises to check less.
Only words: `transport` sends, and raises. Source of the codes: OpenSSL's x509_vfy.h.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from promptkit import config
from promptkit.providers.endpoints import Endpoint, is_local

__all__ = ["proxy_of", "sentence"]

NOT_YET, EXPIRED, WRONG_NAME = (9,), (10,), (62, 63, 64)
NOBODYS = (2, 18, 19, 20, 21)  # no chain to a signer that is known here
NO_CERTIFICATES = ("NO_CERTIFICATE_OR_CRL_FOUND", "NO_START_LINE", "PEM lib", "CA certificate bundle")


class _Failed(NamedTuple):
    """What failed: the endpoint, the errors from the outermost to their cause, and the cause in words."""

    endpoint: Endpoint
    errors: tuple[BaseException, ...]
    reason: str

    @property
    def cause(self) -> BaseException:
        return self.errors[-1]

    @property
    def host(self) -> str:
        return self.endpoint.host

    def is_a(self, *names: str) -> bool:
        """Whether one of the errors is of a class of that name; of urllib3's and requests' own there are two of some."""
        return any(type(error).__name__ in names for error in self.errors)

    def has(self, *words: str) -> bool:
        return any(word in self.reason for word in words)


def sentence(error: Exception, endpoint: Endpoint, *, sent: bool) -> str:
    """What happened to a request and what to do next; `sent` says whether any of it had left."""
    errors = tuple(_down_to_the_cause(error))
    failed = _Failed(endpoint, errors, _worded(errors[-1]))
    return _after_sending(failed) if sent else _before_sending(failed)


def _after_sending(failed: _Failed) -> str:
    name = failed.endpoint.name
    if isinstance(failed.cause, TimeoutError) or failed.is_a("ReadTimeoutError"):
        return f"{name} did not answer in time."
    return f"The connection to {name} broke before the reply was whole: {failed.reason}."


def _before_sending(failed: _Failed) -> str:
    said = _of_own_certificates(failed) or _of_certificate(failed) or _ofproxy_of(failed) or _of_tls(failed)
    return said or f"{failed.host} cannot be reached: {failed.reason}; check the address, the network and the proxy."


# Certificates


def _of_own_certificates(failed: _Failed) -> str | None:
    """The user's own file of certificates, where it is the one that cannot be used."""
    if not failed.has(*NO_CERTIFICATES) and not isinstance(failed.cause, FileNotFoundError | IsADirectoryError | PermissionError):
        return None
    for variable, path in config.certificates().items():
        try:
            ssl.create_default_context().load_verify_locations(path)
        except OSError as error:
            why = "holds no certificate" if isinstance(error, ssl.SSLError) else f"cannot be read ({error.strerror})"
            return f"The file {path}, which {variable} names, {why}: put the path of a .pem file into {variable}, or unset it."
    return None


def _of_certificate(failed: _Failed) -> str | None:
    code = getattr(failed.cause, "verify_code", None)
    if code is None and not failed.has("CERTIFICATE_VERIFY_FAILED", "doesn't match"):
        return None
    shows = f"{_who(failed)} shows a certificate"
    why = str(getattr(failed.cause, "verify_message", "") or failed.reason)[:200].rstrip(".")
    if code in EXPIRED:
        return f"{shows} that has expired: check this machine's clock, and ask whoever runs it to renew the certificate."
    if code in NOT_YET:
        return f"{shows} that is not valid yet: check this machine's clock."
    if code in WRONG_NAME or failed.has("doesn't match"):
        return f"{shows} of another host ({why}): check the base URL, and who answers at that address."
    if code not in NOBODYS:
        return f"{shows} that is not accepted ({why}): ask whoever runs it."
    read = " and ".join(config.certificates())
    known = f"; no signer of it is in {read}" if read else ""
    advice = "if it is a company's own, put the path of its .pem file into SSL_CERT_FILE or REQUESTS_CA_BUNDLE"
    return f"{shows} that nobody known here has signed ({why}{known}): {advice}."


def _who(failed: _Failed) -> str:
    return f"The proxy {proxy_of(failed.endpoint)[0]}" if failed.is_a("ProxyError") else failed.host


def _of_tls(failed: _Failed) -> str | None:
    if failed.has("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        advice = "write another port, or http:// where it is a server of your own"
        return f"{failed.host} does not speak TLS there ({failed.reason}): check the base URL; {advice}."
    if isinstance(failed.cause, ssl.SSLError):
        advice = "check the address and its port, and whether a firewall stands between"
        return f"{failed.host} did not agree on a secure connection ({failed.reason}): {advice}."
    return None


# Proxies


def _ofproxy_of(failed: _Failed) -> str | None:
    """What a proxy did, where one stands between; its address is named without what may be a password."""
    proxy, source = proxy_of(failed.endpoint)
    if failed.has("SOCKS"):
        return "The proxy is a SOCKS one, which needs an extra: pip install 'requests[socks]'."
    if failed.is_a("InvalidProxyURL", "ProxySchemeUnknown"):
        return f"The proxy's address in {source} cannot be used ({failed.reason.rstrip('.')}): write it as http://host:port."
    if match := re.search(r"Tunnel connection failed: (\d{3}.{0,100})", failed.reason):
        return _of_tunnel(match[1], failed.host, proxy, source)
    if failed.is_a("ProxyError") and failed.has("WRONG_VERSION_NUMBER"):
        return f"The proxy {proxy} does not speak TLS ({failed.reason}): write its address in {source} with http://."
    without = f"name {failed.host} in NO_PROXY where it is reached without a proxy"
    if failed.is_a("ProxyError"):
        return f"The proxy {proxy} cannot be reached ({failed.reason}): check {source}, or {without}."
    if proxy and failed.is_a("ProtocolError"):
        return f"The proxy {proxy} broke off before it led to {failed.host} ({failed.reason}): check {source}, or {without}."
    return None


def _of_tunnel(answer: str, host: str, proxy: str, source: str) -> str:
    if answer.startswith("407"):
        advice = f"put them into its address in {source}, as in http://NAME:PASSWORD@host:port"
        return f"The proxy {proxy} wants a user name and a password ({answer}): {advice}."
    without = f"name {host} in NO_PROXY where it is reached without a proxy"
    if answer.startswith("5"):
        return f"The proxy {proxy} could not reach {host} ({answer}): check the address, try again later, or {without}."
    advice = f"ask whoever runs it, or {without}"
    return f"The proxy {proxy} did not let the request through to {host} ({answer}): {advice}."


def proxy_of(endpoint: Endpoint) -> tuple[str, str]:
    """The proxy's host for an endpoint, "" where none is asked, and where that was set."""
    parts = urlsplit(endpoint.base_url)
    host = parts.hostname or ""
    if is_local(host) or proxy_bypass(host):
        return "", "NO_PROXY"
    proxies = getproxies()
    said = proxies.get(parts.scheme) or proxies.get("all") or ""
    names = (spelled for name in (f"{parts.scheme}_proxy", "all_proxy") for spelled in (name, name.upper()))
    source = next((name for name in names if config.variable(name)), "the system's settings")
    return urlsplit(said if "://" in said else f"//{said}").netloc.rpartition("@")[2], source


# Words of other libraries


def _down_to_the_cause(error: BaseException) -> Iterator[BaseException]:
    """The errors that requests and urllib3 wrap, the innermost last: the outer ones quote the URL."""
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        inner = next((e for e in (getattr(inner, "reason", None), *inner.args) if isinstance(e, BaseException)), None)


def _worded(error: BaseException) -> str:
    said = next((arg for arg in reversed(error.args) if isinstance(arg, str)), "") if len(error.args) > 1 else str(error)
    text = re.sub(r"^\w*\((?:host|<)[^)]*\): |^<[^>]*>: ", "", said or str(error))  # urllib3 begins with its own objects
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
