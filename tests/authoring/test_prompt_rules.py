"""What the rules for prompts blame, and what they leave alone, in five languages."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest
from kit.effort import effort
from kit.places import shared

from promptkit.authoring.prompt_rules import (
    asks_to_keep_the_rest,
    clashing_ratios,
    excess,
    has_rules,
    only_negations,
    says_what_stays,
    unquoted_lettering,
)
from promptkit.prompts.language_words import languages
from promptkit.prompts.library import templates
from promptkit.prompts.template import bundle_of

RATIOS = frozenset({"1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9", "1:4", "4:1", "1:8", "8:1"})
Table = dict[str, list[str]]


def rows(table: Table) -> list[tuple[str, str]]:
    return [(lang, text) for lang, texts in table.items() for text in texts]


# Lettering

UNQUOTED: Table = {
    "en": [
        "A wooden sign that says Welcome home",
        "A logo with the text The Daily Grind in a bold font",
        "A poster with the words happy birthday",
        "A neon sign reading Open late",
        "A book titled The Long Night on a table",
        "Add the text Summer Sale at the top.",
        "Place the caption Wish you were here below the picture",
        "A mug with elegant gold lettering.",
        "Balloons spelling out happy birthday",
        "A banner, saying Happy New Year",
        "A poster which reads KEEP CALM",
        "A card. Text: Happy Easter",
        "A cake with a message congratulations Anna",
        "A label with the name Anna",
    ],
    "es": [
        "Un letrero que dice Bienvenidos",
        "Un cartel que diga abierto",
        "Un cartel con el texto Gran apertura en letras rojas",
        "Una tarjeta con las palabras feliz cumpleaños",
        "Un póster donde se lee Verano 2026",
        "Un libro titulado La noche larga",
        "Añade el título Mi gato arriba",
        "Una taza con letras doradas.",
    ],
    "zh": [
        "一块写着欢迎光临的牌子",
        "海报标题为夏日音乐节",
        "添加文字生日快乐",
        "带有新年快乐字样的横幅",
        "一本题为长夜的书",
        "上面写有开业大吉的红色横幅",
    ],
    "ja": [
        "開店と書かれた看板",
        "夏祭りという文字が入ったポスター",
        "白い背景のポスター。テキスト：夏祭り",
        "お誕生日おめでとうと書かれたケーキ",
        "ようこそと刻まれた石碑",
    ],
    "hi": [
        "एक बोर्ड जिस पर स्वागत है लिखा हो",
        "एक पोस्टर। टेक्स्ट: जन्मदिन मुबारक",
        "केक पर जन्मदिन मुबारक लिखा हुआ है",
        "मेरी दुकान शीर्षक वाला एक पोस्टर",
    ],
}
NO_LETTERING: Table = {
    "en": [
        "A sign that says “Welcome home”",
        "A sign that says 'Don't panic' in red",
        'A poster with the title in gold: "Night"',
        "The text “SALE” is red. The text is big.",
        "A speech bubble with the text «Hello there»",
        "A book about text design",
        "A page with “A sign that says Hello” on it",
        "A girl reading a book in a library reading room",
        "A woman saying goodbye at the station",
        "A man with a smile that says it all",
        "No text, no watermark, no lettering anywhere",
        "A clean poster without any text",
        "Keep the text as it is",
        "The text should be legible and centered",
        "Remove the text Hello from the wall",
        "An infographic about typography and lettering",
        "A spelling bee contest on a stage",
        "A wizard casting spells",
        "An untitled painting",
        "Leave room for a title at the top",
        "A composition that reads well at small sizes",
        "A child writing the word in the sand",
        "He reads the title page of an old book",
        "A background with text overlay space",
    ],
    "es": [
        "Un letrero que dice “Bienvenidos”",
        "con el texto en letras rojas: «Oferta»",
        "Un libro sobre diseño de texto",
        "Una niña leyendo un libro",
        "sin texto ni marcas de agua",
        "Una mirada que lo dice todo",
        "El texto debe ser legible",
        "Elimina el texto Oferta de la pared",
        "Una mujer que dice adiós desde el tren",
        "Mantén el texto como está",
        "Añade una frase corta y juguetona",
    ],
    "zh": [
        "一块写着“欢迎光临”的牌子",
        "写着「福」字的灯笼",
        "标题为《夏日》的海报",
        "带有“新年快乐”字样的横幅",
        "标题是白色的粗体字：“夜”",
        "一个男孩正在写作业",
        "不要文字",
        "无文字，无水印",
        "添加文字说明",
        "一本关于字体设计的书",
        "印有花朵图案的T恤",
        "文字为白色",
    ],
    "ja": [
        "「開店」と書かれた看板",
        "「ようこそ」と大きく書かれた看板",
        "『夏祭り』という文字が入ったポスター",
        "“SALE”と書かれた札",
        "「祝」などと書かれた提灯",
        "文字なし、透かしなし",
        "本を読む少女",
        "何も書かれていない看板",
        "画像内に文字やロゴを絶対に入れないこと",
        "手紙を書いている女性",
        "友人と書いた手紙",
        "テキスト用の余白を確保",
    ],
    "hi": [
        "एक बोर्ड जिस पर “स्वागत है” लिखा हो",
        'केंद्र में "HULK" शब्द लिखा है',
        "बिना किसी टेक्स्ट के",
        "कोई टेक्स्ट नहीं",
        "हाथ से लिखा हुआ पत्र",
        "किताब पढ़ती हुई लड़की",
        "बोर्ड पर कुछ भी नहीं लिखा है",
    ],
}


@pytest.mark.parametrize(("lang", "text"), rows(UNQUOTED))
def test_lettering_without_quotes_is_blamed(lang: str, text: str) -> None:
    """A prompt that asks for words to be written has them in quotes; the words blamed are the prompt's own."""
    words = unquoted_lettering(text, lang)
    assert words
    assert words in text


