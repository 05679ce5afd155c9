"""What the user's machine says: environment variables, the config file, the user's folders and language.

The config file is `config.toml` in the user's config folder (PROMPTKIT_HOME moves it, templates and sessions with it):

    lang = "zh-CN"                      # the language in which templates are rendered
    name = "Ann"                        # who you are to those who share a session: who forgot a step

    [endpoints.work]                    # Session("bear", endpoint="work")
    base_url = "https://gateway.example.com"
    auth = "bearer"                     # x-goog-api-key (default), bearer, raw, none
    key_env = "WORK_API_KEY"            # a name or a list of names; never a key itself
    model = "gemini-2.5-flash-image"    # optional
    dialect = "gemini"                  # optional: what the service speaks; an installed dialect by its name
    headers = {x-team = "TEAM_TOKEN"}   # optional: further headers, each with the variable that holds its value

What stands in an [endpoints.NAME] is read by promptkit.providers.endpoints, in a [models."NAME"] by promptkit.providers.models.
"""

from __future__ import annotations

import os
import sys
import time
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from promptkit.errors import SettingsError

__all__ = [
    "as_spelled",
    "certificates",
    "config_file",
    "data_folder",
    "endpoints",
    "has_screen",
    "language",
    "models",
    "sends",
    "template_folders",
    "user_name",
    "variable",
    "write_table",
]

BOM = b"\xef\xbb\xbf"


# Folders and files


def config_file() -> Path:
    """Where the config file is, whether or not it exists."""
    return Path(_config_file(os.environ.get("PROMPTKIT_HOME", "")))


@lru_cache(maxsize=16)
def _config_file(home: str) -> str:
    return str(_home("config", home) / "config.toml")


def data_folder() -> Path:
    """Where sessions live that were named and not given a folder."""
    return _home("data", os.environ.get("PROMPTKIT_HOME", "")) / "sessions"


def as_spelled(path: Path) -> Path:
    """The path as the disk spells it: where nothing has these characters, one that shows the same in another encoding (é as one character
    or as two, as macOS and zip files bring it) is meant. The path itself where there is none either.
    """
    if str(path).isascii() or os.path.lexists(path) or path.parent == path:
        return path
    folder, wanted = as_spelled(path.parent), unicodedata.normalize("NFC", path.name)
    try:
        names = os.listdir(folder)  # noqa: PTH208  (much faster than making a Path of each)
    except OSError:
        return folder / path.name
    return folder / next((name for name in names if unicodedata.normalize("NFC", name) == wanted), path.name)


def template_folders() -> tuple[str, ...]:
    """The folders of PROMPTKIT_TEMPLATES (separated as PATH is), then the user's own; absolute, whether or not they exist."""
    named, home = os.environ.get("PROMPTKIT_TEMPLATES", ""), os.environ.get("PROMPTKIT_HOME", "")
    return _template_folders(named, home, os.getcwd() if named or home else "")  # noqa: PTH109


@lru_cache(maxsize=16)
def _template_folders(named: str, home: str, here: str) -> tuple[str, ...]:
    folders = (*filter(None, named.split(os.pathsep)), str(_home("config", home) / "templates"))
    return tuple(os.path.normpath(os.path.join(here, os.path.expanduser(f))) for f in folders)  # noqa: PTH111, PTH118


def language() -> str:
    """The language in which templates are rendered where the call names none: PROMPTKIT_LANG, else the config file's `lang`, else en."""
    return os.environ.get("PROMPTKIT_LANG") or _configured_language(os.environ.get("PROMPTKIT_HOME", ""), int(time.monotonic()))


@lru_cache(maxsize=4)
def _configured_language(home: str, second: int) -> str:  # noqa: ARG001  (each rendering asks, so that the disk is asked once a second)
    return _config().get("lang") or "en"


def user_name() -> str:
    """The user's name as the config file gives it, "" where it gives none; never the login."""
    return str(_config().get("name", ""))


def variable(name: str) -> str:
    """The environment variable's value as it stands there, "" where it is not set."""
    return os.environ.get(name, "")


