"""The flags that several commands take, and how a command is added to the command line. Needs nothing but the table of options."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import Any, Protocol

from promptkit.cli.parser import Parser, as_written

__all__ = [
    "STEP",
    "Commands",
    "add_command",
    "add_deadline",
    "add_fresh",
    "add_label",
    "add_lang",
    "add_library",
    "add_limits",
    "add_names_from",
    "add_no_send",
    "add_output",
    "add_references",
    "add_request_options",
    "add_service",
    "add_session",
    "add_template",
    "given",
]

STEP = "number, tag, or beginning of an id"


class Commands(Protocol):
    """What can follow a command's name: what `add_subparsers` of argparse returns."""

    def add_parser(self, name: str, *, help: str, description: str) -> Parser: ...  # noqa: A002  (argparse's word)


def add_command(commands: Commands, name: str, run: Callable[[Namespace], int], text: str) -> Parser:
    """Adds a command with one sentence about it; `run` gets its options and returns the exit status. Returns its parser."""
    made = commands.add_parser(name, help=text, description=text)
    made.set_defaults(run=run, library=())
    made.add_argument("--json", action="store_true", help="print flat JSON objects, one a line; errors and notes so on stderr")
    return made


def given(options: Namespace, *names: str) -> dict[str, Any]:
    """Those of the options that were given, by name; a command need not have all of them."""
    return {name: value for name in names if (value := getattr(options, name, None)) is not None}


# Flags


def add_session(parser: Parser) -> None:
    """-s: the session that the command works in."""
    about = "a session's name, or its folder as a path (the one whose folder one stands in, else PROMPTKIT_SESSION)"
    parser.add_argument("-s", "--session", metavar="SESSION", help=about)


def add_library(parser: Parser) -> None:
    """-L: more folders of templates."""
    parser.add_argument("-L", "--library", action="append", default=[], metavar="FOLDER", help="a folder of templates that go first")


def add_template(parser: Parser, *, required: bool = False) -> None:
    """-t and -i: a template and its inputs."""
    parser.add_argument("-t", "--template", required=required, metavar="NAME", help="a template")
    about = "an input; VALUE may be @FILE or -; once for each item of a list (mappings in YAML or JSON); or @FILE with inputs by name"
    parser.add_argument("-i", "--input", action="append", type=as_written, default=[], metavar="INPUT=VALUE", help=about)


def add_lang(parser: Parser) -> None:
    """--lang: the language of templates and of recovery."""
    parser.add_argument("--lang", help="language of the template, or of a prompt's recovery: en, es-MX, ja, zh-CN, hi")


def add_service(parser: Parser) -> None:
    """-e and -m: who is asked."""
    parser.add_argument("-e", "--endpoint", help="google, deerapi, aaigc, offline, one of your own, or a base URL")
    parser.add_argument("-m", "--model", help="a model's id (the endpoint's own, or the one that the head was made with)")


def add_request_options(parser: Parser) -> None:
    """What a request asks for beside its prompt: a flag for each option of a request that has one."""
    from promptkit.providers.options import OPTIONS  # commands about templates need none of it

    for option in OPTIONS.values():
        if flag := option.flag:
            shown = flag.metavar or ("|".join(flag.choices) if flag.choices else option.name.upper())
            parser.add_argument(flag.name, dest=option.name, type=flag.type, choices=flag.choices, metavar=shown, help=flag.help)


def add_references(parser: Parser) -> None:
    """-r: pictures that go along, and where their names come from."""
    from promptkit.cli.texts import picture

    about = "a step or a file that goes along, or a name that `promptkit reference` gave; NAME=… names it for this once"
    parser.add_argument("-r", "--reference", action="append", type=picture, default=[], metavar="[NAME=]PICTURE", help=about)
    add_names_from(parser)


def add_names_from(parser: Parser) -> None:
    """--names-from: another session whose named references can be used."""
    about = "another session, by its name or folder, whose named references come along"
    parser.add_argument("--names-from", action="append", metavar="SESSION", help=about)


def add_no_send(parser: Parser) -> None:
    """--no-send: only what is on record."""
    about = "send nothing: bring what is on record, and name what is not with what it may cost"
    parser.add_argument("--no-send", dest="send", action="store_const", const=False, help=about)


def add_limits(parser: Parser) -> None:
    """--budget and --max-requests: what may be spent and asked."""
    from promptkit.cli.texts import text as meant
    from promptkit.cost import USD, Money, parsed_money

    def money(text: str) -> Money:
        if (found := parsed_money(meant(text), USD)) is None:
            raise ArgumentTypeError(f'{text!r:.60} is no sum of money; write 2 for USD, or "20 CNY"')
        return found

    about = 'what may be spent in the session\'s lifetime: 2 for USD, or "20 CNY"'
    parser.add_argument("--budget", type=money, metavar="MONEY", help=about)
    parser.add_argument("--max-requests", type=int, metavar="N", help="how many requests may be sent in the session's lifetime")


def add_deadline(parser: Parser) -> None:
    """--deadline, in seconds."""
    parser.add_argument("--deadline", type=float, metavar="SECONDS", help="for one step, waits included (600)")


def add_output(parser: Parser, text: str, *, required: bool = False) -> None:
    """-o and --overwrite: where something is written."""
    from promptkit.cli.texts import output

    parser.add_argument("-o", "--output", type=output, required=required, metavar="FILE", help=text)
    parser.add_argument("--overwrite", action="store_true", help="replace a file of that name that no session knows")


def add_label(parser: Parser) -> None:
    """--label: a name for the step."""
    parser.add_argument("--label", help="a short name for the step")


def add_fresh(parser: Parser) -> None:
    """--fresh: no reuse."""
    parser.add_argument("--fresh", action="store_true", help="ask anew even for what the session holds already")
