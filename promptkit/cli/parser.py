"""The parser of the command line: options before or after the command and its words, and one sentence for each typing error.

Needs nothing of promptkit but its words on stderr; the nearest names, and whatever else costs time, come when something is wrong.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn

from promptkit.cli.output import usage

__all__ = ["FLAGS", "Parser", "command_first", "parsed", "refuse_command"]

# The options without a value, of all commands: what stands behind another one before the command is its value.
FLAGS = frozenset(
    [
        *("-h", "--help", "--version", "--json", "--all", "--changes", "--codes", "--cost", "--drop-credentials", "--dry-run", "--embed"),
        *("--files", "--fresh", "--full", "--no-send", "--overwrite", "--root", "--similar", "--strip", "--today", "--words"),
    ]
)
TEXTS = ("-i", "--input", "--label", "--from-brackets")  # options whose value is a text, which may have blanks
WORDED = ("PROMPT", "NAME", "WORD")  # and such words
SENTENCES = (  # argparse's, and ours
    (re.compile(r"the following arguments are required: (.*)"), r"`PROG` needs \1"),
    (re.compile(r"argument ([^\s/]+)\S*: expected one argument"), r"\1 needs a value"),
    (re.compile(r"argument ([^\s/]+)\S*: not allowed with argument ([^\s/]+)\S*"), r"\1 and \2 exclude each other"),
    (re.compile(r"argument ([^\s/]+)\S*: ignored explicit argument (.*)"), r"\1 takes no value, and \2 was given"),
    (re.compile(r"ambiguous option: (\S+) could match (.*)"), r"\1 may be \2: write it out"),
    (re.compile(r"argument ([^\s/]+)\S*: (.*)"), r"\1: \2"),
)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, and which knows its `actions` and the parsers of the `commands` that can follow."""

    def __init__(self, **settings: Any) -> None:
        self.actions: list[argparse.Action] = []
        self.commands: Mapping[str, Parser] = {}
        super().__init__(**settings)

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """As argparse has it."""
        self.actions.append(super().add_argument(*names, **settings))
        return self.actions[-1]

    def add_commands(self) -> Any:
        """What the parsers of its commands are added to."""
        below = self.add_subparsers(metavar="COMMAND", required=True)
        self.commands = below.choices
        return below

    @property
    def words(self) -> list[argparse.Action]:
        """What it takes by position."""
        return [action for action in self.actions if not action.option_strings and action.help != argparse.SUPPRESS]

    def option(self, name: str) -> argparse.Action | None:
        """What the option of that name is."""
        return next((action for action in self.actions if name in action.option_strings), None)

    def error(self, message: str) -> NoReturn:
        """The exit for a wrong command line, with a sentence of ours for argparse's."""
        said = next((found.expand(new) for pattern, new in SENTENCES if (found := pattern.fullmatch(message))), message)
        raise usage(f"{said.replace('PROG', self.prog)}; `{self.prog} --help` shows how")


# Which command


def command_first(words: Sequence[str], commands: Collection[str]) -> list[str]:
    """The words of a command line with the command at their head, and the options that were written before it behind it.

    Where none of them is a command, at their head is what stands where it should be; where nothing stands there, all is as it was.
    """
    at, passed = 0, []
    while at < len(words) and words[at].startswith("-") and words[at] not in ("-", "--"):
        has_value = words[at] not in FLAGS and "=" not in words[at] and (words[at].startswith("--") or len(words[at]) == 2)
        passed += [at + 1] if has_value else []
        at += 2 if has_value else 1
    if at >= len(words) or words[at] not in commands:  # an option that is none has no value
        at = next((i for i in passed if i < len(words) and words[i] in commands), at)
    return [words[at], *words[:at], *words[at + 1 :]] if at < len(words) else list(words)


def refuse_command(word: str, commands: Collection[str]) -> NoReturn:
    """The exit for a command that is none, with the nearest one."""
    if word.startswith("-"):
        raise usage(f"{word!r:.60} stands without a command; `promptkit --help` shows them all")
    from promptkit.errors import did_you_mean

    if word.strip().count(" "):
        raise usage(f'there is no command {word!r:.60}; `promptkit generate "…" -s NAME` makes a picture of words')
    raise usage(f"there is no command {word!r:.60}{did_you_mean(word, commands)}; `promptkit --help` shows all")


# Its options and words


def parsed(parser: Parser, words: Sequence[str]) -> argparse.Namespace:
    """The options of a command, which may stand before and after its words; after -- all are words, whatever they look like."""
    known = parser.parse_known_args if "--" in words else parser.parse_known_intermixed_args
    options, left = known(words)
    if left:
        raise usage(_unknown_option(parser, left) or _one_too_many(parser, list(words), left[0]))
    return options


def _unknown_option(parser: Parser, left: Sequence[str]) -> str | None:
    from promptkit.errors import did_you_mean

    name = next((word.partition("=")[0] for word in left if word.startswith("-") and word not in ("-", "--")), None)
    known = [text for action in parser.actions if action.help != argparse.SUPPRESS for text in action.option_strings]
    near = name and did_you_mean(name, known)
    return name and f"`{parser.prog}` has no option {name:.60}{near}; `{parser.prog} --help` shows all"


def _one_too_many(parser: Parser, words: list[str], left: str) -> str:
    """What is wrong with a word too many: most are part of a text without quotes, or a session that stands where a word is wanted."""
    together = _around(parser, words, words.index(left))
    if len(together) > 1:
        return f'{left!r:.60} stands alone: put what belongs together in quotes, "{" ".join(together)}"'
    most = " ".join(str(action.metavar) for action in parser.words) or "no words"
    is_session = parser.option("-s") is not None and not left.isdigit()
    hint = f"; a session is named with -s: {parser.prog} -s {left:.60}" if is_session else ""
    return f"`{parser.prog}` takes {most}, and {left!r:.60} is too much{hint}"


def _around(parser: Parser, words: Sequence[str], at: int) -> Sequence[str]:
    """The words around one that make a text with it: between the same two options, without what is no text; none where none is wanted."""
    begin, end = at, at + 1
    while begin and not words[begin - 1].startswith("-"):
        begin -= 1
    while end < len(words) and not words[end].startswith("-"):
        end += 1
    option = words[begin - 1] if begin else ""
    are_texts = [action.metavar in WORDED for action in parser.words]
    if option in TEXTS:
        return words[begin:end]
    if True not in are_texts:
        return ()
    taken = parser.option(option)
    begin += 1 if taken and taken.nargs != 0 else are_texts.index(True)  # such as a step's number, which stands before the text
    return words[min(at, begin) : end]
