"""Front matter: what a base file and a language file may declare; one error names all that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.template_files import GREETING, one, write

from promptkit.errors import InputError, TemplateError

# Base files


@pytest.mark.parametrize(
    ("front", "problem"),
    [
        ("descripton: a", "unknown key 'descripton' (did you mean 'description'?)"),
        ("description: 3", "description is 3; expected text"),
        ("kind: paint", "kind is 'paint'; expected generate or edit"),
        ("lang: english!", "lang is 'english!'; expected a tag"),
        ("inputs: [a]", "inputs is ['a']; expected a mapping"),
        ("inputs: {Subject: {}}", "the input 'Subject' needs another name"),
        ("inputs: {class: {}}", "the input 'class' needs another name"),
        ("inputs: {lang: {}}", "the input 'lang' needs another name"),
        ("inputs: {a: {defualt: x}}", "unknown key 'defualt' (did you mean 'default'?)"),
        ("inputs: {a: 3}", "the input 'a' is 3; expected a mapping"),
        ("inputs: {a: {type: text}}", "type of the input 'a' is 'text'; expected one of string"),
        ("inputs: {a: {type: integer, default: x}}", "default of the input 'a' is 'x'; expected a whole number"),
        ("inputs: {a: {default: 3}}", "default of the input 'a' is 3; expected text"),
        ("inputs: {a: {example: 3}}", "example of the input 'a' is 3; expected text"),
        ("inputs: {a: {max_length: x}}", "max_length of the input 'a' is 'x'"),
        ("inputs: {a: {min: 1}}", "min of the input 'a' is 1; expected a number, for an integer or a number"),
        ("inputs: {a: {choices: []}}", "choices of the input 'a' is []"),
        ("inputs: {a: {choices: {b: 1}}}", "choices of the input 'a' is {'b': 1}"),
        ("inputs: {a: {type: boolean, choices: [true]}}", "choices of the input 'a' is [True]"),
        ("inputs: {a: {choices: [b], default: c}}", "default of the input 'a' is 'c'"),
        ("inputs: {a: {renamed_from: 3}}", "renamed_from of the input 'a' is 3"),
        ("inputs: {a: {type: int, default: 3, min: 1}}", "type of the input 'a' is 'int' (did you mean 'integer'?)"),
        ("inputs: {a: {of: {b: {}}}}", "of of the input 'a' is {'b': {}}; expected fields by name, 100 at most, such as `of: {scene: "),
        ("inputs: {a: {of: {b: {}}}}", "beside `type: list`"),
        ("inputs: {a: {type: list, of: [b]}}", "of of the input 'a' is ['b']; expected fields by name"),
        ("inputs: {a: {type: list, of: {}}}", "of of the input 'a' is {}; expected fields by name"),
        ("inputs: {a: {type: list, of: {B: {}}}}", "the input 'a.B' needs another name"),
        ("inputs: {a: {type: list, of: {b: {typ: integer}}}}", "the input 'a.b' has an unknown key 'typ' (did you mean 'type'?)"),
        ("inputs: {a: {type: list, of: {b: {type: list, of: {c: {}}}}}}", "the input 'a.b' has an unknown key 'of'"),
        ("inputs: {a: {type: list, of: {b: {default: 3}}}}", "default of the input 'a.b' is 3; expected text: put it in quotes"),
        ("inputs: {a: {type: list, of: {b: {}}, example: [{c: x}]}}", "example of the input 'a' entry 1 has an unknown key 'c'"),
        ("inputs: {a: {type: list, of: {b: {}}, default: [x]}}", "default of the input 'a' entry 1 is 'x'; expected a mapping with b"),
        ("pictures: 2", "pictures is 2; expected a mapping"),
        ("pictures: {min: two}", "pictures.min is 'two'; expected a whole number"),
        ("pictures: {max: -1}", "pictures.max is -1; expected a whole number"),
        ("pictures: {min: 2, max: 1}", "pictures has min 2 and max 1"),
        ("kind: edit\npictures: {min: 0}", "pictures has min 0 and max None; expected 1 or more"),
        ("pictures: {rules: [a]}", "unknown key 'rules' (did you mean 'roles'?)"),
        ("pictures: {roles: a}", "pictures.roles is 'a'; expected a list"),
        ("pictures: {min: 2, max: 2, roles: [a]}", "pictures.roles says what 1 pictures are; expected 2 pictures"),
        ('config: {aspectratio: "3:4"}', "config has an unknown key 'aspectratio' (did you mean 'aspect_ratio'?)"),
        ("config: {aspect_ratio: wide}", "config.aspect_ratio is 'wide'; expected a ratio in quotes"),
        ("config: {temperature: hot}", "config.temperature is 'hot'; expected a number"),
        ("inputs: {loop: {}}", "calls and templates give this one a meaning already"),
        ("examples: [a]", "an example is 'a'; expected"),
        ("inputs: {subject: {}}\nexamples: [{inputs: {subjct: x}}]", "the inputs of an example has an unknown key 'subjct'"),
    ],
)
def test_front_matter_that_is_refused(tmp_path: Path, front: str, problem: str) -> None:
    """A typo in the front matter does not pass; the error names the file, what is there and what was expected."""
    with pytest.raises(TemplateError) as caught:
        one(tmp_path, front)
    assert problem in str(caught.value)
    assert caught.value.file == str(tmp_path / "t.j2")


@pytest.mark.parametrize(
    ("front", "advice"),
    [
        ("description: 1984", "is 1984; expected text: put it in quotes."),
        ("inputs: {a: {description: true}}", "is True; expected text: put it in quotes."),
        ("inputs: {a: {default: 1984}}", "is 1984; expected text: put it in quotes, or say `type: integer`."),
        ("inputs: {a: {example: 0.5}}", "is 0.5; expected text: put it in quotes, or say `type: number`."),
        ("inputs: {a: {default: false}}", "is False; expected text: put it in quotes, or say `type: boolean`."),
        ("inputs: {a: {default: [x]}}", "is ['x']; expected text: say `type: list`."),
        ("inputs: {a: {type: integer, default: '3'}}", "is '3'; expected a whole number: leave the quotes out."),
        ("inputs: {a: {type: integer, default: 2.5}}", "is 2.5; expected a whole number: say `type: number`."),
        ("inputs: {a: {type: integer, default: '2.5'}}", "expected a whole number: say `type: number`, and leave the quotes out."),
        ("inputs: {a: {type: number, default: ' .5'}}", "is ' .5'; expected a number: leave the quotes out."),
        ("inputs: {a: {type: number, default: many}}", "is 'many'; expected a number."),
        ("inputs: {a: {type: boolean, default: yes}}", "is 'yes'; expected true or false: write true, without quotes."),
        ("inputs: {a: {type: boolean, default: Off}}", "is 'Off'; expected true or false: write false, without quotes."),
        ("inputs: {a: {type: boolean, default: maybe}}", "is 'maybe'; expected true or false."),
        ("inputs: {a: {type: list, default: red}}", "is 'red'; expected a list of texts: write [red]."),
        ("inputs: {a: {type: list, default: [1, x]}}", "is [1, 'x']; expected a list of texts: put each in quotes."),
        ("inputs: {a: {choices: [2, 3]}}", "or a mapping from keys to their wording: say `type: integer`, or put each in quotes."),
        ("inputs: {a: {choices: [2, 0.5]}}", "or a mapping from keys to their wording: say `type: number`, or put each in quotes."),
        ("inputs: {a: {choices: [b, 2]}}", "expected a list of texts, or a mapping from keys to their wording: put each in quotes."),
        ("inputs: {a: {choices: red}}", "is 'red'; expected a list of texts, or a mapping from keys to their wording: write [red]."),
        ("inputs: {a: {choices: [true, false]}}", "say `type: boolean` and no choices, or put each in quotes."),
        ("inputs: {a: {choices: {b: 1}}}", "or a mapping from keys to their wording: put each wording in quotes."),
        ("inputs: {a: {type: integer, choices: {1: one}}}", "leave `type: integer` out, as a mapping is for texts."),
        ("inputs: {a: {type: integer, choices: [one]}}", "expected a list of whole numbers: leave `type: integer` out for texts."),
        ("examples: [{inputs: {a: 1}}]", "has an unknown key 'a'; known are none."),
        ("inputs:\n\ta: {}", "the line begins with a tab (indent with blanks)"),
        ("description: @x", "text that begins with %, @ or ` stands in quotes"),
        ("description:\tx\n\tmore: y", "the line begins with a tab (indent with blanks)"),
        ("inputs:\n  a:\n  \tdefault: x", "the line begins with a tab (indent with blanks)"),
    ],
)
def test_what_does_not_fit_says_the_next_step(tmp_path: Path, front: str, advice: str) -> None:
    """A number, a choice, a truth value or a tab where something else is expected says what to write."""
    with pytest.raises(TemplateError) as caught:
        one(tmp_path, front)
    assert advice in str(caught.value)


def test_front_matter_names_all_its_problems(tmp_path: Path) -> None:
    """One reading finds all that is wrong."""
    with pytest.raises(InputError, match=r"'a'.*; kind is 'b'") as caught:
        one(tmp_path, "a: 1\nkind: b")
    assert len(caught.value.problems) == 2


def test_metadata_and_extensions_are_left_alone(tmp_path: Path) -> None:
    """`metadata` and keys that begin with x- are for others."""
    assert one(tmp_path, "metadata: {author: A}\nx-team: {b: [1]}").description == ""


# Language files


def test_a_language_file_brings_words_only(tmp_path: Path) -> None:
    """Descriptions, defaults, wording and body are the language's; names, keys and requiredness the base file's."""
    hi = write(tmp_path, GREETING).hi
    chinese = hi(lang="zh", how="low")
    assert (str(chinese), chinese.inputs) == ("小声问候你", {"how": "low"})
    assert str(hi(lang="zh", how="大声", who="她")) == "大声问候她"
    assert hi.languages == ("en", "es-MX", "zh-CN")
    assert [t.name for t in write(tmp_path, {})] == ["hi"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("kind: edit", "words only, has an unknown key 'kind'"),
        ("lang: ja", "lang is 'ja' in a file named for 'es'"),
        ("inputs: {whom: {default: x}}", "inputs has an unknown key 'whom' (did you mean 'who'?)"),
        ("inputs: {who: {type: list}}", "has an unknown key 'type'"),
        ("inputs: {how: {choices: {laut: x}}}", "the choices of 'how' have other keys than the base file's: loud, low"),
        ("inputs: {need: {default: x}}", "the input 'need' is required in the base file and has a default here"),
        ("inputs: {who: {default: 3}}", "default of the input 'who' is 3"),
        ("inputs: {who: 3}", "the input 'who' is 3"),
    ],
)
def test_language_files_that_are_refused(tmp_path: Path, words: str, problem: str) -> None:
    """A language file cannot change what a template takes."""
    base = "---\ninputs:\n  need: {}\n  who: {default: you}\n  how: {choices: {loud: a, low: b}, default: low}\n---\nx"
    library = write(tmp_path, {"t.j2": base, "t.es.j2": f"---\n{words}\n---\ny"})
    assert str(library.t(need="x", lang="en")) == "x"
    with pytest.raises(TemplateError) as caught:
        library.t(need="x", lang="es")
    assert problem in str(caught.value)
    assert caught.value.file == str(tmp_path / "t.es.j2")


def test_two_files_for_one_language_are_refused(tmp_path: Path) -> None:
    """A language file for the base file's own language would hide it."""
    library = write(tmp_path, {"t.j2": "---\nlang: ja\n---\nx", "t.ja.j2": "y"})
    with pytest.raises(TemplateError, match="same language, 'ja'"):
        _ = library.t