@pytest.mark.parametrize(("lang", "text"), rows(NO_LETTERING))
def test_what_asks_for_no_lettering_is_left_alone(lang: str, text: str) -> None:
    """Quoted lettering, writing as a subject, and "no text" are no reason for an alarm."""
    assert unquoted_lettering(text, lang) == ""


@pytest.mark.parametrize("quotes", ['""', "“”", "‘’", "''", "«»", "「」", "『』", "《》"])
@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "A sign that says {}"),
        ("es", "Un letrero que dice {}"),
        ("zh", "写着{}的牌子"),
        ("ja", "{}と書かれた看板"),
        ("hi", "बोर्ड पर {} लिखा हो"),
    ],
)
def test_the_quotes_of_all_five_languages_count_in_each(quotes: str, lang: str, text: str) -> None:
    """Lettering may stand in any language's quotes, and without them it is blamed."""
    assert unquoted_lettering(text.format(f"{quotes[0]}Fin{quotes[1]}"), lang) == ""
    assert unquoted_lettering(text.format("Fin"), lang)


@pytest.mark.parametrize("text", ["Don't use dogs' toys on a sign that says Stop", "The '90s, and a sign that says Stop"])
def test_an_apostrophe_is_no_quote(text: str) -> None:
    """Apostrophes do not make the words between them lettering."""
    assert unquoted_lettering(text, "en")


def test_quotes_far_away_belong_to_something_else() -> None:
    """Quotes count where they follow the words that ask for lettering, and not before them or a paragraph later."""
    assert unquoted_lettering("“SALE” in red on the door, and a sign that says Welcome", "en") == "that says Welcome"
    assert unquoted_lettering(f"A sign that says Welcome.{' A quiet street.' * 10} “SALE” on the door", "en")


# Ratios


