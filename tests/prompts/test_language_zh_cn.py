"""The Simplified Chinese built-in templates: what comes out, word for word, and that it reads well whatever is left out."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from promptkit.prompts.inputs import Input
from promptkit.prompts.library import Library
from promptkit.prompts.template import bundle_of

LIBRARY = Library()
LANG = "zh-CN"

GOLDEN: dict[str, tuple[Mapping[str, Any], str]] = {
    "sticker": (
        {"subject": "一只快乐的小熊猫", "characteristics": "戴着一顶小竹帽"},
        (
            "生成一张卡哇伊风格的贴纸，主体是一只快乐的小熊猫，戴着一顶小竹帽，整体采用鲜艳大胆的配色。"
            "绘制时使用粗而利落的轮廓线和简洁的赛璐璐上色。背景必须为纯白色。"
        ),
    ),
    "logo": (
        {"concept": "一家咖啡馆", "text": "晨光咖啡"},
        "为一家咖啡馆设计一个现代极简风格的标志，标志上的文字为“晨光咖啡”，使用简洁有力的无衬线粗体。整体设计要简洁大方、图形感强，采用黑白配色。",
    ),
    "photorealistic_portrait": (
        {
            "subject": "一位年迈的景德镇陶艺师",
            "action": "正仔细端详一只刚上釉的茶碗",
            "environment": "一间洒满阳光的老作坊",
            "lighting": "透过窗户洒入的柔和金色阳光",
            "mood": "宁静而专注",
            "details": "陶土的细腻质感",
        },
        (
            "生成一张照片级写实的特写肖像，主角是一位年迈的景德镇陶艺师，正仔细端详一只刚上釉的茶碗，场景是一间洒满阳光的老作坊。"
            "光线为透过窗户洒入的柔和金色阳光，营造出宁静而专注的氛围。使用85mm人像镜头拍摄，突出陶土的细腻质感。采用竖版构图。"
        ),
    ),
    "edit.add": (
        {"element": "一只白色小羊驼", "place": "站在小熊猫身旁，面向小熊猫"},
        (
            "在提供的图片中添加一只白色小羊驼，站在小熊猫身旁，面向小熊猫。"
            "新增内容的风格、光线和透视要与原图保持一致，使其看上去仿佛原本就在画面中。保持图片中的其他内容完全不变。"
        ),
    ),
    "edit.remove": (
        {"element": "左侧的路灯"},
        "从提供的图片中移除左侧的路灯。用与周围环境自然衔接的内容填补移除后留下的空白。保持图片中的其他内容完全不变，包括原有的风格、光线和构图。",
    ),
    "edit.inpaint": (
        {"element": "蓝色沙发", "replacement": "一张复古的棕色皮沙发"},
        (
            "在提供的图片中，仅将蓝色沙发改为一张复古的棕色皮沙发。修改处的位置、大小和透视要与原图保持一致，使其自然融入画面。"
            "保持图片中的其他内容完全不变，包括原有的风格、光线和构图。"
        ),
    ),
    "edit.style_transfer": (
        {"style": "写意水墨画", "subject": "雨后的江南水乡", "elements": "浓淡相宜的墨色和大面积的留白", "from_picture": True},
        (
            "提供的第一张图片展现的是雨后的江南水乡，将这张图片转换为第二张图片的艺术风格：写意水墨画。只借鉴第二张图片的风格，即色彩、质感和画法。"
            "保留原有的构图、主体及其姿态，并用浓淡相宜的墨色和大面积的留白来表现整个画面。只改变风格，保持第一张图片中的其他内容完全不变。"
        ),
    ),
    "edit.combine": (
        {"elements": ["橘猫", "旧藤椅", "临海窗户"], "scene": "橘猫蜷在窗前的藤椅上睡觉", "style": "一张胶片照片"},
        (
            "组合所提供图片中的元素，生成一张新图片：选取第一张图片中的橘猫、第二张图片中的旧藤椅和第三张图片中的临海窗户。"
            "最终画面呈现的是橘猫蜷在窗前的藤椅上睡觉。整体效果为一张胶片照片。"
            "统一各部分的光线、阴影、透视和比例，使它们自然融合在同一个场景中。保持面部、外形、颜色和质感与原图完全一致。"
        ),
    ),
}
each = pytest.mark.parametrize("name", GOLDEN)

LENS = re.compile(r"\d+mm(?![A-Za-z])")  # written so in Chinese too
FOREIGN = re.compile(r"[A-Za-z]+")
BROKEN = re.compile(
    r"\s|[,.:;!?\"'()]|[，。：、；]{2}|^[，。：、和的]|。[和的并]|：。|“”|的的|和和|风格风格|构图构图"
    r"|(?:[和的为是要用在将与取从]|保[持留]|包括|突出|添加|移除|营造出|呈现出|由)[，。：、]|(?:采用|使用)(?:和|拍摄|构图)|用(?:填补|来)|保持与|出的氛围|张(?:风格|的|，)"
)


def inputs(name: str) -> Mapping[str, Input]:
    found: Mapping[str, Input] = bundle_of(LIBRARY[name], LANG).edition.inputs
    return found


def fillings(declared: Input) -> list[Any]:
    """Not given, emptied where that can be said, and filled."""
    if declared.type == "boolean":
        return [None, True, False]
    return [None, "", declared.example if declared.example is not None else declared.default]


def variants(name: str) -> Iterator[str]:
    """The prompt for every two optional inputs filled in all ways, with the others not given, emptied or filled."""
    needed = {i.name: i.example for i in inputs(name).values() if i.required}
    optional = [i for i in inputs(name).values() if not i.required]
    for way in range(3):
        others = {i.name: fillings(i)[way] for i in optional}
        for pair in itertools.combinations(optional, min(2, len(optional))):
            for values in itertools.product(*map(fillings, pair)):
                given = others | dict(zip((i.name for i in pair), values, strict=True))
                yield str(LIBRARY[name](lang=LANG, **needed, **given))


def flaw(text: str) -> str | None:
    """What is not clean about a prompt, with the prompt; None where it reads well."""
    if not text.endswith("。") or text.count("“") != text.count("”"):
        return f"no whole sentence: {text}"
    found = BROKEN.search(text) or FOREIGN.search(LENS.sub("", text))
    return f"{found[0]!r} in {text}" if found else None


@each
def test_prompts_come_out_word_for_word(name: str) -> None:
    """Typical inputs give exactly this text."""
    given, text = GOLDEN[name]
    assert str(LIBRARY[name](lang=LANG, **given)) == text


@each
def test_what_is_left_out_leaves_clean_chinese(name: str) -> None:
    """Any one or two optional inputs may be left out or emptied, and no Latin letter comes in from the English file."""
    texts = {*variants(name)}
    assert len(texts) > 1
    assert [*itertools.islice(filter(None, map(flaw, texts)), 3)] == []


@each
def test_every_word_about_the_inputs_is_chinese(name: str) -> None:
    """Descriptions, defaults, examples and the wording of choices are this file's own; the examples are two that differ."""
    edition = bundle_of(LIBRARY[name], LANG).edition
    base = LIBRARY[name].inputs
    said = [edition.description]
    for declared in edition.inputs.values():
        english = base[declared.name]
        assert (declared.default is None, declared.example is None) == (english.default is None, english.example is None)
        example = declared.example if isinstance(declared.example, tuple) else [declared.example]
        said += [declared.description, *filter(None, [declared.default, *example, *dict(declared.choices).values()])]
    assert [text for text in said if FOREIGN.search(LENS.sub("", text)) or not re.search(r"[\u4e00-\u9fff]", text)] == []
    texts = [str(LIBRARY[name](lang=LANG, **example["inputs"])) for example in edition.examples]
    assert len({*texts}) == len(texts) >= 2
    assert [*filter(None, map(flaw, texts))] == []


