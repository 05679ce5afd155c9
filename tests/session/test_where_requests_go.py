"""Where a session's requests go when nobody names it anew: the base URL that it was opened with, the model of a mailed folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from kit.config_file import write_config
from kit.loopback import Loopback, picture_reply, png, serving
from kit.shell import run_process

from promptkit import Endpoint, FunctionTransport, Library, LineageError, Session, SettingsError
from promptkit.errors import PromptkitWarning
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.providers.models import check_name

KEY = "AIza-not-a-key-0123456789"


def trail(service: Loopback, **more: object) -> Session:
    bear = Session("./bear", endpoint=service.url, **more)  # type: ignore[arg-type]
    bear.generate("a bear").edit("Add a hat").edit("Make it night")
    return bear


# Base URLs


def test_a_base_url_is_named_once(service: Loopback) -> None:
    """A session that was opened with one replays into a new folder, beside itself, squashes, and goes on when it is opened again."""
    bear = trail(service, api_key=KEY)
    for into in ("./cup", bear):
        again = bear.replay(into)
        assert [s.ok for s in again] == [True] * 3  # type: ignore[union-attr]
    again[-1].edit("Add a scarf")  # type: ignore[union-attr]
    bear.squash(2, 3)
    Session("./bear").edit("Make it snow")
    Session("./cup").edit("Make it rain")
    assert {r.request.endpoint for r in Lineage(Path("cup").absolute()).records()} == {service.url.removeprefix("http://")}
    assert [r.headers.get("x-goog-api-key") for r in service.received][:8] == [KEY] * 8


def test_a_transport_or_an_endpoint_of_ones_own_goes_along_too() -> None:
    """What no settings define is the caller's own doing, and a replay into a new folder asks it again."""
    sent: list[str] = []

    def answer(path: str, body: bytes) -> object:
        sent.append(path)
        return picture_reply(png((len(sent) * 40, 9, 9)))

    bear = Session("./bear", transport=FunctionTransport(answer))  # type: ignore[arg-type]
    bear.generate("a bear").edit("Add a hat")
    steps = bear.replay("./cup")
    steps[-1].edit("Make it night")  # type: ignore[union-attr]
    assert len(sent) == 5
    with serving() as service:
        mine = Endpoint("mine", service.url, auth="none", key_env=(), key_required=False)
        Session("./own", endpoint=mine).generate("a bear")
        assert Session("./own").edit("Add a hat").endpoint == "mine"


def test_of_two_bases_at_one_host_none_is_guessed(service: Loopback) -> None:
    """A record holds the host alone; where this process knows two bases there, the one that is meant has to be named."""
    trail(service)
    Session("./other", endpoint=f"{service.url}/team-b")
    with pytest.raises(SettingsError, match="name it again with its base URL"):
        Session("./bear").edit("Make it snow")


