"""Dialects that another distribution brings: found by name, used over a real socket, and named by one sentence where they are broken.

What each dialect must do, wherever it comes from, is tested in test_dialect.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kit import studio
from kit.config_file import write_config
from kit.dialects import BLUE, RED
from kit.loopback import Loopback, json_reply, picture_reply
from kit.places import FreshEnvironment

from promptkit import Endpoint, Session, SettingsError
from promptkit.providers.dialect import dialect_named, known_dialects

MODULE = Path(studio.__file__).read_text(encoding="utf-8")
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "acme-studio"
version = "2.1"
[project.entry-points."promptkit.dialects"]
studio = "acme_studio:Studio"
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Lays out an installed distribution, as pip does, in a folder that Python imports from."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def lay_out(entry: str, text: str = MODULE, *, name: str = "acme-studio") -> None:
        module = entry.partition("=")[2].strip().partition(":")[0]
        (site / f"{module}.py").write_text(text, encoding="utf-8")
        info = site / f"{name.replace('-', '_')}-2.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.1\n")
        (info / "entry_points.txt").write_text(f"[promptkit.dialects]\n{entry}\n")

    return lay_out


def drawn(data: bytes) -> object:
    import base64

    return json_reply({"words": "Done.", "look": [base64.b64encode(data).decode()], "units": [1, 1, 1]})


def test_the_config_file_names_an_installed_dialect(install: Install, service: Loopback) -> None:
    """An endpoint of the config file whose dialect was installed is asked in it: a picture and its edit go out and come back."""
    install("studio = acme_one:Studio")
    write_config(f'[endpoints.easel]\nbase_url = "{service.url}/another-dialect"\nauth = "none"\nmodel = "easel"\ndialect = "studio"\n')
    service.say(drawn(RED), drawn(BLUE))
    fox = Session("./bear", endpoint="easel", api_key="of-a-test").generate("a fox")
    hat = Session("./bear").edit("add a hat")
    assert [r.path for r in service.received] == [studio.PATH, studio.PATH]
    assert [r.json["talk"][0]["words"] for r in service.received] == ["a fox", "add a hat"]
    assert (fox.picture.data, hat.picture.data) == (RED, BLUE)


def test_a_model_names_an_installed_dialect(install: Install, service: Loopback) -> None:
    """A model of the config file may name one as well, at any endpoint."""
    install("studio = acme_two:Studio")
    write_config('[models.easel]\ndialect = "studio"\n')
    service.say(drawn(RED))
    assert Session("./bear", endpoint=Endpoint("x", service.url), model="easel", api_key="of-a-test").generate("a fox").ok
    assert service.received[0].path == studio.PATH


def test_its_code_runs_only_when_it_is_asked_for(install: Install, service: Loopback) -> None:
    """A dialect that nothing names is not imported, however broken it is."""
    install("studio = acme_three:Studio", "raise RuntimeError('nobody asked for it')")
    service.say(picture_reply(RED))
    assert Session("./bear", endpoint=service.url, api_key="of-a-test").generate("a fox").ok
    assert Endpoint("x", "https://h.example", dialect="studio").dialect == "studio"
    assert "acme_three" not in sys.modules


def test_a_built_in_name_cannot_be_taken_over(install: Install, service: Loopback) -> None:
    """A distribution that declares the name of a built-in dialect is never asked."""
    install("gemini = acme_four:Studio", MODULE.replace('"studio"', '"gemini"'))
    service.say(picture_reply(RED))
    assert Session("./bear", endpoint=service.url, api_key="of-a-test").generate("a fox").ok
    assert known_dialects() == ["gemini"]
    assert "acme_four" not in sys.modules


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise RuntimeError('no brush')", "cannot be loaded from MODULE:Studio (RuntimeError: no brush)"),
        ("import nothing_like_it", "cannot be loaded from MODULE:Studio (ModuleNotFoundError: No module named 'nothing_like_it')"),
        ("", "cannot be loaded from MODULE:Studio (AttributeError: module 'MODULE' has no attribute 'Studio')"),
        ("class Studio:\n    def __init__(self, brush): ...", "cannot be loaded from MODULE:Studio (TypeError: "),
        ("class Studio:\n    name = 'studio'", "is no dialect (it has no root_path, largest_body, options, encode, decode, keep, recall)"),
        ("Studio = 7", "is no dialect (it has no name, "),
        (MODULE.replace('"studio"', '"easel"'), "calls itself 'easel', which should be the name that it is declared by"),
    ],
    ids=["raises", "misses a module", "misses its class", "wants more", "is half", "is a number", "has another name"],
)
def test_a_broken_one_is_one_sentence(install: Install, text: str, said: str, request: pytest.FixtureRequest) -> None:
    """What an installed dialect lacks is told before anything is sent, with its distribution, its version, and what to do."""
    module = f"acme_{abs(hash(request.node.name))}"
    install(f"studio = {module}:Studio", text)
    with pytest.raises(SettingsError) as caught:
        Session("./bear", endpoint=Endpoint("x", "https://h.example", dialect="studio"), api_key="of-a-test").generate("a fox")
    sentence = str(caught.value)
    assert sentence.startswith(f"The dialect 'studio' of acme-studio 2.1 {said.replace('MODULE', module)}")
    assert sentence.endswith(": upgrade or remove acme-studio.")
    assert "\n" not in sentence
    assert not Path("bear").exists()


def test_of_two_with_one_name_none_is_guessed(install: Install) -> None:
    """Two distributions that declare the same name are named, for keys and prompts would go through one of them."""
    install("studio = acme_five:Studio")
    install("studio = acme_six:Studio", name="other-studio")
    with pytest.raises(SettingsError, match=r"declared by .*acme-studio 2.1.*: remove one of them") as caught:
        dialect_named("studio")
    assert "other-studio 2.1" in str(caught.value)


def test_one_that_is_not_installed_is_told_with_those_that_are(install: Install) -> None:
    """An unknown dialect's error lists the installed ones too, offers the nearest, and the same name works as soon as it is installed."""
    install("studio = acme_seven:Studio")
    with pytest.raises(SettingsError, match=r"'stdio' \(did you mean 'studio'\?\); known are gemini, studio; another one is installed"):
        Endpoint("x", "https://h.example", dialect="stdio")
    install("stdio = acme_eight:Studio", name="acme-stdio")
    assert Endpoint("x", "https://h.example", dialect="stdio").dialect == "stdio"


