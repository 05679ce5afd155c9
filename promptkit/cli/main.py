"""The command line. Picture paths go to stdout, and what was asked for in words (a rendered prompt, a log); all else goes to stderr.

Exit status: 0 done, 1 an error, 2 a wrong command line, 3 no picture or refused, 4 budget, credit or quota.
"""

from __future__ import annotations

import argparse
import io
import os
import shlex
import shutil
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from promptkit import __version__, atomic
from promptkit.cli import archive as cli_takeaway
from promptkit.cli import explain as cli_explain
from promptkit.cli import replay as cli_replay
from promptkit.cli import search as cli_catalog
from promptkit.cli import templates as cli_templates
from promptkit.cli.output import PATHS_WHOLE, add_command, say, usage
from promptkit.cli.templates import spelled_out, template_named
from promptkit.errors import (
    BudgetExceeded,
    LineageError,
    NoPicture,
    OutOfCredit,
    PromptkitError,
    QuotaExceeded,
    SettingsError,
    did_you_mean,
)
from promptkit.images.picture import check_name
from promptkit.lineage.layout import MARKER
from promptkit.lineage.tree import Lineage
from promptkit.prompts.library import add_library, template_names, templates
from promptkit.prompts.template import Prompt, Template
from promptkit.session.session import Session
from promptkit.session.step import Step
from promptkit.views.facts import headline, is_draft
from promptkit.views.page import page_html
from promptkit.views.tree import tree_text

__all__ = ["main"]

NO_PICTURE, NO_MONEY = 3, 4
TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console of another encoding shows ? rather than nothing
            stream.reconfigure(errors=PATHS_WHOLE)
    parser = _parser()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given:
        parser.print_help(sys.stderr)
        raise usage("name a command; `promptkit demo` shows what this is, without a key")
    options = parser.parse_args(spelled_out(given))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = _show_warning
        try:
            for folder in options.library:
                add_library(folder)
            status: int = options.run(options)
            if sys.stdout is not None:  # nobody is there to read, where it was closed
                sys.stdout.flush()
        except PromptkitError as error:
            say(f"promptkit: {error}")
            return _status(error)
        except KeyboardInterrupt:
            say("promptkit: stopped; what was under way is recorded as interrupted.")
            return 130
        except BrokenPipeError:  # whoever read our output has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except OSError as error:
            say(f"promptkit: the output cannot be written: {error}.")
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or leaving would say it once more
            return 1
    return status


def _status(error: PromptkitError) -> int:
    if isinstance(error, NoPicture):
        return NO_PICTURE
    return NO_MONEY if isinstance(error, BudgetExceeded | OutOfCredit | QuotaExceeded) else 1


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    say(f"promptkit: {message}")


# The commands


def _demo(_: argparse.Namespace) -> int:
    folder = _fresh_folder(Path("promptkit-demo"))
    demo = Session(folder, endpoint="offline")
    panda = demo.generate(templates.sticker(subject="happy red panda", characteristics="a tiny bamboo hat"))
    pair = panda.edit("Put a small white alpaca beside it, facing it")
    print_ = pair.edit(templates.edit.style_transfer(style="ukiyo-e woodblock print"))
    panda.edit("What would suit it at night?")  # answered in text only, and asked again
    demo.tag("for the client", print_)
    demo.goto(print_)
    page = _write_page(demo, folder / "page.html")
    here = f"./{folder}"
    command = _own_command()
    print(f"Offline drafts in {here}, painted without a key or a network; they only hint at the words:\n")
    print(tree_text(Lineage(demo.folder), head=print_.id, files=True))
    print(f"\nThe page with all pictures: {page}\n\nGo on with it:\n")
    for line in (
        f'edit "Put a black cat beside it" -s {here}',
        f'edit "Make it night" -s {here} --on 2',
        f"edit -t edit.style_transfer -i style=watercolour -s {here} --on 1",
        f"log -s {here}",
        f"page -s {here}",
    ):
        print(f"  {command} {line}")
    return 0


def _fresh_folder(folder: Path) -> Path:
    n, fresh = 1, folder
    while fresh.exists():
        n += 1
        fresh = folder.with_name(f"{folder.name}-{n}")
    return fresh


def _own_command() -> str:
    """How this program was started, so that lines can be pasted."""
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m promptkit"
    found = shutil.which("promptkit")
    return "promptkit" if found and Path(found).resolve() == started.resolve() else shlex.quote(sys.argv[0])


