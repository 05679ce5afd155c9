"""Templates and prompts as their users see them: signature, help, cards, and a prompt that keeps where it came from."""

from __future__ import annotations

import inspect
import json
import pickle
import pydoc
import re
from pathlib import Path

import jedi
import pytest
from IPython.core.oinspect import Inspector
from kit.template_files import one

from promptkit.errors import InputError, PromptkitWarning
from promptkit.prompts.library import Library, templates
from promptkit.prompts.template import Prompt, Template

# Templates


def test_signature_and_help_show_the_inputs() -> None:
    """Shift-Tab, help() and editors show the inputs by name, required ones without a default."""
    signature = inspect.signature(templates.recover.edit)
    assert str(signature).startswith("(*, prompt: str, brief: bool = True, attempt: int = 1, lang: str | None = None)")
    assert "prompt (string, required): what was asked for; for example 'Add an alpaca'" in pydoc.render_doc(templates.recover.edit)
    assert (Template.__doc__ or "").startswith("A template, ready to be called")


CHOOSY = """inputs:
  outline: {choices: {bold: bold outlines, thin: thin ones}, default: bold}
  n: {type: integer, min: 1, max: 4, default: 2}"""


def test_editors_show_inputs_defaults_and_choices(tmp_path: Path) -> None:
    """Shift-Tab in Jupyter and the completion of editors show the signature of the template itself, once."""
    template = one(tmp_path, CHOOSY, "{{ outline }} {{ n }}")
    info = Inspector(theme_name="nocolor").info(template)
    compact = re.sub(r"\s+", "", info["definition"])
    assert compact.startswith("(*,outline:Literal['bold','thin']='bold',n:int=2,lang:str|None=None")
    assert info["call_def"] is None or re.sub(r"\s+", "", info["call_def"]) == compact
    assert "one of bold, thin" in info["docstring"]
    assert "1 to 4" in info["docstring"]
    for source in ("template(", "template.__call__(", "library.t("):
        (signature,) = jedi.Interpreter(source, [{"template": template, "library": Library(tmp_path)}]).get_signatures()
        assert "outline: Literal['bold', 'thin']='bold'" in signature.to_string()
    names = [found.name for found in jedi.Interpreter("library.", [{"library": Library(tmp_path)}]).complete()]
    assert {"t", "edit", "sticker"} <= set(names)


def test_an_example_that_does_not_render_hides_nothing(tmp_path: Path) -> None:
    """The card says what is wrong with it; without examples those of the inputs are rendered."""
    broken = one(tmp_path / "a", "inputs: {x: {max_length: 1}}\nexamples: [{inputs: {x: long}}]", "[{{ x }}]")
    assert "1 at most" in broken._repr_mimebundle_()["text/html"]
    bare = one(tmp_path / "b", "inputs: {x: {example: short}}", "[{{ x }}]")
    assert "[short]" in bare._repr_mimebundle_()["text/html"]


def test_cards_show_inputs_and_an_example(tmp_path: Path) -> None:
    """A template's card has its inputs and a rendered example; all text in it is escaped."""
    t = one(tmp_path, "description: <b>\ninputs: {x: {description: <i>, example: <u>}}\nexamples: [{inputs: {x: <s>}}]", "[{{ x }}]")
    bundle = t._repr_mimebundle_()
    assert all(shown in bundle["text/html"] for shown in ("&lt;b&gt;", "&lt;i&gt;", "&lt;u&gt;", "[&lt;s&gt;]", "required"))
    assert "x (string, required): <i>" in bundle["text/plain"]
    assert "&lt;s&gt;" in t(x="<s>")._repr_mimebundle_()["text/html"]


def test_examples_and_origin_are_there() -> None:
    """A template knows its file, its text and its examples, and comes from no pack."""
    t = templates.sticker
    assert (t.name, t.kind, t.lang, t.pack) == ("sticker", "generate", "en", None)
    assert t.source == t.file.read_text(encoding="utf-8")
    assert t.examples[0]["inputs"]["subject"] == "happy red panda"
    assert (t.inputs["subject"].required, t.inputs["style"].default) == (True, "kawaii")


