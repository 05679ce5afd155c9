"""What parties that did not write promptkit's requests read in them: Google's protobuf messages, google-genai, a LiteLLM proxy.

The first two are the extra `conformance`. The proxy, the extra `conformance-proxy`, wants a hundred packages, so it runs in an environment
of its own: the folder `litellm` in that of the tests.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from kit.conformance_site import sitecustomize
from promptkit.providers.offline import service as offline

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
    """A plugin that keeps a copy of each distinct request that any test sends, and lets whoever reads them run last."""

    def __init__(self) -> None:
        self.verdict = ""
        self._folder = Path(tempfile.mkdtemp(prefix="conformance-"))
        self._path = os.environ.get("PYTHONPATH")
        os.environ["CONFORMANCE_FOLDER"] = str(self._folder)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(sitecustomize.__file__).parent), *filter(None, [self._path])])
        sitecustomize.watch(str(self._folder))

    def sent(self) -> list[Sent]:
        """All requests so far; what a killed process left half written has another name."""
        parts = (p.read_bytes().split(b"\n", 3) for p in sorted(self._folder.iterdir()) if "." not in p.name)
        return [Sent(test.decode(), sender.decode(), path.decode(), body) for test, sender, path, body in parts]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: item.get_closest_marker("last") is not None)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.verdict:
            terminalreporter.write_line(self.verdict)

    def pytest_unconfigure(self) -> None:
        del os.environ["CONFORMANCE_FOLDER"], os.environ["PYTHONPATH"]
        os.environ |= {"PYTHONPATH": self._path} if self._path is not None else {}
        shutil.rmtree(self._folder, ignore_errors=True)


def configure(config: pytest.Config) -> None:
    """Collects requests where there is somebody to judge them."""
    config.addinivalue_line("markers", "last: runs after all other tests")
    if not missing():
        config.pluginmanager.register(Collector(), "conformance")


# How it is read


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
