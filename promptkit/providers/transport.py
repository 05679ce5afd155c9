"""One request and its answer, whatever its status. The only module that touches the network."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any, Protocol, runtime_checkable
from urllib.parse import urlsplit
from weakref import WeakSet, WeakValueDictionary

from promptkit import __version__, config
from promptkit.errors import TransportError, warn
from promptkit.providers.endpoints import Endpoint, is_local
from promptkit.providers.keys import Key
from promptkit.providers.message import Request, Response, is_ok

if TYPE_CHECKING:
    from ssl import SSLContext

    import requests

__all__ = ["FunctionTransport", "RequestsTransport", "Transport", "transport_to"]

CONNECT_TIMEOUT = 10.0  # seconds
REPLY_LIMIT = 256_000_000  # bytes, after decompression
AT_ONCE = 1 << 18  # bytes read at a time


@runtime_checkable
class Transport(Protocol):
    """Sends one request and brings its response, whatever the status. Raises TransportError and nothing else."""

    def send(self, request: Request) -> Response: ...


class FunctionTransport:
    """A transport that asks a function: `handler(path, body)` gives (status, headers, body), or a Response. For tests and drafts."""

    def __init__(self, handler: Callable[[str, bytes], tuple[int, Mapping[str, str], bytes]]) -> None:
        self.handler = handler

    def send(self, request: Request) -> Response:
        """What the handler answers."""
        return Response(*self.handler(request.path, request.body))


class RequestsTransport:
    """Sends to an endpoint through `requests`, with the environment's proxies; safe to use from several threads.

    Redirects are not followed (one would carry the key to another host), `.netrc` is shut out (it would replace the key), certificates are
    checked. A request's timeout, in seconds, bounds the sending and the whole answer, also one that trickles.
    """

    def __init__(self, endpoint: Endpoint, key: Key | None = None, *, reply_limit: int = REPLY_LIMIT) -> None:
        self._endpoint, self._limit = endpoint, reply_limit
        self._key = key if endpoint.auth != "none" else None
        self.leave_connections()
        _alive.add(self)
        parts = urlsplit(endpoint.base_url)
        if self._key is not None and parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
            said = f"{endpoint.name} is reached over plain http: everyone on the way can read the key; use https where the gateway has it."
            warn(said)

    def leave_connections(self) -> None:
        """Begins without any connection: after a fork those that are open are the parent's."""
        self._course = _Course()

    def __repr__(self) -> str:
        return f"<RequestsTransport to {self._endpoint.base_url}>"

    def send(self, request: Request) -> Response:
        """One request, and its whole answer. TransportError where nothing came back, or half of it."""
        from urllib3.exceptions import HTTPError

        self._course.start(request.timeout)
        try:
            return self._sent(request)
        except TransportError as error:
            failure = error.with_traceback(None)
        except (OSError, ValueError, HTTPError) as error:  # what requests raises is an OSError; some of what is below it slips through
            failure = self._failure(error)
        raise failure  # out here, so that it does not carry the request, and in it the key, as its context

    def _sent(self, request: Request) -> Response:
        with self._session().request(
            request.method,
            self._endpoint.base_url + request.path,
            data=request,
            headers={**request.headers, **self._own_headers(), "Content-Type": request.content_type},
            auth=self._sign,
            timeout=(min(CONNECT_TIMEOUT, request.timeout), request.timeout),
            allow_redirects=False,
            stream=True,
            verify=next(iter(config.certificates().values()), None),
        ) as response:
            if request.into is not None and is_ok(response.status_code):
                with request.into.open("wb") as file:
                    self._read(response, file, limit=None)
                return Response(response.status_code, dict(response.headers), b"")
            body = io.BytesIO()  # which hands over what it holds without a copy
            try:
                self._read(response, body, self._limit)
            except Exception:  # whatever the network raises: what came before it may hold the picture, whole
                self._course.came = Response(response.status_code, dict(response.headers), body.getvalue())
                raise
            return Response(response.status_code, dict(response.headers), body.getvalue())

    def _own_headers(self) -> dict[str, str]:
        """promptkit's own name, since firewalls ban the libraries' default one, and what the endpoint needs besides."""
        own = {"User-Agent": f"promptkit/{__version__}"}
        for name, variable in self._endpoint.headers.items():
            value = config.variable(variable).strip()
            if not value or not value.isprintable() or not value.isascii():
                said = f"{self._endpoint.name} needs the header {name}, and {variable} holds no value for it; set {variable}."
                raise TransportError(said)
            own[name] = value
        return own

    def _session(self) -> requests.Session:
        if self._course.session is None:
            self._course.session = _new_session(self._course)
            # for this machine and private networks no proxy is asked: it could not reach them, and would see the key
            self._course.session.trust_env = not is_local(urlsplit(self._endpoint.base_url).hostname or "")
        return self._course.session

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # a callable, and also where there is no key: with none given, requests would look into .netrc
        if self._key is not None:
            secret = self._key.reveal()
            name = "x-goog-api-key" if self._endpoint.auth == "x-goog-api-key" else "Authorization"
            request.headers[name] = f"Bearer {secret}" if self._endpoint.auth == "bearer" else secret
        return request

    def _read(self, response: requests.Response, body: IO[bytes], limit: int | None) -> None:
        is_packed = "Content-Encoding" in response.headers  # who looks for nothing to unpack copies less
        while chunk := response.raw.read1(AT_ONCE, decode_content=is_packed):
            body.write(chunk)
            if limit is not None and body.tell() > limit:
                said = f"{self._endpoint.name} sent more than {limit / 1e6:.0f} MB; the reply was refused."
                raise TransportError(said, sent=True)

    def _failure(self, error: Exception) -> TransportError:
        from promptkit.providers.network_errors import sentence  # needed where something failed

        said, course = sentence(error, self._endpoint, sent=self._course.sent), self._course
        return TransportError(self._key.scrub(said) if self._key else said, sent=course.sent, came=course.came)