@pytest.mark.parametrize(
    ("text", "wanted", "clash"),
    [
        ("A 16:9 photo. Format 1:1.", None, ("1:1", "16:9")),
        ("A 16:9 photo", "1:1", ("16:9", "1:1")),
        ("Aspect ratio 5:7, format 16:9", None, ("16:9", "5:7")),
        ("A 5:7 aspect ratio", "1:1", ("5:7", "1:1")),
        ("relación de aspecto 3:4 y formato 16:9", None, ("16:9", "3:4")),
        ("比例为1:1，16：9横向", None, ("16:9", "1:1")),
        ("縦横比は16:9。1:1の正方形", None, ("1:1", "16:9")),
        ("अनुपात 16:9, 1:1 वर्ग", None, ("1:1", "16:9")),
        ("vertical 3:4, then 3 : 2", None, ("3:2", "3:4")),
    ],
)
def test_two_ratios_clash(text: str, wanted: str | None, clash: tuple[str, str]) -> None:
    """A prompt names one ratio, and the one of its config."""
    assert clashing_ratios(text, RATIOS, wanted) == clash


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A 16:9 photo, 16:9 wide", "16:9"),
        ("16:9 (1.78:1 format)", "16:9"),
        ("A clock at 10:30, and 9:16 pm", "16:9"),
        ("A 1:50 model of a ship in 16:9", "16:9"),
        ("A 1:8 scale car, a 1:4 figure", "16:9"),
        ("A 1:1 replica", "16:9"),
        ("脸部1:1还原", "16:9"),
        ("A contrast ratio of 4:1", "16:9"),
        ("A cocktail of 1:2:1", "16:9"),
        ("A scoreboard that shows “2:3”", "16:9"),
        ("A 1/7 scale figure, f/1.4", "1:1"),
        ("A photo in 16:9", "auto"),
        ("No ratio at all", None),
    ],
)
def test_what_is_no_second_ratio(text: str, wanted: str | None) -> None:
    """Times, scales, mixtures, likenesses and lettering are no shape of a picture."""
    assert clashing_ratios(text, RATIOS, wanted) == ()


# What is asked for

ONLY_NEGATIVE: Table = {
    "en": [
        "No text, no watermark.",
        "Don't change the face.\nAvoid blur.",
        "Never add people. Please do not crop.",
        "Without any text or logos.",
        "- no text\n- no people",
    ],
    "es": ["Sin texto.", "No cambies la cara. Evita el desenfoque.", "Nunca agregues personas, ni texto."],
    "zh": ["不要文字，不要水印。", "请勿改变脸部。", "无文字，无水印", "禁止出现人物"],
    "ja": ["文字なし、透かしなし。", "顔を変えないでください。", "背景の変更は禁止。", "人物を入れないこと。ぼかしは避けてください。"],
    "hi": ["कोई टेक्स्ट नहीं।", "चेहरा न बदलें। लोगों को न जोड़ें।", "धुंधलेपन से बचें।", "बिना किसी टेक्स्ट के।"],
}
ASKS: Table = {
    "en": [
        "A cat. No text.",
        "Don't change the face, but add a hat.",
        "Without changing the pose, put a hat on him.",
        "No matter what, a blue cat",
        "No smoking sign on a wall",
        "No-makeup portrait of a woman",
        "No. 5 perfume bottle on silk",
        "Not only a cat, a dog too",
        "Never crop it, keep the face",
        "Remove the lamp",
    ],
    "es": [
        "Un gato. Sin texto.",
        "No cambies la cara, pero agrega un sombrero.",
        "Sin zapatos, un niño corre",
        "No cambies nada, solo añade lluvia",
        "Sin cambiar la pose, ponle un sombrero",
    ],
    "zh": [
        "一只猫。不要文字。",
        "无人机航拍的城市",
        "没有云的天空",
        "禁止吸烟的标志",
        "不要改变脸部，但添加帽子",
        "不锈钢杯子",
        "不同颜色的花",
        "无限延伸的走廊",
    ],
    "ja": [
        "猫。文字なし。",
        "背景を変えずに帽子を追加してください",
        "窓のない部屋",
        "静かな森に誰もいない",
        "立入禁止の看板",
        "帽子を追加し、背景は変えないでください",
    ],
    "hi": [
        "एक बिल्ली। कोई टेक्स्ट नहीं।",
        "चेहरा न बदलें, लेकिन टोपी जोड़ें",
        "बिना बादल का आसमान",
        "एक लड़की जिसके पास कुछ नहीं है",
        "बिना मुद्रा बदले टोपी जोड़ें",
    ],
}


@pytest.mark.parametrize(("lang", "text"), rows(ONLY_NEGATIVE))
def test_a_prompt_of_negations_is_blamed(lang: str, text: str) -> None:
    """A prompt whose every sentence forbids asks for nothing; its first sentence is named."""
    assert text.startswith(only_negations(text, lang) or "nothing")


