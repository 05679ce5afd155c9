"""The command `promptkit make`: what is done here to a step's picture, without a request: crop, resize, pad, convert, channels."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from promptkit.cli.flags import Commands, add_command, add_label, add_output, add_session
from promptkit.cli.output import usage
from promptkit.cli.parser import Parser
from promptkit.cli.session import existing_session, print_steps
from promptkit.cli.written import STDOUT, check_output
from promptkit.errors import LineageError
from promptkit.session.session import Session
from promptkit.session.step import Step

__all__ = ["add"]

ABOUT = "crop, resize, pad or convert a picture, or fit it to channels: a new step, without a request"
LABEL = "{label}"
FOCUS = 'what stays in view: "top left", 50%%,30%% or 300,200, or a box'
RATIO = "width to height, such as 4:5"
SIZE = "in pixels, such as 1080x1080"
FILL = 'a colour: a name, "#rrggbb", transparent (white)'


def add(commands: Commands) -> None:
    """Adds make, with a command for each operation."""
    operations = commands.add_parser("make", help=ABOUT, description=ABOUT).add_commands()
    crop = _operation(operations, "crop", _crop, "cut out a part: a box, or the largest part of a ratio")
    crop.add_argument("box", nargs="?", metavar="BOX", help="200x260+300+420: width x height + left + top, in pixels or %%")
    crop.add_argument("--ratio", help=RATIO)
    crop.add_argument("--focus", help=FOCUS)
    _resizing(_operation(operations, "resize", _resize, "make it larger or smaller"))
    pad = _operation(operations, "pad", _pad, "put it on a larger canvas")
    pad.add_argument("--ratio", help=RATIO)
    pad.add_argument("--size", help=SIZE)
    pad.add_argument("--fill", default="white", help=FILL)
    convert = _operation(operations, "convert", _convert, "make it another type of file")
    convert.add_argument("type", metavar="TYPE", help="png, jpeg, webp, avif")
    convert.add_argument("--quality", type=int, metavar="N", help="1 to 100 (90)")
    convert.add_argument("--max-bytes", type=int, metavar="N", help="lower the quality until the file has at most so many")
    convert.add_argument("--fill", help="the colour below what is transparent, in a jpeg (white)")
    _channelling(_operation(operations, "channels", _channels, "make one for each channel, labelled by it", labelled=False))


def _operation(operations: Any, name: str, run: Callable[[Namespace], int], about: str, *, labelled: bool = True) -> Parser:
    parser = add_command(operations, name, run, about)
    add_session(parser)
    parser.add_argument("--on", metavar="STEP|TAG", help="whose picture: the head's, unless this names another")
    if labelled:
        add_label(parser)
        add_output(parser, "save the picture there too; - writes its bytes to stdout, instead of its path")
    return parser


def _resizing(resize: Parser) -> None:
    resize.add_argument("size", nargs="?", metavar="SIZE", help=f"{SIZE}; of the picture's ratio")
    resize.add_argument("--width", type=int, metavar="N", help="the height follows")
    resize.add_argument("--height", type=int, metavar="N", help="the width follows")
    resize.add_argument("--longest", type=int, metavar="N", help="the longest side")
    resize.add_argument("--scale", help="0.5 or 50%%")
    resize.add_argument("--stretch", action="store_true", help="to a size of another ratio")


def _channelling(channels: Parser) -> None:
    about = "story=9:16 (a ratio keeps the longest side), post=1080x1080; or the name of a set in library.yaml or your config"
    channels.add_argument("channels", nargs="+", metavar="CHANNEL", help=about)
    channels.add_argument(
        "--fit", choices=("crop", "pad"), default="crop", metavar="crop|pad", help="cut off what is too much (crop), or keep all (pad)"
    )
    channels.add_argument("--focus", help=FOCUS)
    channels.add_argument("--fill", default="white", help=FILL)
    channels.add_argument("--type", help="png, jpeg, webp, avif (the picture's own)")
    channels.add_argument("--quality", type=int, default=90, metavar="N", help="1 to 100 (90)")
    channels.add_argument("--max-bytes", type=int, metavar="N", help="lower the quality until each file has at most so many")
    add_output(channels, f"save each there too; {LABEL} stands for its channel")


# Running


def _crop(options: Namespace) -> int:
    return _made(options, lambda step, kept: step.crop(options.box, ratio=options.ratio, focus=options.focus, **kept))


def _resize(options: Namespace) -> int:
    sides = {name: getattr(options, name) for name in ("width", "height", "longest", "scale", "stretch")}
    return _made(options, lambda step, kept: step.resize(options.size, **sides, **kept))


def _pad(options: Namespace) -> int:
    return _made(options, lambda step, kept: step.pad(ratio=options.ratio, size=options.size, fill=options.fill, **kept))


def _convert(options: Namespace) -> int:
    file = {name: getattr(options, name) for name in ("quality", "max_bytes", "fill")}
    return _made(options, lambda step, kept: step.convert(options.type, **file, **kept))


def _made(options: Namespace, make: Callable[[Step, dict[str, Any]], Step]) -> int:
    session = existing_session(options)
    step = _named(options, session)
    check_output(options, session)
    return print_steps([make(step, {"label": options.label})], options)


def _channels(options: Namespace) -> int:
    session, channels = existing_session(options), _told(options.channels)
    step = _named(options, session)
    if options.output and (options.output == STDOUT or LABEL not in options.output):
        raise usage(f"-o needs {LABEL} in its name, as each channel has a picture: -o 'out-{LABEL}'")
    how = {name: getattr(options, name) for name in ("fit", "focus", "fill", "type", "quality", "max_bytes")}
    for name in channels if options.output and not isinstance(channels, str) else ():
        check_output(_saved_as(options, name), session)
    for made in step.for_channels(channels, **how):
        print_steps([made], _saved_as(options, made.label or ""))
    return 0


def _saved_as(options: Namespace, channel: str) -> Namespace:
    """Where the picture of one channel is saved."""
    output = options.output and options.output.replace(LABEL, channel.replace(os.sep, "-"))
    return Namespace(output=output, overwrite=options.overwrite)


def _told(words: list[str]) -> str | Mapping[str, str]:
    """The channels by name, or the name of a set."""
    if len(words) == 1 and "=" not in words[0]:
        return words[0]
    pairs = [word.rpartition("=")[::2] for word in words]
    if wrong := next((word for word, (name, _) in zip(words, pairs, strict=True) if not name), None):
        raise usage(f"{wrong!r:.60} is no channel; write NAME=RATIO or NAME=WIDTHxHEIGHT, or the name of one set alone")
    named = dict(pairs)
    if len(named) < len(pairs):
        raise usage("a channel is named twice; give each a name of its own")
    return named


def _named(options: Namespace, session: Session) -> Step:
    """The step whose picture is worked on."""
    if (step := session[options.on] if options.on else session.head) is None:
        raise LineageError("The head of this session is not known: --on names the step whose picture it is.", path=session.folder)
    return step