_shared: WeakValueDictionary[tuple[Any, ...], RequestsTransport] = WeakValueDictionary()  # until nobody holds it
_sharing = threading.Lock()
_alive: WeakSet[RequestsTransport] = WeakSet()


def transport_to(endpoint: Endpoint, key: Key | None) -> RequestsTransport:
    """The one transport in this process to an endpoint with a key, so that all who ask there share its connections."""
    who = (endpoint.name, endpoint.base_url, endpoint.auth, key, endpoint.headers)
    with _sharing:
        transport = _shared.get(who)
        if transport is None:
            transport = _shared[who] = RequestsTransport(endpoint, key)
        return transport


def _leave_the_parents() -> None:
    """A forked child talks on none of its parent's connections: two processes that read from one get halves of each other's answers."""
    global _sharing
    _sharing = threading.Lock()
    _shared.clear()
    for transport in list(_alive):
        transport.leave_connections()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_the_parents)


def _is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


# One request on its way


class _Course(threading.local):
    """Each thread's session, when its request must be over, and whether any of the request has left: only then can it be charged."""

    session: requests.Session | None = None
    deadline = 0.0
    sent = False
    came: Response | None = None  # the part of a response that came before it broke off

    def start(self, seconds: float) -> None:
        self.deadline, self.sent, self.came = time.monotonic() + seconds, False, None

    @property
    def left(self) -> float:
        """Seconds; TimeoutError when there are none."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the time for it was over")
        return seconds


class _Reading(io.RawIOBase):
    """What a socket brings, where each read may take what is left; a socket's own time-out starts anew with each byte that trickles in."""

    def __init__(self, raw: io.RawIOBase, socket: Any, course: _Course) -> None:
        self._raw, self._socket, self._course = raw, socket, course

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(self._course.left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _new_session(course: _Course) -> requests.Session:
    from http.cookiejar import DefaultCookiePolicy

    import requests
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def build_connection_pool_key_attributes(self, *args: Any, **options: Any) -> Any:
            host: Any
            host, pool = super().build_connection_pool_key_attributes(*args, **options)
            if host["scheme"] == "https" and (more := [*config.certificates().values()][1:]):  # requests itself takes the first
                pool["ssl_context"] = _trusting(*more)
            return host, pool

        def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
            pool: Any = super().get_connection_with_tls_context(*args, **options)
            if not hasattr(pool.ConnectionCls, "course"):
                pool.ConnectionCls = _bounded(pool.ConnectionCls, course)
            return pool

    class Session(requests.Session):
        # requests would read where a redirect leads, and all that it carries, even if it does not go there
        def get_redirect_target(self, resp: object) -> None:  # noqa: ARG002
            return None

    session = Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # one request tells the next nothing
    session.mount("https://", Adapter())
    session.mount("http://", Adapter())
    return session


@lru_cache(maxsize=4)
def _trusting(*files: str) -> SSLContext:
    """What checks certificates, also by those of these files."""
    from urllib3.util.ssl_ import create_urllib3_context

    context = create_urllib3_context()
    for file in files:
        context.load_verify_locations(file)
    return context


def _bounded(base: Any, the_course: _Course) -> Any:
    """A connection class of urllib3's whose sending and reading end with the course's deadline, and which notes that a request has left."""
    from http.client import HTTPResponse

    class Bounded(base):  # type: ignore[misc]
        course = the_course

        def connect(self) -> None:
            try:
                super().connect()
            finally:
                self.course.sent = False  # what went to a proxy to open a tunnel was not the request

        def send(self, data: Any) -> None:
            if self.sock is None:
                self.connect()
            self.sock.settimeout(self.course.left)
            self.course.sent = True
            super().send(data)

        def response_class(self, socket: Any, *args: Any, **options: Any) -> HTTPResponse:
            response = HTTPResponse(socket, *args, **options)
            response.fp = io.BufferedReader(_Reading(response.fp.detach(), socket, self.course))
            return response

    return Bounded
