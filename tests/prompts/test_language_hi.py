"""The Hindi edition of the built-in templates: what it renders, word for word, and that it is clean whatever is left out."""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import Any

import pytest

from promptkit.authoring.prompt_rules import only_negations, says_what_stays, unquoted_lettering
from promptkit.prompts.library import Library
from promptkit.prompts.template import bundle_of

LIBRARY = Library()
TYPICAL: dict[str, tuple[dict[str, Any], str]] = {
    "sticker": (
        {"subject": "एक खुश भालू", "characteristics": "बड़ी-बड़ी गोल आँखें"},
        (
            "कवाई शैली का एक स्टिकर बनाएँ। इस पर एक खुश भालू दिखाएँ और खास पहचान के तौर पर बड़ी-बड़ी गोल आँखें बनाएँ। "
            "डिज़ाइन में चटख और बोल्ड रंग इस्तेमाल करें। ड्रॉइंग में मोटी, साफ़ आउटलाइन और सरल सेल शेडिंग रखें। बैकग्राउंड पूरी तरह सफ़ेद रखें।"
        ),
    ),
    "logo": (
        {"concept": "चाय की दुकान", "text": "कटिंग चाय"},
        (
            "चाय की दुकान के लिए एक आधुनिक, मिनिमलिस्ट लोगो बनाएँ। इस पर “कटिंग चाय” लिखें और अक्षरों के लिए साफ़, बोल्ड सैंस-सेरिफ़ फ़ॉन्ट चुनें। "
            "डिज़ाइन सरल और स्टाइलाइज़्ड रखें तथा ब्लैक एंड व्हाइट कलर स्कीम इस्तेमाल करें।"
        ),
    ),
    "photorealistic_portrait": (
        {"subject": "बूढ़ा मछुआरा", "action": "जाल की मरम्मत करते हुए", "environment": "छोटे-से घाट पर", "details": "चेहरे की झुर्रियाँ"},
        (
            "एक फ़ोटो-रियलिस्टिक क्लोज़-अप पोर्ट्रेट बनाएँ: बूढ़ा मछुआरा, जाल की मरम्मत करते हुए, छोटे-से घाट पर। "
            "दृश्य में कोमल, प्राकृतिक रोशनी रखें, जिससे शांत और सहज माहौल बने। "
            "शूट के लिए 85mm पोर्ट्रेट लेंस इस्तेमाल करें और चेहरे की झुर्रियाँ उभारें। तस्वीर का फ़ॉर्मेट वर्टिकल पोर्ट्रेट रखें।"
        ),
    ),
    "edit.add": (
        {"element": "कुछ रंगीन पतंगें", "place": "पुरानी हवेली की छत के ऊपर"},
        (
            "दी गई तस्वीर में पुरानी हवेली की छत के ऊपर कुछ रंगीन पतंगें जोड़ें। "
            "नए हिस्से में शैली, लाइटिंग और पर्सपेक्टिव मूल तस्वीर के अनुरूप रखें, ताकि वह ऐसा लगे मानो हमेशा से वहीं रहा हो। "
            "तस्वीर में बाकी सब कुछ बिल्कुल वैसा ही रखें।"
        ),
    ),
    "edit.remove": (
        {"element": "पीछे खड़े सभी लोगों को", "fill": "खाली समुद्र तट"},
        (
            "दी गई तस्वीर से पीछे खड़े सभी लोगों को हटाएँ। हटाने के बाद वहाँ खाली समुद्र तट दिखाएँ। "
            "तस्वीर में बाकी सब कुछ बिल्कुल वैसा ही रखें, खासकर मूल शैली, लाइटिंग और कंपोज़िशन।"
        ),
    ),
    "edit.inpaint": (
        {"element": "दुपट्टे का रंग", "replacement": "हल्दी जैसा पीला"},
        (
            "दी गई तस्वीर में सिर्फ़ दुपट्टे का रंग बदलकर हल्दी जैसा पीला कर दें। "
            "बदले हुए हिस्से में स्थिति, आकार और पर्सपेक्टिव मूल तस्वीर के अनुरूप रखें, ताकि बदलाव स्वाभाविक लगे। "
            "तस्वीर में बाकी सब कुछ बिल्कुल वैसा ही रखें, खासकर मूल शैली, लाइटिंग और कंपोज़िशन।"
        ),
    ),
    "edit.style_transfer": (
        {"style": "गुआश स्केच", "subject": "बेंच पर बैठी दो बहनें", "elements": "चौड़े ब्रशस्ट्रोक", "from_picture": True},
        (
            "दी गई पहली तस्वीर (बेंच पर बैठी दो बहनें) को दूसरी तस्वीर की कला-शैली में बदलें: गुआश स्केच। "
            "दूसरी तस्वीर से सिर्फ़ शैली लें, यानी उसके रंग, टेक्सचर और चित्रण का ढंग। "
            "मूल कंपोज़िशन, सभी आकृतियाँ और उनके पोज़ बरकरार रखें, लेकिन पूरे चित्रण में चौड़े ब्रशस्ट्रोक दिखाएँ। "
            "सिर्फ़ शैली बदलें; पहली तस्वीर में बाकी सब कुछ बिल्कुल वैसा ही रखें।"
        ),
    ),
    "edit.combine": (
        {"elements": ["बिल्ली", "पुरानी आरामकुर्सी", "खिड़की"], "scene": "खिड़की के सामने आरामकुर्सी में सोती हुई बिल्ली"},
        (
            "दी गई तस्वीरों के हिस्से मिलाकर एक नई तस्वीर बनाएँ। "
            "पहली तस्वीर से बिल्ली, दूसरी तस्वीर से पुरानी आरामकुर्सी और तीसरी तस्वीर से खिड़की लें। "
            "अंतिम तस्वीर में यह दृश्य दिखाएँ: खिड़की के सामने आरामकुर्सी में सोती हुई बिल्ली। "
            "सभी हिस्सों में लाइटिंग, परछाइयाँ, पर्सपेक्टिव और अनुपात एक समान रखें, ताकि सब कुछ एक ही दृश्य का हिस्सा लगे। "
            "चेहरे, आकार, रंग और टेक्सचर हूबहू दी गई तस्वीरों की तरह बरकरार रखें।"
        ),
    ),
}
# a doubled or lone space, a mark after a space or another mark, two postpositions or connectives on end, a connective before a mark
BROKEN = re.compile(
    r"\s\s|\A\s|\s\Z|\s[।,:;)]|[।,:;(][।,:;)]|\(\s|None|“”|।(?! |\Z)|\.|"
    r"(?<!\S)(?:से|को|का|की|के|और|तथा|एक|खासकर)[।,:;]|(?<!\S)(?:और|तथा) (?:और|तथा|रखें|लें|उभारें|इस्तेमाल)(?!\S)|"
    r"(?<!\S)(?:में|से|को|के लिए) (?:बनाएँ|दिखाएँ|रखें|इस्तेमाल|चुनें|उभारें|लें|जोड़ें|हटाएँ|बदलकर)(?!\S)|(?<!\S)(\S+) \1(?!\S)|शैली शैली"
)

