"""The seam of dialects: the rules that each must pass, one more that a test brings along through the whole chain, and that none leaks."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from kit.config_file import write_config
from kit.conformance import ANOTHER_DIALECT
from kit.dialects import BLUE, CAPTION, RED, DialectTests
from kit.loopback import Loopback, Received, error_reply, json_reply, picture_reply, text_reply
from kit.studio import KINDS, PATH, Studio

import promptkit
from promptkit import Endpoint, Prompt, ProviderError, Refused, Session, SettingsError
from promptkit.providers.dialect import DIALECTS, dialect_named
from promptkit.providers.gemini import Gemini
from promptkit.providers.message import Response, Tokens


def drawn(data: bytes | None = RED, words: str = CAPTION, status: int = 200, **more: Any) -> Any:
    """What Studio answers."""
    look = {"look": [base64.b64encode(data).decode()]} if data else {}
    return json_reply({"words": words, **look, "units": [100, 20, 1000], **more}, status)


# Rules for all


class TestGemini(DialectTests):
    """generateContent passes."""

    dialect = Gemini()
    picture = Response(*picture_reply(RED, text=CAPTION))
    tokens = Tokens(10, 0, 1290)
    words = Response(*text_reply(CAPTION))
    refused = Response(*text_reply("No.", "IMAGE_SAFETY"))
    errors = {kind: Response(*error_reply(status)) for status, kind in {**KINDS, 400: ProviderError}.items()}  # noqa: RUF012
    talks = True


class TestStudio(DialectTests):
    """The dialect of this test passes."""

    dialect = Studio()
    picture = Response(*drawn())
    tokens = Tokens(100, 20, 1000)
    words = Response(*drawn(None))
    refused = Response(*drawn(None, no="taste"))
    errors = {kind: Response(*drawn(None, problem="x", status=status)) for status, kind in {**KINDS, 400: ProviderError}.items()}  # noqa: RUF012
    talks = True


# Another dialect through the whole chain

PRICES = '[models.easel.price.studio]\npicture = 0.5\ntokens = [1000, 2000, 3000]\nas_of = 2026-11-01\n'
SECRET = "sk-of-a-studio-0123"


@pytest.fixture
def studio(service: Loopback) -> Session:
    """A session at a service that speaks Studio."""
    write_config(PRICES)
    return session_at(service)


def session_at(service: Loopback, **more: Any) -> Session:
    endpoint = Endpoint("studio", service.url, auth="bearer", dialect=Studio(), model="easel")
    return Session("./easel", endpoint=endpoint, api_key=SECRET, **more)


def looks(received: Received) -> list[list[bytes]]:
    """The pictures of each line of the talk."""
    return [[base64.b64decode(data) for data in line["look"]] for line in received.json["talk"]]


def test_a_picture_is_asked_for_and_edited_in_another_dialect(service: Loopback, studio: Session) -> None:
    """Generate and edit go out in the dialect's path, type and shape, with the endpoint's key, and cost what its counts say."""
    service.say(drawn(RED), drawn(BLUE))
    fox = studio.generate("a fox", quality="high")
    hat = fox.edit("add a hat")
    first, second = service.received
    assert (first.path, second.path) == (PATH, PATH)
    assert (first.headers["Content-Type"], first.headers["X-Studio"]) == ("application/studio+json", "2")
    assert first.headers["Authorization"] == f"Bearer {SECRET}"
    assert first.json == {"engine": "easel", "talk": [{"words": "a fox", "look": []}], "with_quality": "high"}
    assert (second.json["talk"][0]["words"], looks(second)) == ("add a hat", [[RED]])
    assert (fox.picture.data, hat.picture.data, fox.record.request["config"]) == (RED, BLUE, {"quality": "high"})
    assert (fox.usage, fox.cost) == ({"units": 1120}, pytest.approx((100 * 1000 + 20 * 2000 + 1000 * 3000) / 1e6))
    assert session_at(service).generate("a fox", quality="high") == fox
    assert len(service.received) == 2


def test_words_are_asked_again_in_another_dialect(service: Loopback, studio: Session) -> None:
    """A reply in words alone is asked again with wording that names the picture."""
    service.say(drawn(None, "How nice!"), drawn(RED))
    fox = studio.generate("a fox")
    assert [a["outcome"] for a in fox.attempts] == ["text", "picture"]
    assert [r.json["talk"][0]["words"] for r in service.received] == ["a fox", "Generate an image: a fox"]


def test_errors_and_refusals_come_from_another_dialect(service: Loopback, studio: Session) -> None:
    """The dialect's errors are raised and recorded, its refusals as well."""
    service.say(drawn(None, problem="no such brush", status=400), drawn(None, no="taste"))
    with pytest.raises(ProviderError, match="no such brush") as failed:
        studio.generate("a fox")
    assert (failed.value.step.outcome, failed.value.step.attempts[0]["message"]) == ("error", "no such brush")
    with pytest.raises(Refused, match="taste"):
        studio.generate("a hen")