def _render(options: argparse.Namespace) -> int:
    print(_rendered(options))
    return 0


def _generate(options: argparse.Namespace) -> int:
    session = _session(options)
    check_name(options.output)
    step = session.generate(_prompt(options), references=options.reference, label=options.label, fresh=options.fresh)
    return _shown([step], options)


def _edit(options: argparse.Namespace) -> int:
    session = _session(options) if options.on else _existing(options, _session)
    check_name(options.output)
    along = {"references": options.reference, "anchor": options.anchor}
    step = session.edit(_prompt(options), on=options.on, **along, label=options.label, fresh=options.fresh)
    return _shown([step], options)


def _vary(options: argparse.Namespace) -> int:
    session = _session(options) if options.on or options.root else _existing(options, _session)
    prompt = _prompt(options) if options.prompt is not None or options.template or options.input else None
    made = {"on": options.on, "root": options.root, "workers": options.workers, "fresh": options.fresh}
    return _shown(session.vary(prompt, options.n, **made), options)


def _add(options: argparse.Namespace) -> int:
    return _shown([_session(options).add(options.picture, label=options.label)], options)


def _undo(options: argparse.Namespace) -> int:
    return _shown([_existing(options).undo()], options)


def _redo(options: argparse.Namespace) -> int:
    return _shown([_existing(options).redo()], options)


def _goto(options: argparse.Namespace) -> int:
    return _shown([_existing(options).goto(options.step)], options)


def _tag(options: argparse.Namespace) -> int:
    session = _existing(options)
    before = session.tags.get(options.name)
    step = session.tag(options.name, options.step)
    moved = f", and no longer step {before.number}" if before and before != step else ""
    say(f"step {step.number} is now {options.name!r}{moved}")
    return 0


def _log(options: argparse.Namespace) -> int:
    session = _existing(options)
    if options.cost:
        return cli_explain.print_spending(session)
    head = session.head
    print(tree_text(Lineage(session.folder), head=head.id if head else None, files=options.files))
    _tell_of_damage(session)
    return 0


def _tell_of_damage(session: Session) -> None:
    if lost := len(session) - len(session.steps):
        say(f"{lost} record{' is' if lost == 1 else 's are'} damaged and not shown; `promptkit verify` names what is wrong")


def _verify(options: argparse.Namespace) -> int:
    problems = _existing(options).verify()
    for problem in problems:
        print(problem)
    say(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}" if problems else "all files are as they were recorded")
    return 1 if problems else 0


def _page(options: argparse.Namespace) -> int:
    session = _existing(options)
    target = Path(options.output) if options.output else session.folder / "page.html"
    if target.is_dir() or not target.name:
        raise SettingsError(f"{target} is a folder; name a file in it, such as {target / 'page.html'}.")
    _tell_of_damage(session)
    if target.suffix.lower() in (".html", ".htm", ""):
        print(_write_page(session, target.with_suffix(target.suffix or ".html")))
        return 0
    from promptkit.views.sheets import contact_sheet

    steps = [s for s in session if s.ok]
    sheet = contact_sheet([s.picture for s in steps], [f"{s.number} {headline(s.record)}" for s in steps])
    try:
        sheet.save(target)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{target} cannot be written ({error}); name an .html file, or a .png for a contact sheet.") from None
    print(target)
    return 0


def _painter(options: argparse.Namespace) -> int:
    from promptkit.providers.offline import service as offline

    try:
        server = offline.serve(options.host, options.port)
    except (OSError, OverflowError) as error:
        where = f"{options.host}:{options.port}"
        raise SettingsError(f"The painter cannot listen at {where}: {error}; --port 0 picks a free port.") from None
    with server:
        host, port = server.server_address[:2]
        say(offline.greeting(f"http://{host!s}:{port}"))
        server.serve_forever()
    return 0


# What the commands share


def _session(options: argparse.Namespace) -> Session:
    names = ("endpoint", "model", "chain", "recover", "budget", "lang", "aspect_ratio", "image_size", "seed", "temperature", "deadline")
    given = {n: getattr(options, n) for n in names if getattr(options, n, None) is not None}
    return Session(options.session, **given)