# Lists of mappings

ENTRIES = {
    "t.j2": "---\ninputs:\n  list_:\n    type: list\n    of:\n      word: {description: the word, example: hill}\n"
    "      size: {choices: {large: a large one, small: a small one}, default: large}\n---\n"
    "{% for one in list_ %}{{ one.word }}: {{ one.size }}\n{% endfor %}",
    "t.es.j2": "---\ninputs:\n  list_:\n    of:\n      word: {description: la palabra, example: colina}\n"
    "      size: {choices: {large: uno grande, small: uno pequeño}}\n---\n"
    "{% for one in list_ %}{{ one.word }}: {{ one.size }}\n{% endfor %}",
}


def test_a_language_file_says_the_words_of_the_fields(tmp_path: Path) -> None:
    """Descriptions, defaults, choices and examples of the fields are translated; what is recorded are the same keys."""
    template = write(tmp_path, ENTRIES).t
    given = [{"word": "a", "size": "small"}, {"word": "b"}]
    assert str(template(list_=given, lang="es")) == "a: uno pequeño\nb: uno grande\n"
    assert template(list_=given, lang="es").inputs == template(list_=given).inputs


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("of: {wort: {}}", "`of` of the input 'list_' has an unknown key 'wort' (did you mean 'word'?)"),
        ("of: {word: {type: integer}}", "the input 'list_.word' of a language file has an unknown key 'type'"),
        ("of: {word: {default: x}}", "the input 'list_.word' is required in the base file and has a default here"),
        ("of: {size: {choices: {big: x}}}", "the choices of 'list_.size' have other keys than the base file's: large, small"),
    ],
)
def test_a_language_file_adds_no_fields(tmp_path: Path, said: str, problem: str) -> None:
    """What fields there are, and of which types, is the base file's to say."""
    library = write(tmp_path, ENTRIES | {"t.es.j2": f"---\ninputs:\n  list_: {{{said}}}\n---\nx"})
    with pytest.raises(InputError) as caught:
        library.t(list_=[{"word": "a"}], lang="es")
    assert problem in str(caught.value)
