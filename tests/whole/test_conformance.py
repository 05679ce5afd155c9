"""Requests are judged by parties that did not write them: Google's protobuf messages, and google-genai's types and client.

Here are tests of the judges, and requests that have all there is to say in them. What any other test sends is judged when the run ends, by
kit.conformance, and fails the run where it is wrong. What a request says is tested in tests/providers.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from kit.conformance import JUDGES, Collector, Sent, client_of, judged, needs_judges, painting, read
from kit.loopback import png
from kit.notebook import executed
from kit.places import TESTS
from PIL import Image

from promptkit import Session

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import GenerateContentConfig, GenerateContentResponse

pytestmark = needs_judges
MODEL = "gemini-2.5-flash-image"
GOOGLES = f"/v1beta/models/{MODEL}:generateContent"


@pytest.fixture
def collector(pytestconfig: pytest.Config) -> Collector:
    found: Collector = pytestconfig.pluginmanager.get_plugin("conformance")
    return found


# google-genai's client at the painter


@pytest.fixture
def client() -> Iterator[Client]:
    """google-genai, pointed at the painter behind a socket."""
    with painting() as url, client_of(url) as client:
        yield client


def asking(ratio: str | None = None) -> GenerateContentConfig:
    from google.genai.types import GenerateContentConfig, ImageConfig

    return GenerateContentConfig(response_modalities=["TEXT", "IMAGE"], image_config=ImageConfig(aspect_ratio=ratio) if ratio else None)


def picture(response: GenerateContentResponse) -> bytes:
    """The one picture of a reply, which says what it is."""
    (data,) = [part.inline_data.data for part in response.parts or [] if part.inline_data]
    assert isinstance(data, bytes)
    assert Image.open(io.BytesIO(data)).format == "PNG"
    return data


def pixels(data: bytes) -> tuple[tuple[int, int], bytes]:
    image = Image.open(io.BytesIO(data))
    return image.size, image.tobytes()


def test_googles_client_generates_and_edits_at_the_painter(client: Client) -> None:
    """It reads a picture of the size asked for, and one that differs when it sends that back with an instruction, in either of its ways."""
    from google.genai.types import Part

    first = client.models.generate_content(model=MODEL, contents="A red fox in the snow", config=asking("3:2"))
    size, drawn = pixels(picture(first))
    assert size == (1248, 832)
    assert first.text
    assert first.usage_metadata is not None
    assert first.usage_metadata.candidates_token_count == 1290 + 8
    for sent in (Part.from_bytes(data=picture(first), mime_type="image/png"), Image.open(io.BytesIO(picture(first)))):
        edited = client.models.generate_content(model=MODEL, contents=["Make it night", sent], config=asking())
        assert pixels(picture(edited))[0] == size
        assert pixels(picture(edited))[1] != drawn


def test_googles_client_talks_about_one_picture_over_three_turns(client: Client) -> None:
    """Its chat returns each turn with its signatures, and the painter goes on from its own last picture."""
    chat = client.chats.create(model=MODEL, config=asking())
    said = ["A red fox in the snow", "Make it night", "Add a straw hat"]
    drawn = [pixels(picture(chat.send_message(text))) for text in said]
    assert len({data for _, data in drawn}) == 3
    assert {size for size, _ in drawn} == {(1024, 1024)}


def test_googles_client_reads_why_the_painter_refuses(client: Client) -> None:
    """A 400 and a 404 are ClientErrors with the code, the status and the sentence."""
    from google.genai.errors import ClientError

    with pytest.raises(ClientError, match="combination of response modalities") as refused:
        client.models.generate_content(model=MODEL, contents="A red fox")
    assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")
    with pytest.raises(ClientError, match="models/no is not found") as lost:
        client.models.generate_content(model="no/such", contents="A red fox")
    assert (lost.value.code, lost.value.status) == (404, "NOT_FOUND")


# All that promptkit sends


def test_whatever_a_caller_can_set_is_sent() -> None:
    """Sends requests that have all there is to say in them, so that they are among those that are judged."""
    every = {"image_size": "2K", "aspect_ratio": "21:9", "seed": 7, "temperature": 0.35, "safety": {"harassment": "BLOCK_ONLY_HIGH"}}
    for chain in ("picture", "chat"):
        bear = Session(f"./{chain}", endpoint="offline", model="gemini-3-pro-image", chain=chain).generate("生成小熊的图片 “Olé” 🐼")
        bear.edit('Make it night,\t\\ "now"').edit("hazlo", references=[png("red")], **every)
    Session("./sized", endpoint="offline", model="gemini-3-pro-image").generate("a fox", image_size="4K")


def test_what_processes_send_is_seen(collector: Collector) -> None:
    """A request of a process that a test starts is among those that are judged."""
    command = [sys.executable, "-m", "promptkit", "generate", "A hare that is seen", "-s", "./hare", "-e", "offline"]
    subprocess.run(command, check=True, capture_output=True)
    (seen,) = [one for one in collector.sent() if b"A hare that is seen" in one.body]
    assert seen.sender == "a process"
    assert "test_what_processes_send_is_seen" in seen.test


def test_what_kernels_send_is_seen(collector: Collector) -> None:
    """A request of a notebook that a test runs is among those that are judged."""
    cell = "from promptkit import Session\nSession('./owl', endpoint='offline').generate('An owl that is seen')"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)]), "owl.ipynb")
    executed(Path("owl.ipynb"), Path.cwd())
    (seen,) = [one for one in collector.sent() if b"An owl that is seen" in one.body]
    assert seen.sender == "a kernel"
    assert "test_what_kernels_send_is_seen" in seen.test


GOOD = {
    "contents": [{"role": "user", "parts": [{"text": "a fox"}, {"inlineData": {"mimeType": "image/png", "data": "+/8="}}]}],
    "generationConfig": {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio": "3:2", "imageSize": "2K"}, "seed": 7},
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
}
DEPARTURES = [
    ('"inlineData"', '"inline_data"'),
    ('"+/8="', '"-_8="'),
    ('"+/8="', '"+/8"'),
    ('"text"', '"words"'),
    ('"seed": 7', '"seed": "7"'),
    ('"seed": 7', '"seed": 2147483648'),
    ('"IMAGE"', '"PICTURE"'),
    ('"aspectRatio"', '"ratio"'),
    ('"imageSize"', '"size"'),
    ("HARASSMENT", "RUDENESS"),
    ('"OFF"', '"NEVER"'),
]


def test_the_judges_judge() -> None:
    """A request that departs from the protocol in one place is found out."""
    from google.protobuf.json_format import ParseError

    good = json.dumps(GOOD)
    assert read(good.encode()) == GOOD
    for said, other in DEPARTURES:
        departed = good.replace(said, other)
        assert departed != good
        with pytest.raises((AssertionError, ParseError)):
            assert read(departed.encode()) == json.loads(departed)


def sent(body: str, path: str = GOOGLES) -> Sent:
    return Sent("test_that_sent_it", "the tests", path, body.encode())


def test_a_request_that_is_wrong_is_named_with_its_test() -> None:
    """Of several requests those that are none of Google's are told: another path, a field or a value that Google does not know."""
    good = json.dumps(GOOD)
    assert judged([sent(good), sent(good.replace("a fox", "a bear"))]) == []
    wrong = [sent(good, "/v1/images"), sent(good.replace('"seed": 7', '"seed": "7"')), sent(good.replace('"text"', '"words"')), sent("no")]
    said = judged([sent(good), *wrong])
    assert len(said) == len(wrong)
    assert all(line.startswith("test_that_sent_it: ") for line in said)


