"""The table of all commands, and `main`, which runs one of them.

Picture paths go to stdout, and what was asked for in words (a rendered prompt, a log); all else goes to stderr.
With --json both are flat objects, one a line.
Exit status: 0 done, 1 an error, 2 a wrong command line, 3 no picture or refused, 4 budget, credit or quota, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Collection, Sequence
from importlib import import_module
from types import ModuleType

from promptkit import __version__
from promptkit.cli.output import NO_MONEY, NO_PICTURE, PATHS_WHOLE, say_error, say_warning, speak_json, usage
from promptkit.cli.parser import Parser, command_first, parsed, refuse_command
from promptkit.terminal import is_completing

__all__ = ["GROUPS", "build_parser", "main"]

# All commands by group. A group is a module beside this one, imported only when one of its commands
# runs or shows its --help; so the sentence of each command stands here too.
GROUPS = {
    "demo": {"demo": "make a session of offline drafts in ./promptkit-demo and show it"},
    "doctor": {"doctor": "say what is installed, where requests would go, and what is in the way"},
    "templates": {
        "templates": "list the templates, or show, write, check, render and test them",
        "render": "print the prompt that a template makes",
    },
    "generate": {
        "generate": "make a picture",
        "edit": "continue from a picture",
        "vary": "make several at once; without a prompt more of the head's own",
        "add": "take a picture of your own as a root, or as made by hand from a step's",
    },
    "make": {"make": "crop, resize, pad or convert a picture, or fit it to channels: a new step, without a request"},
    "head": {
        "undo": "move the head to its parent",
        "redo": "take back an undo",
        "goto": "move the head to a step",
        "tag": "name a step",
    },
    "marks": {
        "mark": "keep or reject steps, with stars and a note",
        "marks": "list what readers make of which steps, or take in what they sent",
    },
    "reference": {"reference": "name pictures that go along with -r NAME, or list the names"},
    "history": {
        "log": "show the tree",
        "show": "explain how a picture came to be: each step from the root on, what it asked, what was tried and what it cost",
        "drift": "measure what the edits up to a step did to what nobody asked to change, where it begins to go wrong, and what helps",
        "verify": "check all files against their hashes",
    },
    "page": {"page": "write the session as one HTML file to look at, or a contact sheet"},
    "sheet": {"sheet": "draw a contact sheet: pictures with captions, in rows or in a grid"},
    "search": {
        "sessions": "list the sessions with steps, cost, last change, tags and head",
        "find": "find the steps whose prompt, inputs, label, tags, marks or answer hold all the words",
        "which": "find the step that made a picture: by its bytes, else by its looks",
    },
    "forget": {"forget": "take the pictures of steps out of the session for good, and with --words what was said"},
    "archive": {
        "export": "write the trail of a step, or a whole session, as one zip",
        "import": "make a session of an exported zip, or merge it into one",
        "save": "save the picture of a step to a file",
        "embedded": "print the lineage that a picture file brings along, and what other tools wrote into it",
    },
    "replay": {
        "replay": "run the steps up to the head again, in another session or beside themselves",
        "squash": "ask for several edits at once, from the picture before them",
    },
    "run": {
        "run": "carry a template, or several, out over the rows of a table",
        "recipe": "write the trail of a step as a recipe, which `run --recipe` carries out",
    },
    "price": {"price": "show what a picture costs at each endpoint, or set it in your config file"},
    "painter": {"painter": "answer requests with offline drafts, behind a socket"},
    "completion": {"completion": "print the lines that teach bash, zsh or fish to complete commands, sessions, steps and templates"},
}


# What people do, and with which commands, in the order of `promptkit --help`.
TITLES = {
    "begin": "demo doctor",
    "make and change pictures": "generate edit vary add make reference squash replay",
    "many at once": "run recipe",
    "go back and forth": "undo redo goto tag",
    "look": "log show drift page sheet verify sessions find which price",
    "choose": "mark marks",
    "take along and give away": "save export import embedded forget",
    "write and use templates": "templates render",
    "for shells and other programs": "completion painter",
}
CLOSING = (
    "`promptkit COMMAND --help` shows its options, with examples.",
    "The session is -s, else the one whose folder one stands in, else PROMPTKIT_SESSION.",
    "Everywhere - is stdin or stdout, and @FILE what a file holds.",
    "--json prints objects for programs, one a line.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command, that of `sys.argv` by default; returns its exit status. SystemExit for --help and a wrong command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console of another encoding shows ? rather than nothing; what a file gets is whole
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors=PATHS_WHOLE)
    given = list(sys.argv[1:] if arguments is None else arguments)
    if is_completing():
        from promptkit.cli.completers import complete

        complete(build_parser, {command: group for group, commands in GROUPS.items() for command in commands})
    speak_json("--json" in given)
    _forget_stdin()
    if not given:
        build_parser().print_help(sys.stderr)
        raise usage("name a command; `promptkit demo` shows what this is, without a key")
    try:
        return _run(given)
    finally:
        speak_json(False)


def build_parser(group: str | None = None) -> Parser:
    """The parser of the command line, in which only the commands of that group can be parsed; the others stand in its --help."""
    about = "Prompt templates for image models, and sessions that refine a picture step by step."
    parser = _Whole(prog="promptkit", description=about)
    parser.add_argument("--version", action="version", version=f"promptkit {__version__}", help="show the version")
    commands = parser.add_commands()
    for name, sentences in GROUPS.items():
        if name == group:
            import_module(f"promptkit.cli.{name}").add(commands)
        else:
            for command, sentence in sentences.items():
                commands.add_parser(command, help=sentence)
    return parser


class _Whole(Parser):
    """The parser of the whole command line, whose --help lists the commands by what people do."""

    def format_help(self) -> str:
        """All commands with their sentences, at the width of the terminal."""
        sentences = {command: sentence for commands in GROUPS.values() for command, sentence in commands.items()}
        parts = [f"{_wrapped(str(self.description))}\nusage: promptkit COMMAND [WORDS] [OPTIONS], in any order\n"]
        for title, commands in TITLES.items():
            parts.append(f"{title}:\n" + "".join(_row(command, sentences[command]) for command in commands.split()))
        return "\n".join([*parts, "".join(map(_wrapped, CLOSING))])


def _row(command: str, sentence: str) -> str:
    return _wrapped(sentence, f"  {command:12}")


def _wrapped(text: str, first: str = "") -> str:
    """The text behind what stands first, in lines as wide as the terminal."""
    from shutil import get_terminal_size
    from textwrap import fill

    columns = max(40, get_terminal_size().columns - 2)
    return fill(text, columns, initial_indent=first, subsequent_indent=" " * len(first)) + "\n"


def _parsed(given: Sequence[str]) -> argparse.Namespace:
    """The options of the command that is named among these words, wherever it stands."""
    group_of = {command: group for group, commands in GROUPS.items() for command in commands}
    command, *rest = command_first(given, group_of)
    if command not in group_of:
        if command in ("-h", "--help", "--version"):
            build_parser().parse_args([command])
        refuse_command(command, group_of)
    parser = build_parser(group_of[command]).commands[command]
    if below := parser.commands:
        command, *rest = _spelled_out(rest, below)
        if command not in below:
            parser.print_help()
            raise SystemExit(0)
        parser = below[command]
    return parsed(parser, rest)


def _spelled_out(words: Sequence[str], commands: Collection[str]) -> list[str]:
    """What follows `promptkit templates`, where no command is short for `show`, or `promptkit make`, which needs one."""
    found = command_first(words, commands)
    if found and (found[0] in commands or found[0] in ("-h", "--help")):
        return found
    if "show" in commands:
        return ["show", *words]
    if not found or found[0].startswith("-"):
        raise usage(f"name what to do: {', '.join(commands)}")
    from promptkit.errors import did_you_mean

    raise usage(f"there is no {found[0]!r:.60} to do{did_you_mean(found[0], commands)}; known are {', '.join(commands)}")


def _run(given: Sequence[str]) -> int:
    """Runs the command that these words say; what goes wrong becomes one line on stderr and an exit status."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = _show_warning
        try:
            options = _parsed(given)
            speak_json(getattr(options, "json", False))
            _add_libraries(options.library)
            status: int = options.run(options)
            if sys.stdout is not None:  # nobody is there to read, where it was closed
                sys.stdout.flush()
        except SystemExit:  # before the next line asks for the errors, which --help needs not
            raise
        except _errors().PromptkitError as error:
            say_error(error, _in_shell_words(error))
            return _status(error)
        except KeyboardInterrupt as stop:
            say_error(stop, "stopped; what was under way is recorded as interrupted.")
            return 130
        except BrokenPipeError:  # whoever read our output has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except OSError as error:
            say_error(error, f"the output cannot be written: {error}.")
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or leaving would say it once more
            return 1
    return status


def _in_shell_words(message: Exception | str) -> str:
    from promptkit.cli.shell_words import in_shell_words

    return getattr(message, "in_shell", None) or in_shell_words(str(message))


def _forget_stdin() -> None:
    """What another command of this process read from stdin is no matter of this one."""
    if texts := sys.modules.get("promptkit.cli.texts"):
        texts.begin()


def _add_libraries(folders: Sequence[str]) -> None:
    if folders:
        from promptkit.prompts.library import add_library

        for folder in folders:
            add_library(folder)


def _errors() -> ModuleType:
    from promptkit import errors

    return errors


def _status(error: Exception) -> int:
    from promptkit.errors import BudgetExceeded, NoPicture, OutOfCredit, QuotaExceeded

    if isinstance(error, NoPicture):
        return NO_PICTURE
    return NO_MONEY if isinstance(error, BudgetExceeded | OutOfCredit | QuotaExceeded) else 1


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    say_warning(_in_shell_words(message))