def test_an_option_that_the_service_dislikes_is_left_out(service: Loopback, studio: Session) -> None:
    """An option that the service refused is left out of the next attempt, and the record says so."""
    service.say(drawn(None, problem="no quality", status=400), drawn(RED))
    fox = studio.generate("a fox", quality="low", seed=7)
    assert [(r.json.get("with_quality"), r.json.get("with_seed")) for r in service.received] == [("low", 7), (None, 7)]
    assert [a.get("without") for a in fox.attempts] == [None, ["quality"]]


def test_turns_are_kept_in_another_dialect(service: Loopback) -> None:
    """A chain that talks sends the earlier turns as the dialect kept them, the picture once, and keeps no key that was echoed."""
    service.say(drawn(RED, f"done with {SECRET}"), drawn(BLUE))
    easel = session_at(service, chain="chat")
    easel.generate("a fox").edit("add a hat", references=[BLUE])
    assert looks(service.received[1]) == [[], [RED], [BLUE]]
    assert [line["words"] for line in service.received[1].json["talk"]] == ["a fox", "done with [key removed]", "add a hat"]
    assert not [p for p in easel.folder.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]


def test_turns_of_another_dialect_are_not_sent(service: Loopback) -> None:
    """Where an endpoint has changed its dialect, a chain that talks goes on from the picture."""
    service.say(drawn(RED), picture_reply(BLUE))
    session_at(service, chain="chat").generate("a fox")
    Session("./easel", endpoint=Endpoint("studio", service.url, model="easel"), chain="chat", api_key=SECRET).edit("add a hat")
    assert service.received[1].pictures == [RED]


def test_the_dialects_limit_holds(service: Loopback, studio: Session) -> None:
    """A body that is longer than the dialect allows is refused before it is sent, and nothing is recorded."""
    with pytest.raises(SettingsError, match="the limit is 0 MB"):
        studio.generate("a fox " * 5000)
    assert (service.received, len(studio)) == ([], 0)


# Options


def test_an_option_that_the_dialect_lacks_is_refused(service: Loopback, studio: Session) -> None:
    """An option that the dialect does not have is named with those that it has, before anything is sent, in vary and replay too."""
    has = "its options are aspect_ratio, image_size, seed, temperature, safety"
    for call in (Session("./bear", endpoint="offline").generate, Session("./bear", endpoint="offline").vary):
        options = {"root": True} if call.__name__ == "vary" else {}
        with pytest.raises(SettingsError, match=f"^gemini-2.5-flash-image at offline has no quality; {has}"):
            call("a fox", quality="high", **options)
    with pytest.raises(SettingsError, match=r"^easel at studio has no aspect_ratio; its options are image_size, seed, quality"):
        studio.generate("a fox", aspect_ratio="16:9")
    with pytest.raises(SettingsError, match='quality is "low", "medium", "high" or "auto", not \'best\''):
        studio.generate("a fox", quality="best")
    assert service.received == []
    assert not Path("bear").exists()


def test_a_hint_that_the_dialect_lacks_is_left_out(service: Loopback, studio: Session) -> None:
    """A template's hint must not make a request fail: what the dialect does not know, or what fits no option, is not sent."""
    service.always = drawn(RED)
    hints = {"aspect_ratio": "16:9", "image_size": "2K", "quality": "low", "seed": "odd"}
    assert studio.generate(Prompt("a fox", config=hints)).record.request["config"] == {"image_size": "2K", "quality": "low"}
    bear = Session("./bear", endpoint="offline", model="gemini-3-pro-image")
    assert bear.generate(Prompt("a fox", config=hints)).record.request["config"] == {"aspect_ratio": "16:9", "image_size": "2K"}