@pytest.mark.slow
def test_the_shell_goes_on_where_the_users_own_settings_name_the_host(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """PROMPTKIT_ENDPOINT or the config file names the host of the folder's last step: -e need not. A folder alone names nobody."""
    run_process("generate", "a bear", "-s", "./bear", "-e", service.url)
    assert "its base URL (-e)" in run_process("edit", "Add a hat", "-s", "./bear", code=1)[1]
    assert len(service.received) == 1
    monkeypatch.setenv("PROMPTKIT_ENDPOINT", service.url)
    run_process("edit", "Add a hat", "-s", "./bear")
    run_process("edit", "Make it night", "-s", "./bear")
    run_process("squash", "-s", "./bear", "2", "3")
    run_process("replay", "-s", "./bear", "--into", "./cup")
    monkeypatch.setenv("PROMPTKIT_ENDPOINT", "https://elsewhere.example")
    run_process("edit", "Make it snow", "-s", "./bear", code=1)
    monkeypatch.delenv("PROMPTKIT_ENDPOINT")
    write_config(f'[endpoints.work]\nbase_url = "{service.url}"\nauth = "none"\nkey_env = []\n')
    run_process("edit", "Make it snow", "-s", "./bear")
    assert len(service.received) == 7


# Models of folders from elsewhere


def mailed(folder: str, endpoint: str, model: str) -> Record:
    """A session whose head asked that model, as somebody else may send it."""
    made = Session(folder, endpoint="offline").generate("a bear").record
    fields = {**made.fields, "request": {**made.request, "endpoint": endpoint, "model": model}}
    data = json.dumps(fields).encode()
    digest = hashlib.sha256(data).hexdigest()
    made.path.with_name(f"0001-generate-{digest[:10]}.json").write_bytes(data)
    made.path.unlink()
    (made.path.parent / "head").write_text(f"{digest}\n")
    return Record.read(made.path.with_name(f"0001-generate-{digest[:10]}.json"))


AWAY = ("../../admin", "a/../../../b", "https://evil.example/x", "m?key=1", "m#x", "a\\..\\b", "/etc", "m\r\nHost: e", ".", "a//b", "a b")


@pytest.mark.parametrize("model", AWAY)
def test_a_mailed_models_name_stays_below_the_endpoints_path(service: Loopback, model: str) -> None:
    """A record that came by mail asks nothing but models: what leads away is refused, by an edit and by a replay, before it is sent."""
    write_config(f'[endpoints.work]\nbase_url = "{service.url}"\nauth = "none"\nkey_env = []\n')
    mailed("./bear", "work", model)
    for ask in (lambda: Session("./bear").edit("Add a hat"), lambda: Session("./bear").replay("./cup")):
        with pytest.raises(SettingsError, match="is no model's name"):
            ask()
    assert service.received == []


def test_models_names_of_all_services_are_names() -> None:
    """Names with slashes, colons and signs are asked as they are."""
    for model in ("models/x-1.5", "google/gemini-2.5", "x:free", "@cf/a/b", "gemini-2.5-flash-image", "ft:x-1.5:me::a1"):
        check_name(model)


def test_a_model_that_this_user_never_asked_is_said_once(service: Loopback) -> None:
    """A session that goes on with the model of a folder's head says so before it asks, and then never again, in later processes neither;
    one that was named, the default, and the endpoint's own are not said.
    """
    write_config(f'[endpoints.work]\nbase_url = "{service.url}"\nauth = "none"\nkey_env = []\nmodel = "own"\n')
    mailed("./bear", "work", "dear-model")
    with pytest.warns(PromptkitWarning, match="goes on with dear-model at work.*not asked there before"):
        Session("./bear").edit("Add a hat")
    Session("./bear").edit("Make it night")
    assert "not asked there" not in run_process("edit", "Make it snow", "-s", "./bear")[1]
    assert "not asked there" in run_process("replay", "-s", _other("another"), "--into", "./cup")[1]
    for model in ("own", "gemini-2.5-flash-image"):
        mailed(f"./{model}", "work", model)
        Session(f"./{model}").edit("Add a hat")
    Session("./named", endpoint="work", model="named").generate("a bear")
    mailed("./from-a-friend", "work", "named")
    Session("./from-a-friend").edit("Add a hat")


def _other(model: str) -> str:
    mailed(f"./{model}", "work", model)
    return f"./{model}"


def test_what_is_not_asked_is_not_noted(service: Loopback) -> None:
    """A request that was refused before it was sent makes nothing on disk, and its model is still unknown."""
    with pytest.raises(SettingsError):
        Session("./bear", endpoint=service.url, model="m", budget=1).generate("a bear")
    assert not list(Path("../home").glob("*"))


# Keys in templates


def test_a_key_in_a_templates_source_is_not_kept(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources go into the session's folder as words go into its records: one that holds a key is refused, in a comment, a partial, another
    endpoint's key, and when it is replayed.
    """
    Path("lib").mkdir()
    Path("lib/_part.j2").write_text(f"{{# {KEY} #}}x")
    Path("lib/comment.j2").write_text(f"---\ndescription: d\n---\nA bear {{# ask with {KEY} #}}\n")
    Path("lib/partial.j2").write_text("---\ndescription: d\n---\nA bear {% include '_part.j2' %}\n")
    library = Library("lib")
    for name in ("comment", "partial"):
        with pytest.raises(SettingsError, match=f"The template {name} holds a key") as refused:
            Session("./bear", endpoint=service.url, api_key=KEY).generate(library[name]())
        assert KEY not in str(refused.value)
    assert service.received == []
    assert not Path("bear").exists()
    step = Session("./cup", endpoint=service.url).generate(library.comment())
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    for ask in (lambda: step.again(), lambda: Session("./cup").replay("./mug"), lambda: step.edit(library.partial())):
        with pytest.raises(SettingsError, match="holds a key"):
            ask()
    with pytest.raises((SettingsError, LineageError), match="holds a key"):
        Session("./new", endpoint="offline").generate(library.comment())