CONFTEST = """
from kit import conformance

def pytest_configure(config):
    conformance.configure(config)
"""
SENDING = """
import sys
import pytest

class Request(list):
    path = {path!r}

@pytest.mark.parametrize("body", {bodies})
def test_sends(body):
    sys.audit("promptkit.send", Request([body]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "path", "code"), [(0, "/v1/images", 1), (2, "/v1/images", 1), (2, GOOGLES, 0)])
def test_a_run_with_a_wrong_request_fails(tmp_path: Path, workers: int, path: str, code: int) -> None:
    """However many workers there are, a run whose tests pass fails where one of them sent what is none of Google's, and says which."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    bodies = [json.dumps(GOOD | {"contents": [{"role": "user", "parts": [{"text": text}]}]}).encode() for text in ("a fox", "a bear")]
    (tmp_path / "test_it.py").write_text(SENDING.format(bodies=bodies, path=path))
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(tmp_path)]
    own = {k: v for k, v in os.environ.items() if k not in ("CONFORMANCE_FOLDER", "PYTEST_ADDOPTS") and not k.startswith("PYTEST_XDIST")}
    done = subprocess.run(command, capture_output=True, text=True, env=own | {"PYTHONPATH": str(TESTS)})
    assert done.returncode == code, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert f"2 distinct requests of 2 tests were read by {JUDGES[0]}" in done.stdout
    assert f"{2 * code} are wrong" in done.stdout
    assert done.stdout.count("no path of Google's: /v1/images") == 2 * code
