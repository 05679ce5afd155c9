"""promptkit through a real LiteLLM proxy, with the painter's server behind it.

Whether a third party takes our requests and passes on its errors; Google's own judges read them in test_conformance.py.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kit.conformance import PROXY, needs_proxy, painting

from promptkit import KeyRejected, ModelNotFound, ProviderError, Session

pytestmark = [needs_proxy, pytest.mark.slow]
MODEL = "gemini-2.5-flash-image"
KEY = "sk-of-a-test"
READY = 120.0  # seconds; it takes nine
CONFIG = """\
model_list:
  - model_name: {model}
    litellm_params: &behind {{model: gemini/{model}, api_base: "{painter}/v1beta", api_key: AIza-of-a-test}}
  - model_name: drafts
    litellm_params: *behind
general_settings: {{master_key: {key}}}
router_settings: {{num_retries: 0, disable_cooldowns: true}}
"""


@dataclass(frozen=True)
class Proxy:
    """Where it listens, and what it logs."""

    url: str
    log: Path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The proxy, from the time it is ready on; it knows nothing of this environment and calls nobody but the painter."""
    folder = tmp_path_factory.mktemp("proxy")
    with painting() as painter, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        config = folder / "config.yaml"
        config.write_text(CONFIG.format(model=MODEL, painter=painter, key=KEY))
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        command = [PROXY, "--config", config, "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
        free.close()
        proxy = Proxy(f"http://127.0.0.1:{port}", folder / "log.txt")
        with proxy.log.open("wb") as log, subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process:
            try:
                wait_for(proxy, port, process)
                yield proxy
            finally:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()


def wait_for(proxy: Proxy, port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY
    while process.poll() is None and time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/health/liveliness")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    pytest.fail(f"the proxy is not ready:\n{proxy.log.read_text()[-4000:]}")


@pytest.fixture
def proxy(running: Proxy) -> Iterator[str]:
    """The proxy's address; what it logs meanwhile is shown when the test fails."""
    before = running.log.stat().st_size
    yield running.url
    print(running.log.read_bytes()[before:].decode(errors="replace"))


@pytest.mark.parametrize("chain", ["picture", "chat"])
def test_a_chain_goes_through_the_proxy(proxy: str, chain: str) -> None:
    """A generate and two edits, with all that can be set: the pictures are the painter's own, byte for byte."""
    more = {"seed": 7, "temperature": 0.35, "safety": {"harassment": "BLOCK_ONLY_HIGH"}}

    def pictures(session: Session) -> list[bytes]:
        fox = session.generate("A red fox in the snow “Olé” 狐狸", aspect_ratio="3:2")
        night = fox.edit("Make it night")
        return [step.picture.data for step in (fox, night, night.edit("Add a lantern", **more))]

    through = pictures(Session("./through", endpoint=proxy, api_key=KEY, model=MODEL, chain=chain))
    assert through == pictures(Session("./direct", endpoint="offline", model=MODEL, chain=chain))
    assert len(set(through)) == 3


def test_words_alone_are_asked_again_through_the_proxy(proxy: str) -> None:
    """A reply that holds only text arrives as one, and the second attempt brings the picture."""
    fox = Session("./fox", endpoint=proxy, api_key=KEY, model=MODEL).generate("A red fox")
    hat = fox.edit("What would suit it?")
    assert [attempt["outcome"] for attempt in hat.attempts] == ["text", "picture"]
    assert hat.picture.size == fox.picture.size


def test_a_key_that_the_proxy_does_not_know_is_rejected(proxy: str) -> None:
    """Its own error, whatever its status, is about the key."""
    with pytest.raises(KeyRejected):
        Session("./fox", endpoint=proxy, api_key="sk-of-nobody", model=MODEL).generate("A red fox")


def test_a_model_that_the_proxy_does_not_know_is_not_found(proxy: str) -> None:
    """Its own error is about the model."""
    with pytest.raises(ModelNotFound, match="gemini-9"):
        Session("./fox", endpoint=proxy, api_key=KEY, model="gemini-9").generate("A red fox")


def test_what_the_service_behind_the_proxy_says_arrives(proxy: str) -> None:
    """A name that is the proxy's own is sent unchecked; the service's status and its sentence are in the error, inside of the proxy's."""
    with pytest.raises(ProviderError, match=r"image_config.aspect_ratio: must be one of") as refused:
        Session("./fox", endpoint=proxy, api_key=KEY, model="drafts").generate("A red fox", aspect_ratio="1:8")
    assert refused.value.status == 400
