"""What may be typed next, where a shell's Tab asks: sessions, steps, tags, templates, inputs, endpoints and languages, as they are now.

argcomplete says which option or word is meant; it is imported here only, when a shell asks. Nothing is read but what is listed, and no
error is shown: then nothing is offered.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from promptkit.cli.parser import Parser, command_first

__all__ = ["complete"]

MOST = 200  # steps that are offered, the last ones
Offer = Callable[..., Any]


def complete(build_parser: Callable[[str | None], Parser], group_of: Mapping[str, str]) -> None:
    """Answers a shell, and ends the process."""
    import argcomplete
    from argcomplete.completers import FilesCompleter

    from promptkit.cli import texts

    texts.read_nothing()
    words = _words_before()
    first = command_first(words, group_of)[:1] if words else []
    parser = build_parser(group_of.get(first[0]) if first else None)
    for names in (("-s", "--session"), ("-L", "--library"), ("-e", "--endpoint"), ("-m", "--model")):  # they may stand before the command
        parser.add_argument(*names, help=argparse.SUPPRESS)
    for each in _all_parsers(parser):
        for action in each.actions:
            action.default = argparse.SUPPRESS  # or what stood before the command would be lost
            if offer := _offer(action, each):
                action.completer = offer  # type: ignore[attr-defined]  # argcomplete's name for it
    argcomplete.autocomplete(parser, always_complete_options=False, default_completer=FilesCompleter())


def _words_before() -> list[str]:
    """The words that stand before the one that is completed."""
    from promptkit import config

    line = config.variable("COMP_LINE")[: int(config.variable("COMP_POINT") or 0)]
    return line.split()[1:]


def _all_parsers(parser: Parser) -> Iterator[Parser]:
    yield parser
    for each in parser.commands.values():
        yield from _all_parsers(each)


def _offer(action: argparse.Action, parser: Parser) -> Offer | None:
    """What is offered for an option or a word; None where its choices, or files, will do."""
    from argcomplete.completers import DirectoriesCompleter

    name = action.option_strings[-1] if action.option_strings else str(action.metavar)
    if name == "NAME" and not parser.prog.endswith(("templates show", "templates")):
        return _nothing
    offers: dict[str, Offer] = {
        "--session": _sessions,
        "--into": _sessions,
        "--run": DirectoriesCompleter(),
        "--retry": _causes,
        **dict.fromkeys(("--template", "NAME"), _templates),
        "--input": _inputs,
        **dict.fromkeys(("--endpoint", "ENDPOINT"), _endpoints),
        **dict.fromkeys(("--model", "MODEL"), _models),
        "--lang": _languages,
        **dict.fromkeys(("STEP", "STEPS", "FIRST", "LAST", "--step"), _steps),
        **dict.fromkeys(("--on", "--reference", "--anchor", "--start"), _steps_and_files),
        **dict.fromkeys(("FOLDER", "--library", "--in"), DirectoriesCompleter()),
        **dict.fromkeys(("PROMPT", "WORD", "--label"), _nothing),
    }
    return offers.get(name)


def _nothing(**_: object) -> list[str]:
    return []


def _sessions(prefix: str = "", **_: object) -> list[str]:
    """Sessions here by their path, those of the data folder by their name; folders on the way to another one."""
    from promptkit import config
    from promptkit.lineage.layout import has_marker

    with suppress(OSError):
        typed = Path(prefix)
        above = typed if prefix.endswith("/") else typed.parent
        shown = "" if prefix.startswith(("/", "./", "../", "~")) or "/" in prefix else "./"
        folders = [path for path in above.expanduser().iterdir() if path.is_dir() and not path.name.startswith(".")]
        base = "" if str(above) == "." and not prefix.startswith("./") else f"{prefix.rpartition('/')[0]}/"
        here = [f"{shown or base}{path.name}{'' if has_marker(path) else '/'}" for path in folders]
        named = [path.name for path in config.data_folder().glob("*/") if has_marker(path)] if "/" not in prefix else []
        return [*here, *named]
    return []


def _templates(parsed_args: argparse.Namespace, **_: object) -> list[str]:
    from promptkit.prompts.library import Library, template_names, templates

    folders = _folders(parsed_args)
    return list(template_names(Library(*folders) if folders else templates))


def _folders(parsed_args: argparse.Namespace) -> list[str]:
    said = getattr(parsed_args, "library", None) or []
    return said if isinstance(said, list) else [said]


def _inputs(prefix: str, parsed_args: argparse.Namespace, **_: object) -> Mapping[str, str]:
    """The inputs of the template that was named, then the choices of the one that was begun."""
    from promptkit.errors import PromptkitError
    from promptkit.prompts.library import Library, templates

    names = getattr(parsed_args, "template", None)
    folders = _folders(parsed_args)
    with suppress(PromptkitError):
        library: Any = Library(*folders) if folders else templates
        template = library[names[0] if isinstance(names, list) else names]
        name, equals, _value = prefix.partition("=")
        if equals:
            return {f"{name}={key}": "" for key in getattr(template.inputs[name], "choices", None) or ()} if name in template.inputs else {}
        return {f"{each}=": str(declared.description or "") for each, declared in template.inputs.items()}
    return {}


def _endpoints(**_: object) -> list[str]:
    from promptkit.providers.endpoints import known_endpoints

    return list(known_endpoints())


def _models(**_: object) -> list[str]:
    from promptkit.providers import models

    return list(models.known_names())


def _causes(**_: object) -> list[str]:
    from promptkit.runs.causes import RETRIED

    return list(RETRIED)


def _languages(**_: object) -> list[str]:
    return ["en", "es-MX", "hi", "ja", "zh-CN"]


def _steps(parsed_args: argparse.Namespace, **_: object) -> Mapping[str, str]:
    """The numbers and tags of the session that is meant, with what each step is."""
    from promptkit.cli.session import session_around
    from promptkit.errors import PromptkitError
    from promptkit.session.session import Session
    from promptkit.views.facts import headline

    with suppress(PromptkitError):
        around = session_around()
        where = getattr(parsed_args, "session", None) or (around[0] if around else None)
        if where is None:
            return {}
        session = Session(Path(where) if where in (".", "..") else where)
        tags = {tag: headline(step.record) for tag, step in session.tags.items()}
        return {str(step.number): headline(step.record) for step in session.steps[-MOST:]} | tags
    return {}


def _steps_and_files(prefix: str, parsed_args: argparse.Namespace, **_: object) -> Mapping[str, str]:
    from argcomplete.completers import FilesCompleter

    return dict.fromkeys(FilesCompleter()(prefix), "") | dict(_steps(parsed_args))