def has_screen() -> bool:
    """Whether a window can be opened: always said of macOS and Windows, elsewhere of X11 and Wayland sessions."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def sends() -> bool:
    """Whether requests may be sent: PROMPTKIT_SEND=never forbids it. SettingsError for another word: a misspelt one costs nothing."""
    said = os.environ.get("PROMPTKIT_SEND", "").strip().lower()
    if said not in ("", "never"):
        raise SettingsError(f"PROMPTKIT_SEND is {said!r:.60}, and knows one word: never, with which nothing is sent; unset it to send.")
    return not said


CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def certificates() -> dict[str, str]:
    """The files of certificates that are trusted instead of those that come along, each once, by the variables that name them.

    All of them count: a company's file in one variable is not undone by what a tool put into another.
    """
    named = {path: name for name in reversed(CERTIFICATES) if (path := os.environ.get(name))}
    return {named[path]: path for path in reversed(named)}


def endpoints() -> Mapping[str, Any]:
    """What the config file says of endpoints, by their names, as it stands there."""
    said = _config().get("endpoints", {})
    if not isinstance(said, dict):
        raise SettingsError(f"The config file {config_file()} has endpoints = {said!r}; write tables named [endpoints.NAME].")
    return said


def models() -> Mapping[str, Any]:
    """What the config file says of models, by their names, as it stands there."""
    said = _config().get("models", {})
    if not isinstance(said, dict):
        raise SettingsError(f"The config file {config_file()} has models = {said!r:.60}; write tables named [models.\"NAME\"].")
    return said


def write_table(path: Sequence[str], values: Mapping[str, Any]) -> None:
    """Puts values into a table of the config file, which is made where there is none; its comments and all else stay as they are.

    SettingsError, with the lines to write by hand, where the file cannot be read, changed or written.
    """
    file = config_file()
    try:
        _write(file.resolve(), path, values)  # a link stays a link
    except (OSError, ValueError) as error:
        from promptkit.toml_edit import with_table

        lines = with_table("", path, values)
        raise SettingsError(f"The config file {file} cannot be changed ({error}): write into it by hand\n\n{lines}") from None


def _write(file: Path, path: Sequence[str], values: Mapping[str, Any]) -> None:
    from promptkit import atomic
    from promptkit.toml_edit import with_table

    data = file.read_bytes() if file.exists() else b""
    mark = BOM if data.startswith(BOM) else b""
    changed = with_table(data.removeprefix(BOM).decode("utf-8"), path, values)
    mode = file.stat().st_mode if file.exists() else None
    atomic.write_whole(file, mark + changed.encode("utf-8"), durable=True)
    if mode is not None:
        file.chmod(mode & 0o7777)
    _read_config.cache_clear()


def _home(kind: str, home: str) -> Path:
    return Path(os.path.expanduser(home)) if home else _platform_folder(kind)  # noqa: PTH111  (Path's raises where there is no such user)


@cache
def _platform_folder(kind: str) -> Path:
    import platformdirs

    return platformdirs.user_config_path("promptkit") if kind == "config" else platformdirs.user_data_path("promptkit")


def _config() -> Mapping[str, Any]:
    path = _config_file(os.environ.get("PROMPTKIT_HOME", ""))
    try:
        state = os.stat(path)  # noqa: PTH116  (each rendering asks, and a Path costs more than the call)
    except OSError:
        return {}
    return _read_config(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _read_config(path: str, mtime_ns: int, size: int) -> Mapping[str, Any]:  # noqa: ARG001  (a changed file is read again)
    import tomllib  # most people have no config file

    try:
        config = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"The config file {path} cannot be read: {error}.") from None
    for name in config:
        if name not in ("lang", "name", "endpoints", "models"):
            known = "lang, name, [endpoints.NAME] and [models.NAME] are known"
            raise SettingsError(f"The config file {path} has an unknown key {name!r}; {known}.")
    if not isinstance(config.get("lang", ""), str):
        raise SettingsError(f"The config file {path} has lang = {config['lang']!r}; write a language tag such as \"zh-CN\".")
    if not isinstance(config.get("name", ""), str):
        raise SettingsError(f"The config file {path} has name = {config['name']!r:.60}; write a text such as \"Ann\".")
    return config