def _existing(options: argparse.Namespace, opened: Callable[[argparse.Namespace], Session] | None = None) -> Session:
    session = opened(options) if opened else Session(options.session)
    if not len(session):
        beside = [p.parent.name for p in session.folder.parent.glob(f"*/{MARKER}")]
        near = did_you_mean(session.folder.name, beside)
        said = f"There is no session {options.session!r}{near}; looked for {session.folder}; `promptkit generate … -s` makes one."
        raise LineageError(said, path=session.folder)
    return session


def _shown(steps: Sequence[Step], options: argparse.Namespace) -> int:
    for step in steps:
        for warning in step.warnings if not step.ok else ():
            say(f"promptkit: {warning}")
        marks = (" (offline draft)" if is_draft(step.record) else "") + (" (reused, nothing was sent)" if step.reused else "")
        say(f"{step.number} {headline(step.record)}{marks}")
        if step.ok:
            for path in _saved(step, getattr(options, "output", None)):
                print(path)
    return 0 if any(s.ok for s in steps) else NO_PICTURE


def _saved(step: Step, output: str | None) -> Sequence[Path]:
    """Where its pictures are, the copy that was asked for or the session's own."""
    own = step.files[: len(step.pictures)]
    try:
        return [step.save(output)] if output else own
    except PromptkitError:  # what was paid for is there all the same
        print(*own, sep="\n")
        raise


def _write_page(session: Session, target: Path) -> Path:
    folder, head = session.folder, session.head
    base = os.path.relpath(folder, target.parent)
    page = page_html(Lineage(session.folder), head=head.id if head else None, link=lambda name: Path(base, name).as_posix())
    try:
        atomic.write_whole(target, page.encode("utf-8", "replace"))
    except OSError as error:
        raise SettingsError(f"The page {target} cannot be written: {error.strerror or error}; -o names another file.") from None
    return target


def _prompt(options: argparse.Namespace) -> str | Prompt:
    if options.template:
        return _rendered(options)
    if options.prompt is None:
        raise usage('give a prompt ("a red fox in snow"), or a template (-t NAME) with its inputs (-i INPUT=…)')
    if options.input:
        raise usage("-i fills a template's inputs: name the template with -t")
    prompt: str = options.prompt
    if prompt in template_names(templates):
        raise usage(f"{prompt!r} is a template: write -t {prompt} -i …; to send the word itself, end it with a full stop")
    return prompt


def _rendered(options: argparse.Namespace) -> Prompt:
    if getattr(options, "prompt", None) is not None:
        raise usage("give a prompt or a template (-t), not both")
    template = template_named(options.template)
    return template(lang=options.lang, **_inputs(options.input, template))


def _inputs(pairs: Sequence[str], template: Template) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise usage(f"-i takes NAME=VALUE, such as -i subject=\"happy bear\"; {pair!r} has no =")
        if name == "lang":
            raise usage("the language is given as --lang, not as an input")
        declared = template.inputs.get(name)
        kind = declared.type if declared else "string"
        value = _converted(_value(text), kind)
        if name in inputs and kind != "list":
            raise usage(f"the input {name!r} is given twice, and is no list")
        inputs[name] = [*inputs.get(name, ()), value] if kind == "list" else value
    return inputs


def _value(text: str) -> str:
    if text.startswith("@@") or not text.startswith("@"):
        return text.removeprefix("@") if text.startswith("@@") else text
    try:
        return Path(text[1:]).expanduser().read_text(encoding="utf-8-sig").rstrip("\n")
    except (OSError, ValueError) as error:
        raise SettingsError(f"The file {text[1:]} cannot be read: {error}; @@ begins a value with an @ of its own.") from None


def _converted(text: str, kind: str) -> Any:
    """The value as its type wants it; what does not fit stays text, and the template says what is wrong with it."""
    if kind == "boolean" and text.lower() in (*TRUE, *FALSE):
        return text.lower() in TRUE
    try:
        return int(text) if kind == "integer" else float(text) if kind == "number" else text
    except ValueError:
        return text


# The parser