@pytest.mark.parametrize(("lang", "text"), rows(ASKS))
def test_one_wish_is_enough(lang: str, text: str) -> None:
    """One sentence or clause that asks for something makes it a prompt, and a subject may be named by what it lacks."""
    assert only_negations(text, lang) == ""


KEEPS: Table = {
    "en": [
        "Add a hat. Keep the rest.",
        "Match the lighting",
        "Nothing else changes",
        "Without changing the pose, add a hat",
        "Only change the hat",
    ],
    "es": [
        "Mantén todo lo demás igual",
        "Agrega un sombrero sin cambiar la pose",
        "Deja el fondo como está",
        "Un sombrero que combine con la luz",
    ],
    "zh": ["其他部分保持不变", "不要改变背景", "仅修改帽子"],
    "ja": ["他の部分はそのまま", "顔を変えずに帽子を追加", "背景は維持"],
    "hi": ["बाकी सब वैसा ही रखें", "पृष्ठभूमि न बदलें", "मूल शैली बनाए रखें"],
}
CHANGES: Table = {
    "en": ["Add a hat", "Add some falling maple leaves", "A cat on a mat"],
    "es": ["Agrega un sombrero", "Añade hojas que caen"],
    "zh": ["添加一顶帽子", "把天空变成夜晚"],
    "ja": ["帽子を追加して", "空を夜にする"],
    "hi": ["एक टोपी जोड़ें", "मेज पर किताब रखें"],
}


@pytest.mark.parametrize(("lang", "text"), rows(KEEPS))
def test_what_says_what_stays(lang: str, text: str) -> None:
    """An edit says what it keeps in many words."""
    assert says_what_stays(text, lang)


@pytest.mark.parametrize(("lang", "text"), rows(CHANGES))
def test_what_does_not_say_what_stays(lang: str, text: str) -> None:
    """An edit that names its change alone keeps nothing."""
    assert not says_what_stays(text, lang)


