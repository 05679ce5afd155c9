"""The Japanese templates: what each says word for word, and that it reads well whatever is left out."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest

from promptkit.prompts.inputs import Input
from promptkit.prompts.library import Library
from promptkit.prompts.template import Template, bundle_of

LIBRARY = Library()
EDITS = ["edit.add", "edit.remove", "edit.inpaint", "edit.style_transfer", "edit.combine"]
NAMES = ["sticker", "logo", "photorealistic_portrait", *EDITS]

each = pytest.mark.parametrize("template", [LIBRARY[name] for name in NAMES], ids=NAMES)


def render(template: Template, **inputs: Any) -> str:
    return str(template(lang="ja", **inputs))


def declared(template: Template) -> list[Input]:
    return [*bundle_of(template, "ja").edition.inputs.values()]


def required(template: Template) -> dict[str, Any]:
    return {i.name: i.example for i in declared(template) if i.required}


def full(template: Template) -> dict[str, Any]:
    return {i.name: i.default if i.example is None else i.example for i in declared(template)}


def variants(template: Template) -> Iterator[str]:
    """The prompt with one or two optional inputs left out, emptied or filled, while the others are left out, emptied or filled."""
    optional = [i for i in declared(template) if not i.required]
    fillings = {i.name: [None, True] if i.type == "boolean" else [None, "", full(template)[i.name]] for i in optional}
    for others in (dict.fromkeys(fillings), {i.name: "" for i in optional if i.type == "string"}, full(template)):
        for pair in itertools.combinations_with_replacement(fillings, 2):
            for values in itertools.product(*(fillings[name] for name in pair)):
                yield render(template, **others | required(template) | dict(zip(pair, values, strict=True)))


# blanks, doubled or misplaced punctuation, doubled particles, particles with nothing before them, and quotes around nothing
BROKEN = re.compile(
    r"\s|None|[、。]{2}|^[、。]|[「（][、。」）]|を[をにがはでと]|に[をにが]|で[をでがの]|の[のを]|が[がをは]|は[はをが]|と[とをで]|"
    r"(?:^|[、。])(?:[をがはへもの](?![ぁ-ん])|と|[にで](?=[、。]))"
)
SENTENCE = re.compile(r".+(?:[てで]ください|が特徴です)。")


def flaw(text: str) -> str | None:
    """What is not clean about a prompt, with the text around it; None where it reads well."""
    if any(text.count(opening) != text.count(closing) for opening, closing in ("「」", "（）")):
        return f"unbalanced: {text}"
    if found := BROKEN.search(text):
        return f"{found[0]!r} in {text}"
    sentences = re.findall(r"[^。]*。|[^。]+$", text)
    return next((f"no polite sentence: {s}" for s in sentences if not SENTENCE.fullmatch(s)), None)


GOLDEN: list[tuple[str, dict[str, Any], str]] = [
    (
        "sticker",
        {"subject": "温泉につかるカピバラ", "style": "ゆるキャラ風", "characteristics": "頭に手ぬぐいをのせている"},
        (
            "温泉につかるカピバラを描いた、ゆるキャラ風のステッカーを作成してください。頭に手ぬぐいをのせているのが特徴です。"
            "太くくっきりした輪郭線とシンプルなセル塗りで描き、明るく鮮やかな配色で仕上げてください。背景は必ず白一色にしてください。"
        ),
    ),
    (
        "logo",
        {"concept": "町の小さな喫茶店", "text": "喫茶ひだまり"},
        (
            "町の小さな喫茶店を象徴する、モダンでミニマルなロゴを作成してください。"
            "ロゴには「喫茶ひだまり」という文字を、すっきりとした太字のゴシック体で正確に入れてください。"
            "デザインはシンプルに図案化されたものにし、配色は白黒にしてください。"
        ),
    ),
    (
        "photorealistic_portrait",
        {"subject": "年老いた漁師", "action": "網を繕っている", "environment": "夜明けの小さな漁港", "details": "日に焼けた肌のしわ"},
        (
            "夜明けの小さな漁港で、網を繕っている年老いた漁師を捉えた、フォトリアルなクローズアップのポートレートを作成してください。"
            "やわらかな自然光で照らし、穏やかで自然な雰囲気にしてください。"
            "85mmのポートレートレンズで撮影したような写りで、日に焼けた肌のしわを際立たせてください。画像は縦長の構図にしてください。"
        ),
    ),
    (
        "edit.add",
        {"element": "小さな麦わら帽子", "place": "猫の頭の上"},
        (
            "この画像を編集し、猫の頭の上に、小さな麦わら帽子を追加してください。"
            "元の画像の画風や光の当たり方、遠近感に合わせ、初めからそこにあったかのように自然になじませてください。"
            "それ以外の部分は、すべて元の画像のまま維持してください。"
        ),
    ),
    (
        "edit.remove",
        {"element": "空を横切る電線。", "fill": "雲ひとつない青空"},
        (
            "この画像から、空を横切る電線を消してください。跡が残らないように、消した部分は雲ひとつない青空で埋めてください。"
            "それ以外の部分は、画風や光の当たり方、構図も含めて、すべて元の画像のまま維持してください。"
        ),
    ),
    (
        "edit.inpaint",
        {"element": "女性の浴衣の色", "replacement": "藍色", "keep": "帯の柄"},
        (
            "この画像を編集し、女性の浴衣の色だけを藍色に変えてください。"
            "元の画像の位置や大きさ、遠近感に合わせ、変えた部分を自然になじませてください。"
            "それ以外の部分は、帯の柄も含めて、すべて元の画像のまま維持してください。"
        ),
    ),
    (
        "edit.style_transfer",
        {"style": "水彩画", "subject": "ベンチに座る姉妹", "elements": "淡いにじみと紙の質感", "from_picture": True},
        (
            "ベンチに座る姉妹を捉えた1枚目の画像を、2枚目の画像と同じ、水彩画の画風で描き直してください。"
            "2枚目の画像から取り入れるのは、色使いや質感、描き方といった画風だけにしてください。"
            "構図と被写体、そのポーズはそのまま保ち、全体を淡いにじみと紙の質感で表現してください。"
            "変えるのは画風だけにし、それ以外はすべて1枚目の画像のまま維持してください。"
        ),
    ),
    (
        "edit.combine",
        {"elements": ["三毛猫", "古い肘掛け椅子", "海の見える窓"], "scene": "窓辺の肘掛け椅子で三毛猫が眠っている", "style": "水彩画"},
        (
            "複数の画像の要素を組み合わせて、新しい画像を作成してください。"
            "1枚目の画像から三毛猫を、2枚目の画像から古い肘掛け椅子を、3枚目の画像から海の見える窓を取り入れてください。"
            "最終的には、窓辺の肘掛け椅子で三毛猫が眠っている画像にしてください。全体を水彩画に仕上げてください。"
            "すべての要素で光の当たり方や影、遠近感、縮尺をそろえ、一つの場面として自然に見えるようにしてください。"
            "顔や形、色、質感は、元の画像のまま正確に維持してください。"
        ),
    ),
]


@pytest.mark.parametrize(("name", "inputs", "text"), GOLDEN, ids=NAMES)
def test_the_japanese_prompts(name: str, inputs: dict[str, Any], text: str) -> None:
    """Each template says this, word for word."""
    assert render(LIBRARY[name], **inputs) == text
    assert flaw(text) is None


@each
def test_what_is_left_out_leaves_clean_japanese(template: Template) -> None:
    """Any one or two optional inputs may be left out, emptied or filled, whatever the others are."""
    texts = {*variants(template)}
    assert len(texts) > 1
    assert [*itertools.islice(filter(None, map(flaw, texts)), 3)] == []


@each
def test_japanese_examples_are_clean_and_differ(template: Template) -> None:
    """The Japanese file has two examples of its own at least, and each gives a clean prompt."""
    edition = bundle_of(template, "ja").edition
    texts = [render(template, **example["inputs"]) for example in edition.examples]
    assert edition.examples != template.examples
    assert len({*texts}) == len(texts) >= 2
    assert [*filter(None, map(flaw, texts))] == []


@each
def test_nothing_english_stands_in_a_japanese_prompt(template: Template) -> None:
    """No Latin letter is left but in a lens's millimetres, and every word of the front matter is Japanese."""
    texts = {render(template, **required(template)), *variants(template)}
    assert [text for text in texts if re.search(r"[A-Za-z]", re.sub(r"\d+mm", "", text))] == []
    for own, base in zip(declared(template), template.inputs.values(), strict=True):
        assert own.description != base.description
        assert own.default is None or own.default != base.default or own.type == "boolean"
        assert own.example is None or own.example != base.example