def _parser() -> argparse.ArgumentParser:
    about = "Prompt templates for image models, and sessions that refine a picture step by step."
    parser = argparse.ArgumentParser(prog="promptkit", description=about)
    parser.add_argument("--version", action="version", version=f"promptkit {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Any, text: str, *groups: Any) -> argparse.ArgumentParser:
        made = add_command(commands, name, run, text)
        for group in groups:
            group(made)
        return made

    command("demo", _demo, "make a session of offline drafts in ./promptkit-demo and show it")
    about = "list the templates, or show, write, check, render and test them"
    cli_templates.add_commands(commands.add_parser("templates", help=about, description=about))
    command("render", _render, "print the prompt that a template makes", _library, _template_required, _lang)
    command("generate", _generate, "make a picture", _in_session, _asking, _once, _fresh)
    edit = command("edit", _edit, "continue from a picture", _in_session, _asking, _once, _fresh)
    _on(edit)
    edit.add_argument("--anchor", metavar="STEP|FILE", help="an earlier picture that goes along, so that a long chain does not drift")
    vary = command("vary", _vary, "make several at once; without a prompt more of the head's own", _in_session, _asking, _fresh)
    _on(vary)
    vary.add_argument("-n", type=int, default=4, help="how many (4)")
    vary.add_argument("--root", action="store_true", help="start new roots instead of continuing a picture")
    vary.add_argument("--workers", type=int, default=4, help="how many requests at once (4)")
    add = command("add", _add, "take a picture of your own as a root", _in_session)
    add.add_argument("picture", metavar="FILE")
    add.add_argument("--label", help="a short name for the step")
    command("undo", _undo, "move the head to its parent", _in_session)
    command("redo", _redo, "take back an undo", _in_session)
    goto = command("goto", _goto, "move the head to a step", _in_session)
    goto.add_argument("step", metavar="STEP", help="number, tag, or beginning of an id")
    tag = command("tag", _tag, "name a step", _in_session)
    tag.add_argument("name", metavar="NAME")
    tag.add_argument("step", nargs="?", metavar="STEP", help="number, tag, or beginning of an id; the head")
    log = command("log", _log, "show the tree", _in_session)
    log.add_argument("--files", action="store_true", help="with each step's file")
    log.add_argument("--cost", action="store_true", help="what was spent, by model and by outcome, instead of the tree")
    cli_explain.add_commands(commands, _existing)
    command("verify", _verify, "check all files against their hashes", _in_session)
    page = command("page", _page, "write the tree as one HTML file, or a contact sheet", _in_session)
    page.add_argument("-o", "--output", metavar="FILE", help=".html (page.html in the session's folder), or .png for a contact sheet")
    cli_catalog.add_commands(commands)
    cli_takeaway.add_commands(commands)
    cli_replay.add_commands(commands, _existing, _inputs, _shown)
    painter = command("painter", _painter, "answer requests with offline drafts, behind a socket")
    painter.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    painter.add_argument("--port", type=int, default=8765, help="the port, 0 for any free one (8765)")
    return parser


def _library(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-L", "--library", action="append", default=[], metavar="FOLDER", help="a folder of templates that go first")


def _template_required(parser: argparse.ArgumentParser) -> None:
    _template(parser, required=True)


def _template(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    parser.add_argument("-t", "--template", required=required, metavar="NAME", help="a template")
    about = "an input; VALUE may be @FILE; once for each item of a list"
    parser.add_argument("-i", "--input", action="append", default=[], metavar="INPUT=VALUE", help=about)


def _lang(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lang", help="language of the template, or of a prompt's recovery: en, es-MX, ja, zh-CN, hi")


def _in_session(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", "--session", required=True, metavar="SESSION", help="a session's name, or its folder as a path")


def _asking(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="?", metavar="PROMPT")
    _template(parser)
    _library(parser)
    _lang(parser)
    parser.add_argument("-e", "--endpoint", help="google, deerapi, aaigc, offline, one of your own, or a base URL")
    parser.add_argument("-m", "--model")
    parser.add_argument("--aspect-ratio", metavar="W:H")
    parser.add_argument("--image-size", metavar="SIZE", help="1K, 2K, 4K, where the model has sizes")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--chain", choices=("picture", "chat"))
    parser.add_argument("--recover", type=int, metavar="N", help="how often to ask again after a reply without a picture (2)")
    parser.add_argument("--budget", type=float, metavar="USD", help="for the session's lifetime")
    parser.add_argument("--deadline", type=float, metavar="SECONDS", help="for one step, waits included (600)")


def _once(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-r", "--reference", action="append", default=[], metavar="STEP|FILE", help="a picture that goes along")
    parser.add_argument("-o", "--output", metavar="FILE", help="save the picture there too")
    parser.add_argument("--label", help="a short name for the step")


def _fresh(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fresh", action="store_true", help="ask anew even for what the session holds already")


def _on(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--on", metavar="STEP|TAG|FILE", help="what to continue: the head, unless this names another or a picture file")
