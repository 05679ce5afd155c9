"""The commands that make steps: generate, edit, vary, and add for a picture of one's own."""

from __future__ import annotations

from argparse import Namespace

from promptkit.cli.each import add_each, each_from, prompt_to_vary
from promptkit.cli.flags import (
    Commands,
    add_command,
    add_deadline,
    add_fresh,
    add_label,
    add_lang,
    add_library,
    add_limits,
    add_no_send,
    add_output,
    add_references,
    add_request_options,
    add_service,
    add_session,
    add_template,
)
from promptkit.cli.output import as_json, say
from promptkit.cli.parser import Parser
from promptkit.cli.prompt import prompt_from
from promptkit.cli.session import existing_session, open_session, pictures_along, print_steps
from promptkit.cli.texts import picture
from promptkit.cli.written import check_output

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Adds generate, edit, vary and add."""
    generate = add_command(commands, "generate", _generate, "make a picture")
    _asking(generate)
    _once(generate)
    add_fresh(generate)
    edit = add_command(commands, "edit", _edit, "continue from a picture")
    _asking(edit)
    _once(edit)
    add_fresh(edit)
    _on(edit)
    _region(edit)
    about = "an earlier picture that goes along, so that a long chain does not drift"
    edit.add_argument("--anchor", type=picture, metavar="STEP|FILE", help=about)
    vary = add_command(commands, "vary", _vary, "make several at once; without a prompt more of the head's own")
    _asking(vary)
    add_fresh(vary)
    _on(vary)
    _region(vary)
    add_each(vary)
    vary.add_argument("-n", type=int, help="how many (4); with --each, how many of each (1)")
    vary.add_argument("--root", action="store_true", help="start new roots instead of continuing a picture")
    vary.add_argument("--workers", type=int, default=4, help="how many requests at once (4)")
    own = add_command(commands, "add", _add, "take a picture of your own as a root, or as made by hand from a step's")
    add_session(own)
    own.add_argument("picture", type=picture, metavar="FILE", help="a picture file, or - for stdin")
    own.add_argument("--on", metavar="STEP|TAG", help="the step that it was made from by hand, which it continues")
    add_label(own)


def _asking(parser: Parser) -> None:
    """What all that ask a service take: session, prompt, who is asked, what for, and within which limits."""
    add_session(parser)
    parser.add_argument("prompt", nargs="?", metavar="PROMPT", help="in quotes; @FILE for the text of a file, - for stdin")
    add_template(parser)
    add_library(parser)
    add_lang(parser)
    add_service(parser)
    add_request_options(parser)
    add_references(parser)
    about = "send the last picture alone, or the earlier turns too (picture)"
    parser.add_argument("--chain", choices=("picture", "chat"), metavar="picture|chat", help=about)
    parser.add_argument("--recover", type=int, metavar="N", help="how often to ask again after a reply without a picture (2)")
    add_limits(parser)
    add_no_send(parser)
    add_deadline(parser)


def _once(parser: Parser) -> None:
    add_output(parser, "save the picture there too; - writes its bytes to stdout, instead of its path")
    add_label(parser)


def _on(parser: Parser) -> None:
    about = "what to continue: the head, unless this names another or a picture file"
    parser.add_argument("--on", type=picture, metavar="STEP|TAG|FILE", help=about)


def _region(parser: Parser) -> None:
    about = "what alone may change: WIDTHxHEIGHT+LEFT+TOP in pixels, or all in %%, or a mask: a picture in which it is white"
    parser.add_argument("--region", type=picture, metavar="BOX|FILE", help=about)


def _generate(options: Namespace) -> int:
    session = open_session(options)
    check_output(options, session)
    along = pictures_along(session, options)
    step = session.generate(prompt_from(options), references=along, label=options.label, fresh=options.fresh)
    return print_steps([step], options)


def _edit(options: Namespace) -> int:
    session = open_session(options) if options.on else existing_session(options, open_session(options))
    check_output(options, session)
    along = {"references": pictures_along(session, options), "anchor": options.anchor, "region": options.region}
    step = session.edit(prompt_from(options), on=options.on, **along, label=options.label, fresh=options.fresh)
    return print_steps([step], options)


def _vary(options: Namespace) -> int:
    session = open_session(options) if options.on or options.root else existing_session(options, open_session(options))
    each = each_from(options)
    made = {"on": options.on, "root": options.root, "workers": options.workers, "fresh": options.fresh, "region": options.region}
    along = pictures_along(session, options)
    steps = session.vary(prompt_to_vary(options, each), options.n, each=each, references=along, **made)
    status = print_steps(steps, options)
    if each is not None and not as_json():
        say(str(steps))
    return status


def _add(options: Namespace) -> int:
    session = existing_session(options, open_session(options)) if options.on else open_session(options)
    return print_steps([session.add(options.picture, on=options.on, label=options.label)], options)