each = pytest.mark.parametrize("name", TYPICAL)


def hindi(name: str, **inputs: Any) -> str:
    return str(LIBRARY[name](lang="hi", **inputs))


def flaw(text: str) -> str | None:
    """What is not clean about a prompt, with the text around it; None where it reads well."""
    found = BROKEN.search(text)
    if found:
        return f"{found[0]!r} in {text}"
    return None if text.endswith("।") else f"no whole sentence: {text}"


@each
def test_golden(name: str) -> None:
    """A typical call gives exactly this prompt."""
    inputs, text = TYPICAL[name]
    assert hindi(name, **inputs) == text


@each
def test_what_is_left_out_leaves_clean_sentences(name: str) -> None:
    """Any one or two optional inputs may be None or empty, whether the others are given or not, and an edit still says what stays."""
    edition = bundle_of(LIBRARY[name], "hi").edition
    required = {i.name: i.example for i in edition.required}
    optional = [i.name for i in edition.inputs.values() if not i.required and i.type == "string"]
    full = required | {i.name: i.example for i in edition.inputs.values() if i.example is not None}
    for others, left_out, empty in itertools.product(
        (required, required | TYPICAL[name][0], full, full | dict.fromkeys(optional, "")), itertools.product(optional, repeat=2), (None, "")
    ):
        text = hindi(name, **others | dict.fromkeys(left_out, empty))
        assert flaw(text) is None
        assert LIBRARY[name].kind == "generate" or says_what_stays(text, "hi"), text
        assert not only_negations(text, "hi"), text
        assert not unquoted_lettering(text, "hi"), text


@each
def test_nothing_but_hindi_remains(name: str) -> None:
    """Hindi inputs alone give a prompt without a Latin letter but in millimetres, and so do all that the file says and its examples."""
    edition = bundle_of(LIBRARY[name], "hi").edition
    required = {i.name: i.example for i in edition.required}
    words = [edition.description, *(text for i in edition.inputs.values() for text in (i.description, str(i.example or i.description)))]
    prompts = [hindi(name, **required), *(hindi(name, **example["inputs"]) for example in edition.examples)]
    assert len({*prompts[1:]}) == len(edition.examples) >= 2
    for text in (*words, *prompts):
        assert text == unicodedata.normalize("NFC", text)
        assert re.search(r"[ऀ-ॿ]", text)
        assert not re.search(r"[A-Za-z]", re.sub(r"\b\d+mm\b", "", text)), text
    assert [*filter(None, map(flaw, prompts))] == []


@each
def test_a_stop_of_ones_own_is_not_doubled(name: str) -> None:
    """What ends with a danda or an exclamation mark goes on as if it did not; lettering keeps it."""
    inputs = TYPICAL[name][0]
    for mark in ("।", "!"):
        stopped = {key: value + mark if isinstance(value, str) and key != "text" else value for key, value in inputs.items()}
        assert hindi(name, **stopped) == TYPICAL[name][1]


def test_a_word_of_ones_own_is_not_doubled() -> None:
    """“एक”, “शैली” and “माहौल” are written once, whether the input brings them or not."""
    assert hindi("logo", concept="ढाबे", image_type="एक बैज") == hindi("logo", concept="ढाबे", image_type="बैज")
    assert hindi("sticker", subject="बाघ", style="वारली शैली") == hindi("sticker", subject="बाघ", style="वारली")
    portrait = "photorealistic_portrait"
    assert hindi(portrait, subject="बाघ", mood="रहस्यमय माहौल") == hindi(portrait, subject="बाघ", mood="रहस्यमय")


def test_a_sticker_is_on_white() -> None:
    """Whatever else is left out, the background of a sticker is white."""
    assert hindi("sticker", subject="बाघ", style="", palette="", line_style="", shading_style="") == (
        "एक स्टिकर बनाएँ। इस पर बाघ दिखाएँ। बैकग्राउंड पूरी तरह सफ़ेद रखें।"
    )
