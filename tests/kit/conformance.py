"""What parties that did not write promptkit's requests read in them: Google's protobuf messages, google-genai, a LiteLLM proxy.

The first two are the extra `conformance`. The proxy, the extra `conformance-proxy`, wants a hundred packages, so it runs in an environment
of its own: the folder `litellm` in that of the tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kit.conformance_site import sitecustomize
from kit.loopback import Loopback, serving
from promptkit.providers.offline import service as offline

if TYPE_CHECKING:
    from google.genai import Client

FOLDER = "CONFORMANCE_FOLDER"
VERTEX = "/v1beta1/publishers/google/models/"  # where a path of Vertex express begins
ANOTHER_DIALECT = "/another-dialect/"  # where a dialect that a test makes up sends its requests, which are not Google's to judge
JUDGES = ("google-ai-generativelanguage", "google-genai")
PROXY = Path(sys.prefix, "litellm", "Scripts/litellm.exe" if sys.platform == "win32" else "bin/litellm")


def missing() -> list[str]:
    """Those of the judges' packages that are not installed."""
    there = {d.name for d in metadata.distributions()}
    return [name for name in JUDGES if name not in there]


needs_judges = pytest.mark.skipif(bool(missing()), reason=f"{' and '.join(missing())} not installed: pip install -e '.[conformance]'")
needs_proxy = pytest.mark.skipif(not PROXY.is_file(), reason=f"no LiteLLM proxy at {PROXY}: .ci/run has the two lines that install it")


# What was sent


@dataclass(frozen=True)
class Sent:
    """One request that promptkit made: in which test, and whether in the tests' own process, in a process of theirs, or in a notebook."""

    test: str
    sender: str
    path: str
    body: bytes


class Collector:
    """The requests that a run's tests send, those of their processes and kernels included: a file each, in one folder for all workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sent(self) -> list[Sent]:
        """All distinct requests so far; what a killed process left half written has another name."""
        parts = (p.read_bytes().split(b"\n", 3) for p in sorted(self.folder.iterdir()) if "." not in p.name)
        return [Sent(test.decode(), sender.decode(), path.decode(), body) for test, sender, path, body in parts]


class Verdict(Collector):
    """The same in the process that begins and ends the run: makes the folder, and judges what is in it when all tests are over."""

    def __init__(self) -> None:
        super().__init__(Path(tempfile.mkdtemp(prefix="conformance-")))
        self._lines: list[str] = []
        self._path = os.environ.get("PYTHONPATH")
        os.environ[FOLDER] = str(self.folder)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(sitecustomize.__file__).parent), *filter(None, [self._path])])
        sitecustomize.watch(str(self.folder))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A run in which a request is none of Google's fails, whatever its tests say."""
        if not (sent := [one for one in self.sent() if not one.path.startswith(ANOTHER_DIALECT)]):
            return
        wrong = judged(sent)
        judges = " and ".join(f"{name} {metadata.version(name)}" for name in JUDGES)
        tests = len({one.test for one in sent})
        self._lines = [f"{len(sent)} distinct requests of {tests} tests were read by {judges}: {len(wrong)} are wrong", *wrong]
        if wrong:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self._lines:
            terminalreporter.write_line(line)

    def pytest_unconfigure(self) -> None:
        del os.environ[FOLDER], os.environ["PYTHONPATH"]
        os.environ |= {"PYTHONPATH": self._path} if self._path is not None else {}
        shutil.rmtree(self.folder, ignore_errors=True)


def configure(config: pytest.Config) -> None:
    """Collects requests where there is somebody to judge them. Workers of pytest-xdist keep theirs in the folder that they inherit."""
    if not missing():
        is_worker = hasattr(config, "workerinput")
        config.pluginmanager.register(Collector(Path(os.environ[FOLDER])) if is_worker else Verdict(), "conformance")


# How it is judged


def judged(sent: Sequence[Sent]) -> list[str]:
    """A sentence for each request that is wrong.

    Google's messages know each field and each value, and write the very same JSON from what they read. google-genai's types, which forbid
    what they do not know, take the contents and the configuration, and its client sends the same request for them.
    """
    wrong = []
    with serving() as service, client_of(service.url) as client, client_of(service.url, vertex=True) as vertex:
        service.always = (200, {}, b"")
        for one in sent:
            try:
                _judge(one, vertex if one.path.startswith(VERTEX) else client, service)
            except Exception as error:
                wrong.append(f"{one.test}: {type(error).__name__}: {error}"[:2000])
    return wrong


def _judge(one: Sent, client: Client, service: Loopback) -> None:
    said = json.loads(one.body)
    if not re.fullmatch(rf"(?:/v1beta/models/|{VERTEX})[\w.-]+:generateContent", one.path):
        raise ValueError(f"no path of Google's: {one.path}")
    if (other := read(one.body)) != said:
        raise ValueError(f"Google's messages write {other!r:.900} for {said!r:.900}")
    if (other := _by_google(one.path, one.body, client, service)) != said:
        raise ValueError(f"google-genai sends {other!r:.900} for {said!r:.900}")


def _by_google(path: str, body: bytes, client: Client, service: Loopback) -> dict[str, Any]:
    """The request that google-genai's client sends for the same contents and configuration, which its types have taken in."""
    from google.genai.types import Content, GenerateContentConfig

    said = json.loads(body)
    model = path.rpartition("/")[2].removesuffix(":generateContent")
    contents, config = said.pop("contents"), said.pop("generationConfig") | said
    client.models.generate_content(
        model=model, contents=[Content.model_validate(c) for c in contents], config=GenerateContentConfig.model_validate(config)
    )
    received = service.received.pop()
    if received.path != path:
        raise ValueError(f"google-genai sends to {received.path}")
    return read(received.body)


def client_of(url: str, *, vertex: bool = False) -> Client:
    """google-genai's client, pointed at a server of ours; with `vertex` as it asks Vertex express."""
    from google.genai import Client
    from google.genai.types import HttpOptions

    options = HttpOptions(base_url=url, api_version="v1beta1" if vertex else "v1beta")
    return Client(api_key="AIza-of-a-test", vertexai=vertex, http_options=options)


def read(body: bytes) -> dict[str, Any]:
    """A request as Google's messages read it, written again as JSON: camelCase, standard base64. Raises for whatever they do not know.

    The newest release of the messages, 0.12.1, knows no imageSize, which Google's discovery document has beside aspectRatio: where
    the messages lack it, it is passed around them.
    """
    from google.ai.generativelanguage_v1beta import GenerateContentRequest, ImageConfig
    from google.protobuf import json_format

    said = json.loads(body)
    image = said["generationConfig"].get("imageConfig", {})
    size = {} if "image_size" in ImageConfig.pb().DESCRIPTOR.fields_by_name else {k: image.pop(k) for k in ("imageSize",) if k in image}
    message = json_format.Parse(json.dumps(said) if size else body, GenerateContentRequest.pb()(), ignore_unknown_fields=False)
    found: dict[str, Any] = json_format.MessageToDict(message)
    if size:
        found["generationConfig"]["imageConfig"] |= size
    return found


# The painter


@contextmanager
def painting() -> Iterator[str]:
    """The address of the painter behind a socket, as `promptkit painter` serves it."""
    server = offline.serve()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
