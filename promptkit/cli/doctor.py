"""The command `promptkit doctor`: what an installation is, where it would ask, and what is in the way; a key is never shown."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptkit import __version__, config
from promptkit.cli.flags import Commands, add_command
from promptkit.cli.output import as_json, print_objects, say, show
from promptkit.cli.session import session_around
from promptkit.cli.shell_words import in_shell_words
from promptkit.errors import SettingsError
from promptkit.json_objects import flat_object
from promptkit.providers.endpoint_choice import choose_endpoint
from promptkit.providers.endpoints import Endpoint, known_endpoints
from promptkit.providers.keys import key_source
from promptkit.providers.network_errors import proxy_of

__all__ = ["add"]

DISTRIBUTION = "promptkit-image"
MOVES = "GOOGLE_GEMINI_BASE_URL"
NAME_COLUMNS = 14
NEXT_LINE = "\n" + " " * (6 + NAME_COLUMNS)
SIGNS = {True: "ok", False: "wrong", None: "-"}


@dataclass(frozen=True)
class Found:
    """One thing that was looked at: whether it is as it must be (None where it only says what is), and in words."""

    check: str
    ok: bool | None
    message: str

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.check/1): `check`, `ok`, `message`."""
        return flat_object("check", check=self.check, ok=self.ok, message=self.message)


def add(commands: Commands) -> None:
    """Adds doctor."""
    add_command(commands, "doctor", _doctor, "say what is installed, where requests would go, and what is in the way")


def _doctor(_: Namespace) -> int:
    found = [each for look in (_installation, _owners, _settings, _endpoint, _keys, _network, _folders) for each in look()]
    if as_json():
        print_objects(each.to_dict() for each in found)
    for each in () if as_json() else found:
        show(f"{SIGNS[each.ok]:6}{each.check:{NAME_COLUMNS}}{each.message}".replace("\n", NEXT_LINE))
    wrong = sum(each.ok is False for each in found)
    say(f"{wrong} {'thing is' if wrong == 1 else 'things are'} in the way" if wrong else "nothing is in the way")
    return 1 if wrong else 0


# What is installed


def _installation() -> Iterator[Found]:
    yield Found("promptkit", None, f"{__version__}, in {Path(__file__).parent.parent}")
    yield Found("python", None, f"{'.'.join(map(str, sys.version_info[:3]))}, {sys.executable}")
    command = shutil.which("promptkit")
    if command is None:
        yield Found("command", None, f"no promptkit on PATH; {sys.executable} -m promptkit runs this one")
    else:
        own = Path(command).resolve().parent == Path(sys.executable).parent.resolve() or Path(command).parent == Path(sys.executable).parent
        other = "" if own else f", of another installation; {sys.executable} -m promptkit runs this one"
        yield Found("command", own, f"{command}{other}")


def _owners() -> Iterator[Found]:
    """Whether another distribution brings a package of this name, which would be imported in turns with this one."""
    from importlib.metadata import packages_distributions

    others = sorted(set(packages_distributions().get("promptkit", ())) - {DISTRIBUTION})
    if others:
        said = f"{' and '.join(others)} brings a package of this name too: pip uninstall {' '.join(others)}, then install this one again"
        yield Found("import name", False, said)
    else:
        yield Found("import name", True, "no other distribution has it")


# Where it would ask


def _settings() -> Iterator[Found]:
    file = config.config_file()
    try:
        config.language()
        names = ", ".join(config.endpoints()) or "no endpoint of your own"
        yield Found("config", True if file.exists() else None, f"{file} ({names})" if file.exists() else f"none; it would be {file}")
    except SettingsError as error:
        yield Found("config", False, str(error))
    try:
        yield Found("sending", None, "requests may be sent" if config.sends() else "PROMPTKIT_SEND=never: nothing is sent")
    except SettingsError as error:
        yield Found("sending", False, str(error))


def _endpoint() -> Iterator[Found]:
    around = session_around()
    yield Found("session", None, f"{around[1]}; where it has steps, its head's endpoint goes first" if around else "none here")
    named = config.variable("PROMPTKIT_ENDPOINT")
    try:
        endpoint = choose_endpoint(None)
    except SettingsError as error:
        yield Found("endpoint", False if named else None, in_shell_words(str(error)))
        return
    why = "PROMPTKIT_ENDPOINT names it" if named else "a key of Google's is set, and nothing names another"
    moved = f"; {MOVES} moves it" if endpoint.name == "google" and config.variable(MOVES) else ""
    yield Found("endpoint", True, f"{endpoint.name}{f', {endpoint.base_url}' if endpoint.base_url else ''}: {why}{moved}")
    yield from _key(endpoint, needed=True)


def _keys() -> Iterator[Found]:
    try:
        for endpoint in known_endpoints().values():
            yield from _key(endpoint, needed=False)
    except SettingsError:  # said with the config
        return


def _key(endpoint: Endpoint, *, needed: bool) -> Iterator[Found]:
    """In which variable the endpoint's key is; whether it is right only the service knows."""
    if endpoint.auth == "none" or endpoint.is_offline:
        return
    variables = " or ".join(endpoint.key_env)
    try:
        variable = key_source(endpoint)
    except SettingsError as error:
        yield Found(f"key {endpoint.name}", False, str(error))
        return
    if variable is None and needed and endpoint.key_required:
        yield Found(f"key {endpoint.name}", False, f"no key: set {variables}")
    elif not needed:
        yield Found(f"key {endpoint.name}", None, f"in {variable}" if variable else f"none; {variables} would hold it")


def _network() -> Iterator[Found]:
    with_proxy: dict[str, list[str]] = {}
    for endpoint in (e for e in _known() if not e.is_offline):
        proxy, source = proxy_of(endpoint)
        if proxy:
            with_proxy.setdefault(f"{proxy} ({source})", []).append(endpoint.name)
    for proxy, names in with_proxy.items():
        yield Found("proxy", None, f"{proxy} for {', '.join(names)}")
    if not with_proxy:
        yield Found("proxy", None, "none")
    for variable, path in config.certificates().items():
        there = os.path.exists(path)  # noqa: PTH110  (what a variable holds may be no path)
        yield Found("certificates", there, f"{path} ({variable}){'' if there else ' is not there'}")


def _known() -> list[Endpoint]:
    try:
        return list(known_endpoints().values())
    except SettingsError:
        return []


# What is on this machine


def _folders() -> Iterator[Found]:
    yield _writable("sessions", config.data_folder())
    for folder in map(Path, config.template_folders()):
        yield Found("templates", None, f"{folder}{'' if folder.is_dir() else ' (not there)'}")
    yield _writable("this folder", Path.cwd())


def _writable(name: str, folder: Path) -> Found:
    there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    may = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    state = "" if folder == there else " (not there yet)"
    return Found(name, may, f"{folder}{state}" if may else f"{folder}: {there} cannot be written to")
