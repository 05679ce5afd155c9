"""How a value is put into a prompt's words."""

from __future__ import annotations

import json

import pytest

from promptkit import SettingsError, templates
from promptkit.session.variant_prompts import PromptPattern


@pytest.mark.parametrize(
    ("prompt", "words", "made"),
    [
        ("A fox", "line art", "A fox. Line art."),
        ("A fox.", "Drawn as line art.", "A fox. Drawn as line art."),
        ("A fox!", "1950s poster", "A fox! 1950s poster."),
        ("A fox ", "iPhone photo", "A fox. iPhone photo."),
        ('A sign that says "Stop."', "neon", 'A sign that says "Stop." Neon.'),
        ('A sign that says "Stop"', "neon?", 'A sign that says "Stop". Neon?'),
        ("一只狐狸", "水墨画", "一只狐狸。水墨画。"),
        ("雪の中のきつね。", "版画", "雪の中のきつね。版画。"),
        ("बर्फ़ में एक लोमड़ी", "रेखाचित्र", "बर्फ़ में एक लोमड़ी। रेखाचित्र।"),
        ("Un zorro en la nieve", "óleo", "Un zorro en la nieve. Óleo."),
        ("A fox:\n- red\n- small", "line art", "A fox:\n- red\n- small.\nLine art."),
    ],
)
def test_a_sentence_of_its_own(prompt: str, words: str, made: str) -> None:
    """It ends as sentences of the prompt's language do, and begins with a capital where its first word is all small letters."""
    [found] = PromptPattern(prompt).prompts([{"each": words}])
    assert found.text == made


def test_a_prompt_in_json_stays_json() -> None:
    """What a place there gets is written as JSON has it; a sentence has no place in it, which is said."""
    [found] = PromptPattern('{"scene": "a fox, {each}"}').prompts([{"each": 'with a sign "Öl"\nbeside it'}])
    assert json.loads(found.text) == {"scene": 'a fox, with a sign "Öl"\nbeside it'}
    with pytest.raises(SettingsError, match="is JSON"):
        PromptPattern('{"scene": "a fox"}').prompts([{"each": "ink"}])


def test_nothing_is_the_prompt_as_it_is() -> None:
    """None adds no sentence, and leaves an input at its default."""
    assert [p.text for p in PromptPattern("A fox").prompts([{"each": None}])] == ["A fox"]
    given = templates.sticker(subject="fox", style="ink")
    assert PromptPattern(given).prompts([{"style": None}]) == [templates.sticker(subject="fox")]


def test_words_that_were_changed_after_rendering_keep_their_inputs() -> None:
    """Where the template's text is no longer in the prompt, its inputs cannot vary, which is said."""
    given = templates.sticker(subject="fox")
    with pytest.raises(SettingsError, match="changed after they were rendered"):
        PromptPattern(type(given)(given.text.upper(), given.template, digest=given.digest, inputs=given.inputs, files=given.files)).prompts(
            [{"style": "ink"}]
        )
