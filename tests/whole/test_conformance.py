"""Requests are judged by parties that did not write them: Google's protobuf messages, and google-genai's types and client."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest
from kit.conformance import JUDGES, Collector, needs_judges, painting, read
from kit.loopback import Loopback, png
from PIL import Image

from promptkit import Session

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import GenerateContentConfig, GenerateContentResponse

pytestmark = needs_judges
MODEL = "gemini-2.5-flash-image"


@pytest.fixture
def collector(pytestconfig: pytest.Config) -> Collector:
    found: Collector = pytestconfig.pluginmanager.get_plugin("conformance")
    return found


def client_of(url: str) -> Client:
    from google.genai import Client
    from google.genai.types import HttpOptions

    return Client(api_key="AIza-of-a-test", http_options=HttpOptions(base_url=url, api_version="v1beta"))


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
    (seen,) = [sent for sent in collector.sent() if b"A hare that is seen" in sent.body]
    assert seen.sender == "a process"
    assert "test_what_processes_send_is_seen" in seen.test


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


def by_google(path: str, body: bytes, client: Client, service: Loopback) -> dict[str, Any]:
    """The request that google-genai's client sends for the same contents and configuration, which its types have taken in."""
    from google.genai.types import Content, GenerateContentConfig

    said = json.loads(body)
    model = path.removeprefix("/v1beta/models/").removesuffix(":generateContent")
    contents, config = said.pop("contents"), said.pop("generationConfig") | said
    client.models.generate_content(
        model=model, contents=[Content.model_validate(c) for c in contents], config=GenerateContentConfig.model_validate(config)
    )
    received = service.received.pop()
    assert received.path == path
    return read(received.body)


@pytest.mark.last
def test_every_request_that_was_made_is_one_of_googles(collector: Collector, service: Loopback, request: pytest.FixtureRequest) -> None:
    """Each distinct request of all tests, of the processes that they start and of the notebooks is read by both judges.

    Google's messages know each field and each value, and write the very same JSON from what they read. google-genai's types, which forbid
    what they do not know, take the contents and the configuration, and its client sends the same request for them.
    """
    sent, wrong = collector.sent(), []
    service.always = (200, {}, b"")
    with client_of(service.url) as client:
        for one in sent:
            try:
                assert re.fullmatch(r"/v1beta/models/[\w.-]+:generateContent", one.path)
                said = json.loads(one.body)
                assert read(one.body) == said
                assert by_google(one.path, one.body, client, service) == said
            except Exception as error:
                wrong.append(f"{one.test}: {type(error).__name__}: {error}"[:2000])
    assert wrong == []
    assert sent, "run alone, it has nothing to judge: run the file"
    if any("test_notebooks" in item.nodeid and "runs_twice" in item.nodeid for item in request.session.items):
        assert any(one.sender == "a kernel" for one in sent)
    judges = " and ".join(f"{name} {metadata.version(name)}" for name in JUDGES)
    collector.verdict = f"{len(sent)} distinct requests of {len({one.test for one in sent})} tests were read by {judges}"