KEEPS_THE_REST: Table = {
    "en": [
        "Make the hat red and keep everything else exactly the same",
        "Add a hat. Keep the rest.",
        "Add a hat, leave everything else alone.",
        "Keep her pose, her face and everything else the same",
        "Keep everything except the hat",
        "Everything else should remain exactly as it is",
        "The rest of the picture stays as it is",
        "Nothing else should change",
        "Only make the hat red",
        "Make the hat red. No other changes.",
        "Change nothing but the hat",
        "Don't change anything else; the hat red",
        "Make the hat red without changing the background",
        "Change only the sky to a dramatic sunset",
        "Change the color of the hat only.",
        "Please change only her hair to blonde",
        "Just change the hat to red",
        "Don’t change the style, only make the hat red",
    ],
    "es": [
        "Haz rojo el sombrero y mantén todo lo demás igual",
        "Deja el resto como está",
        "Todo lo demás debe quedar igual",
        "Haz rojo el sombrero, el resto no cambia",
        "Haz rojo el sombrero sin cambiar nada más",
        "Haz rojo el sombrero, sin otros cambios",
        "No modifiques el fondo",
        "Cambia solo el sombrero",
        "Solo cambia el color del sombrero",
    ],
    "zh": [
        "把帽子改成红色，其余部分保持不变",
        "把帽子變紅，其他地方維持原狀",
        "其他的别动，帽子改成红色",
        "不要改变其他部分",
        "帽子改红，背景别变",
        "不要动背景，把帽子改成红色",
        "不要改变背景，把帽子改成红色",
        "只把帽子变成红色",
        "只把帽子變成紅色",
        "只修改帽子的颜色",
        "仅修改帽子",
    ],
    "ja": [
        "帽子を赤くして、他の部分はそのまま残してください",
        "帽子を赤く。それ以外は変えないで",
        "帽子以外はそのまま",
        "ほかは同じままで",
        "背景は変えずに帽子を追加",
        "帽子だけ赤くして",
        "帽子だけを青に変えてください",
    ],
    "hi": [
        "टोपी को लाल करें और बाकी सब वैसा ही रखें",
        "बाक़ी कुछ न बदलें",
        "टोपी लाल करें, पृष्ठभूमि न बदलें",
        "टोपी के अलावा कुछ न बदलें",
        "सिर्फ टोपी को लाल करें",
        "सिर्फ़ टोपी को लाल करें",
        "केवल टोपी बदलें",
    ],
}
KEEPS_NO_REST: Table = {
    "en": [
        "Turn this into a pencil sketch, keeping the composition",
        "Redraw everything as a pencil sketch, keep nothing of the colours",
        "Replace the whole scene with a football match",
        'Change everything and add the text "KEEP CALM"',
        "Add a sign “keep everything else the same”",
        "Make it night, keep the composition",
        "Make it night, keep everything else the same",
        "Keep everything else exactly the same, and make it night",
        "Turn the whole picture into a watercolor; keep everything else",
        "Paint it in the style of Monet, keep everything else as it is",
        "Render the image as a woodblock print. No other changes.",
        "Change only the background to a beach",
        "Change only the lighting",
        "Only change the colors",
        "Only use warm colors",
        "Colorize this, keep everything else the same",
        "Zoom out and keep everything else the same",
        "Show it from above, everything else unchanged",
        "Keep the face and repaint everything else",
        "Keep the cat, everything else a desert",
        "Put the man in a forest, keep everything else about him the same",
        "Leave everything else blank",
        "Leave only the hat and nothing else",
        "Fill the rest of the picture with snow",
        "Not only make the hat red, paint a new world",
        "Make the hat red",
    ],
    "es": [
        "Cambia todo; no conserves nada",
        "No conserves el resto",
        "Sé creativo y cambia todo lo demás",
        "Deja todo lo demás en blanco",
        "Deja solo el sombrero",
        "Conviértelo en un boceto y conserva todo lo demás",
        "Transforma la imagen al estilo de Monet, todo lo demás igual",
        "Ponlo de noche, deja el resto igual",
        "Cambia solo el fondo por una playa",
        "Agrega un sombrero",
    ],
    "zh": [
        "全部重画，不要保留任何东西",
        "不要保留其他部分",
        "保留人物，其他全部重画",
        "其他人物保持微笑",
        "其他人物都改成红色，保持风格",
        "把图片变成水彩风格，其他保持不变",
        "把整张图变成夜晚，其余不变",
        "只改变光线",
        "只把背景换成海滩",
        "只保留帽子",
        "一只改变世界的猫",
        "添加一顶帽子",
    ],
    "ja": [
        "他の部分も全部変えて",
        "顔以外は描き直して",
        "それ以外は全部変えて、顔はそのまま残して",
        "画像全体を水彩画にして、それ以外はそのまま",
        "夜にして、他の部分はそのまま残して",
        "背景だけを海に変えて",
        "帽子だけ残して",
        "できるだけ赤くして",
        "帽子を追加して",
    ],
    "hi": [
        "सब कुछ बदल दें, कुछ भी बरकरार न रखें",
        "बाकी सब बदल दें",
        "पूरी तस्वीर को जलरंग शैली में बदलें, बाकी वैसा ही रखें",
        "सिर्फ शैली बदलें",
        "सिर्फ टोपी दिखाएँ",
        "टोपी जोड़ें",
    ],
}


@pytest.mark.parametrize(("lang", "text"), rows(KEEPS_THE_REST))
def test_what_asks_to_keep_the_rest(lang: str, text: str) -> None:
    """An edit asks for it by what shall stay besides, or by what alone shall change; nobody has to say in which language."""
    assert asks_to_keep_the_rest(text)


@pytest.mark.parametrize(("lang", "text"), rows(KEEPS_NO_REST))
def test_what_does_not_ask_to_keep_the_rest(lang: str, text: str) -> None:
    """An edit of the whole picture keeps none, whatever of it shall stay; nor does one that only names a thing to keep, or quotes it."""
    assert not asks_to_keep_the_rest(text)


def in_all_languages(*names: str) -> list[tuple[str, str]]:
    return [(name, lang) for name in names for lang in templates[f"edit.{name}"].languages]


LOCAL_EDITS = in_all_languages("add", "remove", "inpaint", "place")
WHOLE_EDITS = in_all_languages("style_transfer", "finish_sketch", "turn_around", "combine")


