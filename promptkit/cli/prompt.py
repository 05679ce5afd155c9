"""From the options of a command to its prompt: words, or a template with inputs from the line and from files."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from promptkit.cli.output import usage
from promptkit.cli.texts import text as meant
from promptkit.errors import SettingsError
from promptkit.prompts.inputs import Input
from promptkit.prompts.library import template_names, templates
from promptkit.prompts.template import Prompt, Template

__all__ = ["inputs_from", "prompt_from", "render_from", "template_named"]

TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")


def template_named(name: str) -> Template:
    """The template of that name; SettingsError where it names a folder of them, TemplateNotFound where there is none."""
    found: object = templates[name]
    if isinstance(found, Template):
        return found
    inside = ", ".join(t.name for t in templates if t.name.startswith(f"{name}."))
    raise SettingsError(f"{name!r} is a folder of templates: {inside}.")


def prompt_from(options: Namespace) -> str | Prompt:
    """The PROMPT that was written, or what the template (-t) renders with its inputs (-i); exits where it is neither."""
    if options.template:
        return render_from(options)
    if options.prompt is None:
        raise usage('give a prompt ("a red fox in snow"), or a template (-t NAME) with its inputs (-i INPUT=…)')
    if options.input:
        raise usage("-i fills a template's inputs: name the template with -t")
    prompt: str = options.prompt
    if prompt in template_names(templates):
        raise usage(f"{prompt!r} is a template: write -t {prompt} -i …; to send the word itself, end it with a full stop")
    return prompt


def render_from(options: Namespace) -> Prompt:
    """What the template (-t) renders with its inputs (-i) in its language (--lang)."""
    if getattr(options, "prompt", None) is not None:
        raise usage("give a prompt or a template (-t), not both")
    template = template_named(options.template)
    return template(lang=options.lang, **inputs_from(options.input, template.inputs))


def inputs_from(pairs: Sequence[str], declared: Mapping[str, Input]) -> dict[str, Any]:
    """What each -i NAME=VALUE says, by name, as the type that is declared for it; a name that is not declared stays text."""
    inputs: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise usage(f"-i takes NAME=VALUE, such as -i subject=\"happy bear\"; {pair!r} has no =")
        if name == "lang":
            raise usage("the language is given as --lang, not as an input")
        kind = declared[name].type if name in declared else "string"
        value = _converted(meant(text), kind)
        if name in inputs and kind != "list":
            raise usage(f"the input {name!r} is given twice, and is no list")
        inputs[name] = [*inputs.get(name, ()), value] if kind == "list" else value
    return inputs


def _converted(text: str, kind: str) -> Any:
    """The value as its type wants it; what does not fit stays text, and the template says what is wrong with it."""
    if kind == "boolean" and text.lower() in (*TRUE, *FALSE):
        return text.lower() in TRUE
    try:
        return int(text) if kind == "integer" else float(text) if kind == "number" else text
    except ValueError:
        return text
