"""The parser of the command line: options before or after the command and its words, and one sentence for each typing error.

Needs nothing of promptkit but its words on stderr; the nearest names, and whatever else costs time, come when something is wrong.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import wraps
from typing import Any, NoReturn

from promptkit.cli.output import usage
from promptkit.terminal import has_colour

__all__ = ["FLAGS", "PERHAPS", "Parser", "as_written", "command_first", "parsed", "refuse_command"]

# The options without a value, of all commands: what stands behind another one before the command is its value.
FLAGS = frozenset(
    [
        *("-h", "--help", "--version", "--json", "--all", "--batch", "--changes", "--codes", "--cost", "--drop-credentials", "--dry-run"),
        *("--files", "--fresh", "--full", "--keep-extra", "--no-send", "--open", "--overwrite", "--picked", "--review", "--root"),
        *("--serve", "--siblings", "--similar", "--status", "--stop", "--stretch", "--strip", "--today", "--trail", "--wait", "--words"),
    ]
)
PERHAPS = frozenset({"--embed"})  # those that have a value in some commands, and none in others
# The titles under which --help lists options, in this order; what is in none is under the first or the last.
WORDS, OTHERS = "words", "options"
SECTIONS = {
    WORDS: (),
    "what is asked for": (
        *("--template", "--input", "--library", "-L", "--lang", "--on", "--reference", "--anchor", "--start", "-n", "--root", "--step"),
        *("--today", "--kind", "--from-brackets", "--recipe", "--column", "--keep-extra", "--takes", "--retry"),
    ),
    "what the picture is": (
        *("--aspect-ratio", "--image-size", "--seed", "--temperature", "--quality", "--ratio", "--focus", "--size", "--width", "--height"),
        *("--longest", "--scale", "--stretch", "--fit", "--fill", "--type", "--max-bytes"),
    ),
    "what is said of it": ("--stars", "--note", "--by", "--marked"),
    "who is asked, and how": (
        *("--endpoint", "--model", "--chain", "--recover", "--workers", "--per-minute", "--batch", "--wait", "--fresh", "--no-send"),
        "--deadline",
    ),
    "what it may cost": ("--budget", "--max-requests"),
    "where": ("--session", "--run", "--picked", "--into", "--label", "--output", "--overwrite", "--embed", "--drop-credentials"),
    OTHERS: (),
}
TEXTS = ("-i", "--input", "--label", "--note", "--title", "--from-brackets")  # options whose value is a text, which may have blanks
STEP_WORDS = ("STEP", "FIRST", "LAST", "]PICTURE", "HOW")  # in what stands for a step, which may be named by its marks: @keep is no file
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
        super().__init__(add_help=False, **settings)
        self.sections = {title: self.add_argument_group(title) for title in SECTIONS}
        self.add_argument("-h", "--help", action="help", help="show this")

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """As argparse has it; a text or a number is read as `promptkit.cli.texts` reads them."""
        if "action" not in settings or settings["action"] == "append":
            settings["type"] = _read_as(settings.get("type", str), settings.get("choices"))
            if any(word in str(settings.get("metavar")) for word in STEP_WORDS):
                settings["type"] = _or_by_marks(settings["type"])
        self.actions.append(self.sections[_section(names)].add_argument(*names, **settings))
        return self.actions[-1]

    def add_commands(self) -> Any:
        """What the parsers of its commands are added to."""
        below = self.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
        self.commands = below.choices
        return below

    @property
    def words(self) -> list[argparse.Action]:
        """What it takes by position."""
        return [action for action in self.actions if not action.option_strings and action.help != argparse.SUPPRESS]

    def option(self, name: str) -> argparse.Action | None:
        """What the option of that name is."""
        return next((action for action in self.actions if name in action.option_strings), None)

    def format_help(self) -> str:
        """What --help shows: the sentence, examples, and the options by what people do with them."""
        from promptkit.cli.examples import EXAMPLES

        words = (_as_used(action) for action in self.words)
        self.usage = " ".join(["%(prog)s", *(["COMMAND"] if self.commands else []), *words, "[OPTIONS]"])
        lines = "".join(f"  {line}\n" for line in EXAMPLES.get(self.prog.partition(" ")[2], ()))
        usage, about, rest = super().format_help().split("\n\n", 2)
        return f"{about}\n\n{usage}\n\nexamples:\n{lines}\n{rest}"

    def print_help(self, file: Any = None) -> None:
        """Prints it, with colour on a terminal."""
        stream = file or sys.stdout
        text = self.format_help()
        stream.write(coloured(text) if has_colour(stream) else text)

    def error(self, message: str) -> NoReturn:
        """The exit for a wrong command line, with a sentence of ours for argparse's."""
        said = next((found.expand(new) for pattern, new in SENTENCES if (found := pattern.fullmatch(message))), message)
        raise usage(f"{said.replace('PROG', self.prog)}; `{self.prog} --help` shows how")


