"""From the options of a command to its prompt: words, or a template with inputs from the line and from files."""

from __future__ import annotations

import json
import shlex
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from promptkit.cli.output import usage
from promptkit.cli.texts import text as meant
from promptkit.errors import SettingsError
from promptkit.prompts.inputs import Input, as_written
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
    of_files = _of_files([pair for pair in pairs if _is_file(pair)])
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if _is_file(pair):
            continue
        if not equals:
            raise usage(f"-i takes NAME=VALUE, such as -i subject=\"happy bear\"; {pair!r} has no =")
        if name == "lang":
            raise usage("the language is given as --lang, not as an input")
        kind = declared[name].type if name in declared else "string"
        if name in inputs and kind != "list":
            raise usage(f"the input {name!r} is given twice, and is no list")
        if name in declared and declared[name].of:
            inputs[name] = [*inputs.get(name, ()), *_entries(name, text, declared[name])]
        else:
            value = _converted(meant(text), kind)
            inputs[name] = [*inputs.get(name, ()), value] if kind == "list" else value
    return of_files | inputs


def _is_file(pair: str) -> bool:
    """Whether an -i names a file of inputs: @FILE without a name before it."""
    return pair.startswith("@") or pair == "-"


def _of_files(pairs: Sequence[str]) -> dict[str, Any]:
    """The inputs that files hold by name, as YAML or JSON; a later file goes over an earlier one."""
    from promptkit.prompts.strict_yaml import read_yaml_value

    inputs: dict[str, Any] = {}
    for pair in pairs:
        source = "What came on stdin" if pair == "-" else f"The file {pair[1:]}"
        found = read_yaml_value(meant(pair), source)
        if not isinstance(found, dict):
            raise SettingsError(f"{source} holds no inputs by name; write them as lines such as `subject: happy bear`.")
        if "lang" in found:
            raise usage("the language is given as --lang, not as an input")
        inputs |= found
    return inputs


def _entries(name: str, text: str, declared: Input) -> list[Any]:
    """One mapping, or a list of them, as YAML or JSON."""
    from promptkit.prompts.strict_yaml import read_yaml_value

    source = f"The file {text[1:]}" if text[:1] == "@" != text[1:2] else f"-i {name}"
    found = read_yaml_value(meant(text), source)
    if isinstance(found, (dict, list)):
        return found if isinstance(found, list) else [found]
    example = as_written(declared, declared.example)[0] if declared.example else dict.fromkeys(dict(declared.of), "…")
    line = f"-i {name}={shlex.quote(json.dumps(example, ensure_ascii=False))}"
    raise SettingsError(f"{source} is {found!r:.60}; expected a mapping, or a list of mappings, as YAML or JSON, such as {line}.")


def _converted(text: str, kind: str) -> Any:
    """The value as its type wants it; what does not fit stays text, and the template says what is wrong with it."""
    if kind == "boolean" and text.lower() in (*TRUE, *FALSE):
        return text.lower() in TRUE
    try:
        return int(text) if kind == "integer" else float(text) if kind == "number" else text
    except ValueError:
        return text