@pytest.mark.parametrize(
    ("name", "inputs", "words"),
    [
        ("sticker", {"style": ""}, "を描いたステッカーを"),
        ("logo", {"image_type": ""}, "を象徴するロゴを"),
        ("sticker", {"style": "ポップな"}, "を描いた、ポップなステッカーを"),
        ("sticker", {"style": "水彩"}, "を描いた、水彩テイストのステッカーを"),
        ("sticker", {"style": "手描きタッチ"}, "を描いた、手描きタッチのステッカーを"),
        ("sticker", {"characteristics": "しっぽが長い"}, "。しっぽが長いのが特徴です。"),
        ("logo", {"design": "左右対称", "color_scheme": "茶系の配色"}, "。デザインは左右対称にし、茶系の配色にしてください。"),
        (
            "photorealistic_portrait",
            {"action": "笑顔", "shot_type": "バストアップ"},
            "笑顔の年老いた陶芸家を捉えた、フォトリアルなバストアップのポートレートを",
        ),
        ("photorealistic_portrait", {"environment": "白い背景"}, "白い背景の前にいる年老いた陶芸家を"),
        ("photorealistic_portrait", {"mood": "ノスタルジック"}, "、ノスタルジックな雰囲気にしてください。"),
        ("photorealistic_portrait", {"mood": "静けさ"}, "、静けさのある雰囲気にしてください。"),
        ("edit.add", {"place": "右奥に小さく"}, "を編集し、右奥に小さく、小さな白いアルパカを"),
        ("edit.remove", {"fill": "周りになじむように"}, "消した部分は周りになじむように埋めてください。"),
        ("edit.style_transfer", {"style": "アニメ調"}, "この画像を、アニメ調で描き直してください。"),
        ("edit.combine", {"scene": "女性と猫"}, "最終的には、女性と猫の画像にしてください。"),
    ],
)
def test_nouns_and_adjectives_are_joined_as_they_should_be(name: str, inputs: dict[str, Any], words: str) -> None:
    """A noun gets the particle that it needs, and what can stand before a noun by itself gets none; with a full stop of its own too."""
    template = LIBRARY[name]
    assert words in render(template, **required(template) | inputs)
    stopped = {key: value and f"{value}。" for key, value in inputs.items()}
    assert render(template, **required(template) | stopped) == render(template, **required(template) | inputs)


def test_a_japanese_sticker_is_on_white() -> None:
    """Whatever else is left out, the background of a sticker is white."""
    assert all(text.endswith("背景は必ず白一色にしてください。") for text in variants(LIBRARY.sticker))


@pytest.mark.parametrize("name", EDITS)
def test_every_japanese_edit_says_what_stays(name: str) -> None:
    """Whatever is left out, the prompt ends with what is kept as in the original."""
    assert all(re.search(r"画像のまま(?:正確に)?維持してください。$", text) for text in variants(LIBRARY[name]))