def _read_as(kind: Callable[[str], Any], known: Sequence[str] | None) -> Callable[[str], Any]:
    def read(given: str) -> Any:
        if kind is str and not known and given[:1] not in ("-", "@"):
            return given
        from promptkit.cli import texts  # most command lines need none of it

        numbers = {int: texts.whole_number, float: texts.number}
        return texts.one_of(known)(given) if known else numbers.get(kind, texts.text)(given)  # type: ignore[call-overload]

    return read if kind in (str, int, float) else kind


def _or_by_marks(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """A word as it is read, but for @keep and its like."""

    @wraps(read)
    def step(given: str) -> Any:
        if given.startswith("@"):
            from promptkit.lineage.marked import is_marked_word  # few command lines need it

            return given if is_marked_word(given) else read(given)
        return read(given)

    return step


def as_written(given: str) -> str:
    """The type of a value that is read later, with what it is for."""
    return given


def _section(names: Sequence[str]) -> str:
    """Under which title an option or a word stands."""
    return next((title for title, listed in SECTIONS.items() if names[-1] in listed), WORDS if names[0][0] != "-" else OTHERS)


def _as_used(action: argparse.Action) -> str:
    shown = str(action.metavar)
    return {"?": f"[{shown}]", "*": f"[{shown} …]", "+": f"{shown} [{shown} …]"}.get(str(action.nargs), shown)


def coloured(text: str) -> str:
    """The text of a --help with its titles and what is typed in colour."""
    titled = re.sub(r"^(?:usage|[a-z, ]+):", "\033[1m\\g<0>\033[0m", text, flags=re.MULTILINE)
    return re.sub(r"^  (?:-{1,2}\S+|[A-Z]{2}\S*|promptkit .*|[a-z]+(?=  )).*?(?=  |$)", "\033[36m\\g<0>\033[0m", titled, flags=re.MULTILINE)


# Which command


def command_first(words: Sequence[str], commands: Collection[str]) -> list[str]:
    """The words of a command line with the command at their head, and the options that were written before it behind it.

    Where none of them is a command, at their head is what stands where it should be; where nothing stands there, all is as it was.
    """
    at, passed = 0, []
    while at < len(words) and words[at].startswith("-") and words[at] not in ("-", "--"):
        has_value = _has_value(words, at, commands)
        passed += [at + 1] if has_value else []
        at += 2 if has_value else 1
    if at >= len(words) or words[at] not in commands:  # an option that is none has no value
        at = next((i for i in passed if i < len(words) and words[i] in commands), at)
    return [words[at], *words[:at], *words[at + 1 :]] if at < len(words) else list(words)


def _has_value(words: Sequence[str], at: int, commands: Collection[str]) -> bool:
    """Whether what stands behind the option at that place is its value."""
    option, following = words[at], words[at + 1] if at + 1 < len(words) else ""
    if option in FLAGS or "=" in option or (option in PERHAPS and (following.startswith("-") or following in commands)):
        return False
    return option.startswith("--") or len(option) == 2


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
    if not {"-h", "--help"}.isdisjoint(words[: words.index("--")] if "--" in words else words):
        parser.print_help()
        raise SystemExit(0)
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