@pytest.mark.parametrize(("name", "lang"), LOCAL_EDITS)
def test_the_local_edits_ask_to_keep_the_rest(name: str, lang: str) -> None:
    """The templates that end in "keep everything else" are heard in each of their languages, with any of their examples."""
    for example in bundle_of(templates[f"edit.{name}"], lang).edition.examples:
        assert asks_to_keep_the_rest(str(templates[f"edit.{name}"](lang=lang, **example["inputs"])))


@pytest.mark.parametrize(("name", "lang"), WHOLE_EDITS)
def test_the_edits_of_a_whole_picture_do_not(name: str, lang: str) -> None:
    """Templates that have all of the picture drawn anew keep no rest, though they say what stays."""
    for example in bundle_of(templates[f"edit.{name}"], lang).edition.examples:
        assert not asks_to_keep_the_rest(str(templates[f"edit.{name}"](lang=lang, **example["inputs"])))


# Length


@pytest.mark.parametrize(
    ("lang", "most", "word", "unit"),
    [("en", 480, "word ", "words"), ("fr", 480, "mot ", "words"), ("zh-CN", 800, "字", "characters"), ("ja", 800, "字 ", "characters")],
)
def test_length_is_counted_as_the_language_is_written(lang: str, most: int, word: str, unit: str) -> None:
    """480 words, or 800 characters where no spaces stand between words, are the most; spaces do not count."""
    assert excess(word * most, lang) == ""
    assert excess(word * (most + 1), lang) == f"{most + 1} {unit}; {most} at most"


def test_the_five_languages_of_the_templates_have_rules() -> None:
    """The five languages that the built-in templates are written in have rules."""
    assert set(languages()) == {"en", "es", "zh", "ja", "hi"}


def test_rules_go_by_the_language_of_a_tag() -> None:
    """A region or a script has the rules of its language, and other languages have none."""
    assert [lang for lang in ("en-GB", "es-MX", "zh-Hant-TW", "JA", "hi", "fr", "zha") if has_rules(lang)] == [
        "en-GB",
        "es-MX",
        "zh-Hant-TW",
        "JA",
        "hi",
    ]


# All rules

VERDICTS: dict[str, Callable[[str, str], object]] = {
    "unquoted-lettering": unquoted_lettering,
    "two-ratios": lambda text, _: clashing_ratios(text, RATIOS),
    "only-negations": only_negations,
    "too-long": excess,
}


def test_prompts_that_people_use_are_hardly_blamed() -> None:
    """Of 120 real prompts two are blamed, for their length: 912 and 1,638 characters."""
    prompts = [json.loads(line) for line in (shared("prompts") / "prompts.jsonl").read_text(encoding="utf-8").splitlines()]
    blamed = {(p["id"], code) for p in prompts for code, judge in VERDICTS.items() if judge(p["prompt"], p["lang"])}
    assert blamed == {("ja-213", "too-long"), ("zh-CN-146", "too-long")}


PIECES = [
    '"',
    "“a",
    "'a ",
    ".",
    "\n",
    " ",
    "a",
    "with-",
    "that says A ",
    '"a" that says B ',
    "16:9 1:1 ",
    "，",
    "写着",
    "と書かれ",
    "न ",
    "text:",
    "no ",
    "लिखा ",
    "keep ",
    "everything else a ",
    "only change the ",
    "into a b ",
    "todo lo demás a ",
    "其他",
    "保持",
    "只把",
    "以外は",
    "帽子だけ",
    "बाकी ",
    "सिर्फ टोपी ",
]


@pytest.mark.parametrize("lang", [lang if lang == "en" else pytest.param(lang, marks=pytest.mark.slow) for lang in languages()])
def test_no_text_takes_long(lang: str) -> None:
    """A hundred thousand characters of anything are judged in less than a second for each rule."""
    for piece in PIECES:
        text = (piece * 100_000)[:100_000]
        judges = [*(partial(judge, text, lang) for judge in (*VERDICTS.values(), says_what_stays)), partial(asks_to_keep_the_rest, text)]
        assert effort(lambda judges=judges: [judge() for judge in judges], tries=1) < 4, piece