@each
def test_a_full_stop_of_ones_own_is_not_doubled_in_chinese(name: str) -> None:
    """What ends with 。 or ！ goes on as if it did not; lettering keeps all that it holds."""
    given, text = GOLDEN[name]
    for mark in ("。", "！"):
        stopped = {key: value + mark if isinstance(value, str) and key != "text" else value for key, value in given.items()}
        assert str(LIBRARY[name](lang=LANG, **stopped)) == text
    assert "文字为“早安！今日营业。”" in str(LIBRARY.logo(lang=LANG, concept="面包店", text="早安！今日营业。"))


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("sticker", {"subject": "小猫", "style": "国潮风"}, "一张国潮风的贴纸"),
        ("sticker", {"subject": "小猫", "style": "水彩风格"}, "一张水彩风格的贴纸"),
        ("logo", {"concept": "茶馆", "image_type": "一枚徽章标志"}, "设计一个徽章标志"),
        ("photorealistic_portrait", {"subject": "小猫", "shot_type": "一张全身照"}, "一张照片级写实的全身照"),
        ("photorealistic_portrait", {"subject": "小猫", "mood": "温馨的氛围"}, "营造出温馨的氛围。"),
        ("photorealistic_portrait", {"subject": "小猫", "orientation": "横版构图"}, "采用横版构图。"),
    ],
)
def test_a_word_that_the_template_adds_is_not_doubled(name: str, given: dict[str, str], said: str) -> None:
    """A counter or a closing word of the caller's own is written once."""
    assert said in str(LIBRARY[name](lang=LANG, **given))


def test_a_chinese_sticker_is_on_white() -> None:
    """Whatever else is left out, the background is white."""
    assert all(text.endswith("背景必须为纯白色。") for text in variants("sticker"))


@pytest.mark.parametrize("name", [name for name in GOLDEN if name.startswith("edit.")])
def test_every_chinese_edit_says_what_stays(name: str) -> None:
    """Whatever is left out, the prompt says that something is kept exactly."""
    assert all(re.search(r"保持[^。]+(?:完全不变|完全一致)", text) for text in variants(name))


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("请帮我把背景换成夜晚。", "生成把背景换成夜晚后的图片"),
        ("帮我的狗戴上帽子", "生成帮我的狗戴上帽子后的图片"),
        ("请柬上加一个喜字", "生成请柬上加一个喜字后的图片"),
        ("请生成它的侧面图", "生成修改后的图片：它的侧面图"),
    ],
)
def test_asking_again_drops_courtesy_only(prompt: str, text: str) -> None:
    """请 and 帮我 before an instruction go, words that begin like them stay, and 生成 is said once."""
    assert str(LIBRARY.recover.edit(lang=LANG, prompt=prompt)) == text