def test_a_deprecated_template_warns_once(tmp_path: Path) -> None:
    """A call, in any language, warns of what to use instead, once in a process; looking at the template does not."""
    template = one(tmp_path, "deprecated: use\n  product_shot.", "A fox.")
    (tmp_path / "t.ja.j2").write_text("狐")
    template = Library(tmp_path).t
    assert template.deprecated == "use product_shot"
    assert "Deprecated: use product_shot." in pydoc.render_doc(template)
    assert "Deprecated: use product_shot." in template._repr_mimebundle_()["text/html"]
    assert "(deprecated: use product_shot)" in Library(tmp_path)._repr_mimebundle_()["text/html"]
    with pytest.warns(PromptkitWarning, match="The template 't' is deprecated: use product_shot."):
        assert str(template(lang="ja")) == "狐"
    assert str(template()) == "A fox."


@pytest.mark.parametrize("said", ["true", "[product_shot]", "3"])
def test_what_deprecates_is_a_text(tmp_path: Path, said: str) -> None:
    """A template is deprecated with words that say what to use instead."""
    with pytest.raises(InputError, match=r"deprecated is .*; expected text that says what to use instead"):
        one(tmp_path, f"deprecated: {said}", "A fox.")


# Prompts

STICKER = {"style": "kawaii", "subject": "happy bear"}


def test_prompt_keeps_where_it_came_from() -> None:
    """A prompt is its text and its origin, also after more text is added."""
    prompt = templates.sticker(**STICKER)
    longer = prompt + " No text."
    assert str(longer) == f"{prompt} No text."
    assert (longer.template, longer.digest, longer.inputs) == ("sticker", prompt.digest, STICKER)
    assert (longer.lang, longer.kind) == ("en", "generate")
    assert (longer.config, list(longer.files)) == ({"aspect_ratio": "1:1"}, ["sticker.j2"])
    with pytest.raises(TypeError):
        _ = prompt + 3


def test_prompt_is_a_value() -> None:
    """Equal prompts are equal, hash alike, cannot be changed, survive pickling, and do not share what they hold."""
    one, two = templates.sticker(**STICKER), templates.sticker(**STICKER)
    assert one == two
    assert hash(one) == hash(two)
    assert pickle.loads(pickle.dumps(one)) == one
    assert one.config is not two.config
    with pytest.raises(AttributeError):
        one.text = "x"  # type: ignore[misc]
    assert Prompt("free text") == Prompt("free text", None)
    json.dumps([one.inputs, one.config, one.files])


# A prompt as a text


def test_a_prompt_is_a_text() -> None:
    """Whatever takes a text takes a prompt: search, length, slices, joining, formatting, JSON, comparison, keys of a dict, an input."""
    prompt = templates.sticker(subject="happy fox")
    text = prompt.text
    assert type(text) is type(str(prompt)) is type(prompt[:5]) is str
    assert ("fox" in prompt, len(prompt), prompt[:5]) == (True, len(text), text[:5])
    assert "\n".join([prompt, prompt]) == f"{prompt}\n{prompt}" == f"{text}\n{text}"
    assert (f"{prompt:.10}", f"{prompt!s}", "%s" % prompt) == (text[:10], text, text)  # noqa: UP031
    assert json.loads(json.dumps({"prompt": prompt})) == {"prompt": text}
    assert {text: 1}[prompt] == 1
    assert re.search("happy fox", prompt)
    assert templates.sticker(subject=prompt) == templates.sticker(subject=text)


def test_words_before_and_after_keep_where_a_prompt_came_from() -> None:
    """`+` with a text on either side is a prompt of the same template; anything else than a text is refused."""
    prompt = templates.sticker(subject="happy fox")
    for longer in ("Please: " + prompt, prompt + ", please", prompt + prompt):
        assert isinstance(longer, Prompt)
        assert str(longer) == longer.text
        assert (longer.template, longer.inputs, longer.files) == (prompt.template, prompt.inputs, prompt.files)
    assert str("Please: " + prompt + "!") == f"Please: {prompt.text}!"
    for wrong in (5, None, b"x", ["x"]):
        with pytest.raises(TypeError, match="Prompt"):
            prompt + wrong  # type: ignore[operator]
        with pytest.raises(TypeError, match="Prompt"):
            wrong + prompt  # type: ignore[operator]
