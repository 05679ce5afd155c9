"""From --each to what varies: words, inputs of the template, and what goes along, each VALUE of a name on its own."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from promptkit.cli.output import usage
from promptkit.cli.parser import Parser
from promptkit.cli.prompt import inputs_from, prompt_from, template_named
from promptkit.cli.texts import picture
from promptkit.cli.texts import text as meant
from promptkit.prompts.inputs import Input
from promptkit.prompts.template import Prompt
from promptkit.providers.options import OPTIONS

__all__ = ["add_each", "each_from", "prompt_to_vary"]

EACH = "each"  # what values without a name vary
NAMED = re.compile(r"\s*([^\W\d][\w-]*)\s*=(.*)", re.DOTALL)


def add_each(parser: Parser) -> None:
    """--each: what varies."""
    about = "vary this, once for each value: a template's input, {NAME} in the prompt, references, model, an option; mere words: a sentence"
    parser.add_argument("--each", action="append", metavar="NAME=VALUE", help=about)


def each_from(options: Namespace) -> dict[str, list[Any]] | None:
    """The values by name, in the order in which the names come first; those of inputs and options are of their types. None without any."""
    if not options.each:
        return None
    declared = template_named(options.template).inputs if options.template else {}
    each: dict[str, list[Any]] = {}
    for pair in options.each:
        name, text = _parted(pair)
        each.setdefault(name, []).append(_value(name, text, declared))
    return each


def prompt_to_vary(options: Namespace, each: Mapping[str, Sequence[Any]] | None) -> str | Prompt | None:
    """The prompt that the line says, with the first value of each input that varies; None where it says none."""
    if options.prompt is None and not options.template and not options.input:
        return None
    if not options.template or not each:
        return prompt_from(options)
    template = template_named(options.template)
    if options.prompt is not None:
        raise usage("give a prompt or a template (-t), not both")
    given = inputs_from(options.input, template.inputs)
    if both := next((name for name in given if name in each), None):
        raise usage(f"the input {both!r} is given with -i and varies with --each; leave one out")
    return template(lang=options.lang, **given, **{name: values[0] for name, values in each.items() if name in template.inputs})


def _parted(pair: str) -> tuple[str, str]:
    """The name and the value; words without a name are sentences."""
    found = NAMED.fullmatch(pair)
    return (found[1].replace("-", "_"), found[2]) if found else (EACH, pair)


def _value(name: str, text: str, declared: Mapping[str, Input]) -> Any:
    """The value as -i reads it, a picture as -r does, and that of an option as its flag."""
    if name in declared or name == "lang":
        return inputs_from([f"{name}={text}"], declared)[name]
    if name == "references":
        return picture(text)
    flag = OPTIONS[name].flag if name in OPTIONS else None
    try:
        return flag.type(meant(text)) if flag else meant(text)
    except ValueError:
        return text