def test_a_replay_leaves_out_what_another_dialect_lacks(service: Loopback, studio: Session) -> None:
    """A replay at a service of another dialect leaves out the recorded options that it has not, and says so."""
    service.always = drawn(RED)
    studio.generate("a fox", quality="low")
    with pytest.warns(promptkit.PromptkitWarning, match="has no quality 'low', which is left out"):
        (fox,) = studio.replay("./again", endpoint="offline", model="gemini-3-pro-image")
    assert fox.record.request["config"] == {}


# Which dialect


def test_names_of_dialects() -> None:
    """A dialect is found by its name; an endpoint of another name, or of what is no dialect, is refused with the known ones."""
    assert [dialect_named(name).name for name in DIALECTS] == list(DIALECTS)
    with pytest.raises(SettingsError, match=r"'x' has dialect 'gemeni' \(did you mean 'gemini'\?\); known are gemini"):
        Endpoint("x", "https://x.example", dialect="gemeni")
    with pytest.raises(SettingsError, match="neither a Dialect nor a name; known are gemini"):
        Endpoint("x", "https://x.example", dialect=7)  # type: ignore[arg-type]


def test_the_config_file_names_a_dialect() -> None:
    """[endpoints.NAME] and [models.NAME] may say `dialect`; an unknown one is refused with the file and the known ones."""
    write_config('[endpoints.work]\nbase_url = "https://gw.example/v1beta"\ndialect = "gemini"\n')
    assert Endpoint.named("work") == Endpoint("work", "https://gw.example")
    write_config('[endpoints.work]\nbase_url = "https://gw.example"\ndialect = "gopher"\n')
    with pytest.raises(SettingsError, match=r"\[endpoints.work\] in .*config.toml: .* dialect 'gopher'; known are gemini"):
        Endpoint.named("work")
    write_config('[models.easel]\ndialect = "gopher"\n')
    with pytest.raises(SettingsError, match="dialect = 'gopher'; expected one of gemini"):
        Session("./x", endpoint="offline", model="easel").generate("a fox")


def test_a_models_own_dialect_goes_first(service: Loopback) -> None:
    """A model whose facts name a dialect is asked in that, whatever the endpoint speaks."""
    write_config('[models.easel]\ndialect = "gemini"\n')
    service.always = picture_reply(RED)
    assert session_at(service).generate("a fox").ok
    assert service.received[0].path.endswith("/easel:generateContent")


def test_a_pasted_path_is_the_dialects_to_cut() -> None:
    """A base URL loses what the paths of its own dialect begin with, and nothing of another's."""
    path = ANOTHER_DIALECT.rstrip("/")
    for url, base in ((f"https://h{path}/", "https://h"), (f"https://h/a{path}", "https://h/a"), ("https://h/v1beta", "https://h/v1beta")):
        assert Endpoint("x", url, dialect=Studio()).base_url == base
    assert Endpoint("x", f"https://h{path}").base_url == f"https://h{path}"


LEAKS = r"generateContent|/v1beta|\w*TokenCount|candidatesToken|inlineData|inline_data|finishReason|usageMetadata|100_000_000|100 MB"


def test_nothing_else_knows_a_dialect() -> None:
    """Paths, field names, counts and the size limit of generateContent stand in its own files, and with the other party offline."""
    package = Path(promptkit.__file__).parent
    own = {package / "providers" / "gemini.py", package / "providers" / "gemini_batch.py", *(package / "providers" / "offline").iterdir()}
    files = [p for kind in ("*.py", "*.toml") for p in package.rglob(kind) if p not in own]
    found = {(p.name, m) for p in files for m in re.findall(LEAKS, p.read_text(encoding="utf-8"))}
    assert len(files) > 50
    assert found == set()
    assert re.search(LEAKS, (package / "providers" / "gemini.py").read_text(encoding="utf-8"))