def test_a_package_that_cannot_be_read_hides_no_other(install: Install, tmp_path: Path) -> None:
    """A package whose files are damaged is told of, and the dialects of others are found all the same."""
    install("studio = acme_nine:Studio")
    broken = tmp_path / "site" / "broken-1.0.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (broken / "entry_points.txt").write_bytes(b"[promptkit.dialects]\n\xff\xfe = x\n")
    with pytest.warns(UserWarning, match="An installed package cannot be read"):
        assert known_dialects() == ["gemini", "studio"]


def test_a_mailed_folder_names_no_dialect(install: Install, service: Loopback) -> None:
    """The endpoint's and the model's names that a record holds run no installed code: only the user's own settings name a dialect."""
    Session("./bear", endpoint=Endpoint("studio", service.url), model="studio", api_key="of-a-test").generate("a fox")
    install("studio = acme_ten:Studio", "raise RuntimeError('a folder asked for it')")
    with pytest.raises(SettingsError):  # an endpoint that is not known here any more
        Session("./bear").edit("add a hat")
    assert "acme_ten" not in sys.modules


@pytest.mark.slow
def test_a_dialect_is_built_and_installed(fresh_environment: FreshEnvironment, service: Loopback, tmp_path: Path) -> None:
    """A small distribution, built and pip-installed beside the wheel, is asked by its name in a Session over a real socket."""
    project = tmp_path / "project"
    (project / "acme_studio").mkdir(parents=True)
    (project / "acme_studio/__init__.py").write_text(MODULE, encoding="utf-8")
    (project / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", "dist", project], check=True)
    (wheel,) = Path("dist").glob("*.whl")
    installing = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "-q", "--target", "site", wheel]
    subprocess.run(installing, check=True)
    service.say(drawn(RED))
    script = (
        "import sys; sys.path.insert(0, 'site')\n"
        "from promptkit import Endpoint, Session\n"
        f"there = Endpoint('easel', {service.url!r}, dialect='studio', model='easel')\n"
        "print(Session('./bear', endpoint=there, api_key='of-a-test').generate('a fox').outcome)"
    )
    assert fresh_environment.run("-c", script, cwd=Path.cwd()) == "picture\n"
    assert service.received[0].path == studio.PATH
