"""What the painter reads of a detail: which part may change, and in which words. Its other half, the words, is the engine's."""

from __future__ import annotations

import io

import pytest
from kit.pictures import encoded, scene
from PIL import Image, ImageChops

from promptkit.engine.region_plan import PHRASES
from promptkit.providers.offline.detail import detail_in
from promptkit.providers.offline.painter import paint

PART = {"left": 20, "right": 80, "top": 25, "bottom": 75}


def asked(lang: str, prompt: str, **part: int) -> str:
    """A prompt as it is sent for a detail."""
    return "\n\n".join((PHRASES[lang].before, prompt, PHRASES[lang].after.format_map(PART | part)))


@pytest.mark.parametrize("lang", PHRASES)
def test_the_part_and_the_words_are_read_in_each_language(lang: str) -> None:
    """The part that may change is told from the words that say how."""
    found = detail_in(asked(lang, "Add a star\n\nand a 50% larger hat"))
    assert found is not None
    assert found == (20, 25, 80, 75, "Add a star\n\nand a 50% larger hat")
    assert found.box((200, 100)) == (40, 25, 160, 75)


@pytest.mark.parametrize(
    "prompt",
    ["Add more detail", "A detail of a carpet", "From 10% to 20% and 30% to 40%", "", asked("en", "x", left=80, right=20)],
)
def test_other_prompts_speak_of_no_detail(prompt: str) -> None:
    """Both must be said, that it is a detail and which part may change."""
    assert detail_in(prompt) is None


def test_only_the_part_is_painted() -> None:
    """Around the part the draft is the picture that it was given, pixel for pixel; inside it something is new, and signed."""
    given = scene((640, 512))
    drawn = Image.open(io.BytesIO(paint(asked("en", "Add a red star"), [encoded(given).data], None, b"x")))
    box = ImageChops.difference(drawn, given).getbbox()
    assert box is not None
    assert (box[0] >= 128, box[1] >= 128, box[2] <= 512, box[3] <= 384) == (True,) * 4
    assert drawn.getpixel((320, 256))[0] > 200
