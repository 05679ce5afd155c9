"""What is wrong with a folder of templates, each kind by its code, with the file and the line to look at."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from promptkit.authoring.check import CODES, ROW_COLUMNS, Finding, Report, check
from promptkit.prompts.library import Library
from promptkit.runs.column_meaning import OF_A_ROW

Files = Mapping[str, str]


def front(*lines: str) -> str:
    return "\n".join(("---", *lines, "---", ""))


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def report_on(folder: Path, files: Mapping[str, str | bytes]) -> Report:
    return check(Library(write(folder / "library", files), builtin=False))


def found_at(folder: Path, files: Mapping[str, str | bytes]) -> list[str]:
    """Each finding as `file:line code`."""
    report = report_on(folder, files)
    found = sorted((*report.findings, *report.notices))
    return [f"{f.file.relative_to(folder / 'library').as_posix()}:{f.line} {f.code}" for f in found]


def messages(folder: Path, files: Mapping[str, str | bytes]) -> str:
    return "\n".join(finding.message for finding in report_on(folder, files).findings)


A = front("inputs:", "  a: {example: fox}")  # the body begins in line 5
CAT = "A cat on a mat, in soft light."

# Each code with what earns it, and what comes close and does not

INK = front("inputs:", "  a: {example: fox}", "  b: {default: ''}")  # the body begins in line 6

CASES: dict[str, tuple[Files, list[str]]] = {
    # nothing
    "no template": ({"fox.jinja": CAT}, [".:1 no-template"]),
    # deprecated ones
    "deprecated for one that is there": ({"t.j2": front("deprecated: use u") + CAT, "u.j2": CAT}, ["t.j2:2 deprecated"]),
    "deprecated for a built-in one": ({"t.j2": front("deprecated: Use `product_shot`.") + CAT}, ["t.j2:2 deprecated"]),
    "deprecated in other words": ({"t.j2": front("deprecated: we draw no cats any more") + CAT}, ["t.j2:2 deprecated"]),
    "deprecated, and said so": ({"t.j2": front("deprecated: use product_shot") + "{# promptkit: ignore deprecated #}\n" + CAT}, []),
    "deprecated for one that is not there": (
        {"t.j2": front("deprecated: use product_shott") + CAT},
        ["t.j2:2 deprecated", "t.j2:2 no-successor"],
    ),
    # inputs that are named like a column of a run
    "an input named like a column": ({"t.j2": front("inputs:", "  model: {example: T}") + "A {{ model }}."}, ["t.j2:3 column-name"]),
    "an input named like an option": ({"t.j2": front("inputs:", "  seed: {default: oat}") + "A {{ seed }}."}, ["t.j2:3 column-name"]),
    "an input named like a column, and said so": (
        {"t.j2": front("inputs:", "  label: {example: T}") + "{# promptkit: ignore column-name #}\nA {{ label }} on a mat."},
        [],
    ),
    "an input whose name begins like a column": ({"t.j2": front("inputs:", "  labels: {example: T}") + "A {{ labels }} on a mat."}, []),
    # words
    "a minus that eats the line break": ({"t.j2": A + "A {{ a }} in ink\n{%- if a %}on paper{% endif %}."}, ["t.j2:6 glued-words"]),
    "a minus that glues for an optional input": (
        {"t.j2": INK + "A {{ a }}{% if b %} on paper{% endif %} ink\n\n{{- b }}."},
        ["t.j2:8 glued-words"],
    ),
    "a minus behind a comment and a stop": ({"t.j2": A + "A {{ a }}.\nIt sits. {#- why -#}\nThen it runs."}, ["t.j2:6 glued-words"]),
    "a minus in a partial": (
        {"t.j2": A + "A {{ a }} {% include '_p.j2' %}", "_p.j2": "in ink\n{%- if a %}now{% endif %}"},
        ["_p.j2:2 glued-words"],
    ),
    "a minus that glues Hindi": ({"t.hi.j2": "लोमड़ी\n{#- x -#}\nबर्फ़ में", "t.j2": CAT}, ["t.hi.j2:2 glued-words"]),
    "a minus that leaves a blank": ({"t.j2": A + "A {{ a }}\n{%- if a %} on paper{% endif %}\n{{- ' in ink' }}."}, []),
    "a minus between Chinese words": ({"t.j2": "---\nlang: zh-CN\n---\n一只狐狸\n{#- x -#}\n在雪地里"}, []),
    "a minus between a number and its unit": ({"t.j2": INK + "A {{ a }} with a lens of 85 {{- 'mm' }}{{ b }}."}, []),
    "a minus in a loop": (
        {"t.j2": A + "{%- for x in ['one', 'two'] -%}\n  {{ x }}{{ ', ' if not loop.last }}\n{%- endfor %} for {{ a }}."},
        [],
    ),
    "a glued word that is meant": ({"t.j2": A + "{# promptkit: ignore glued-words #}A {{ a }}\n{#- x -#}\nhound."}, []),
    "places to fill in": ({"t.j2": A + "A {{ a }}.\nIt is [mood] and {style}."}, ["t.j2:6 unfinished"]),
    "another tool's places": ({"t.j2": A + 'A {{ a }}.\nIt is {{ "{{ mood }}" }}.'}, ["t.j2:6 unfinished"]),
    "places in an example": (
        {"t.j2": front("inputs:", "  a: {}", "examples:", '  - inputs: {a: "{{ x }}"}') + "A {{ a }}."},
        ["t.j2:5 unfinished"],
    ),
    "lettering in brackets": ({"t.j2": A + "A {{ a }} with the words “[mood] {style}”."}, []),
    "a JSON prompt": ({"t.j2": A + '{"subject": "{{ a }} [red]", "list": ["{x y}", [1, 2]]}'}, []),
    "a sound template": ({"t.j2": A + "A sticker of {{ a }}."}, []),
    # files
    "a syntax error": ({"t.j2": "\n\n{% if %}", "good.j2": CAT}, ["t.j2:3 broken"]),
    "a refused expression": ({"t.j2": A + "{{ a }}\n{{ a + 1 }}"}, ["t.j2:6 broken"]),
    "front matter that is no YAML": ({"t.j2": "---\na: [\n---\n" + CAT}, ["t.j2:3 broken"]),
    "front matter without end": ({"t.j2": "---\na: b\n" + CAT}, ["t.j2:1 broken"]),
    "each problem of the front matter on its own line": (
        {"t.j2": front("kind: paint", "inptus: {}", "inputs:", "  a: {type: strng}") + "{{ a }}"},
        ["t.j2:2 broken", "t.j2:3 broken", "t.j2:5 broken"],
    ),
    "a partial that nobody needs": ({"t.j2": CAT, "_p.j2": "x\n{% for %}"}, ["_p.j2:2 broken"]),
    "a broken partial, once for all that need it": (
        {"t.j2": "{% include '_p.j2' %}", "u.j2": "{% include '_p.j2' %}", "_p.j2": "{% for %}"},
        ["_p.j2:1 broken"],
    ),
    "a partial that is not there": ({"t.j2": "x\n{% include '_p.j2' %}"}, ["t.j2:2 broken"]),
    "a circle": ({"t.j2": "{% include '_p.j2' %}", "_p.j2": "\n\n{% include '_p.j2' %}"}, ["_p.j2:3 broken"]),
    "a broken language beside a good one": (
        {"t.j2": CAT, "t.ja.j2": "{% if %}", "t.es.j2": "Un gato", "t.hi.j2": front("inputs: {x: {}}") + "बिल्ली"},
        ["t.hi.j2:2 broken", "t.ja.j2:1 broken"],
    ),
    "a language that is the base file's": ({"t.j2": CAT, "t.en.j2": CAT}, ["t.en.j2:1 broken"]),
    # names of files
    "a hyphen": ({"my-sticker.j2": CAT}, ["my-sticker.j2:1 file-name"]),
    "a capital": ({"Sticker.j2": CAT}, ["Sticker.j2:1 file-name"]),
    "a word of Python": ({"class.j2": CAT}, ["class.j2:1 file-name"]),
    "a tag that is none": ({"edit/add.english.j2": CAT}, ["edit/add.english.j2:1 file-name"]),
    "a tag with an underscore": ({"t.j2": CAT, "t.zh_CN.j2": "一只猫"}, ["t.zh_CN.j2:1 file-name"]),
    "a folder that is no name": ({"My-Dir/t.j2": CAT}, ["My-Dir/t.j2:1 file-name"]),
    "a language without a base file": ({"t.ja.j2": "猫"}, ["t.ja.j2:1 file-name"]),
    "partials in a folder of their own": ({"t.j2": "{% include '_parts/x.j2' %}", "_parts/x.j2": CAT, "_p.ja.j2": "猫"}, []),
    "other files": ({"t.j2": CAT, "README.md": "# my-sticker", ".git/my-sticker.j2": "{% if", ".hidden.j2": "{% if"}, []),
    # inputs
    "an unused input": (
        {"t.j2": front("inputs:", "  a: {example: x}", "  b:", "    default: y") + "A cat {{ a }}"},
        ["t.j2:4 unused-input"],
    ),
    "an input in a test, in a branch and in a loop": (
        {
            "t.j2": front("inputs: {a: {default: x}, b: {default: y}, c: {type: list, default: [z]}}")
            + "Cat{% if a %}{{ b }}{% endif %}{% for i in c %}{{ i }}{% endfor %}"
        },
        [],
    ),
    "an input in the test of another branch": (
        {"t.j2": front("inputs: {a: {default: x}}") + "{% if 1 %}A cat{% elif a %}A dog{% endif %}"},
        [],
    ),
    "an input that is set from itself": ({"t.j2": A + "{% set a = a|upper %}A {{ a }}"}, []),
    "an input in an include": ({"t.j2": A + "{% include '_p.j2' %}", "_p.j2": "A cat and {{ a }}"}, []),
    "an input in an include of an include": (
        {"t.j2": A + "{% include '_p.j2' %}", "_p.j2": "{% include '_q.j2' %}", "_q.j2": "A {{ a }}"},
        [],
    ),
    "an input in what is extended": ({"t.j2": A + "{% extends '_p.j2' %}", "_p.j2": "A cat and {{ a }}"}, []),
    "an input that an imported file cannot see": (
        {"t.j2": A + "{% import '_p.j2' as p %}{{ p.m('x') }}", "_p.j2": "{% macro m(a) %}A cat {{ a }}{% endmacro %}"},
        ["t.j2:3 unused-input"],
    ),
    "an input with a name of jinja2's": ({"t.j2": front("inputs: {range: {example: hills}}") + "A range of {{ range }}"}, []),
    "an input that is hidden before it is used": (
        {"t.j2": A + "{% set a = 'x' %}{% include '_p.j2' %}", "_p.j2": "A cat and {{ a }}"},
        ["t.j2:3 unused-input"],
    ),
    "an input that only a replaced block uses": (
        {"t.j2": A + "{% extends '_p.j2' %}{% block b %}A cat{% endblock %}", "_p.j2": "{% block b %}{{ a }}{% endblock %}"},
        ["t.j2:3 unused-input"],
    ),
    "an input that a block uses beside another": (
        {"t.j2": A + "{% extends '_p.j2' %}{% block b %}A cat {{ super() }}{% endblock %}", "_p.j2": "{% block b %}{{ a }}{% endblock %}"},
        [],
    ),
    # names
    "a name that is not declared": ({"t.j2": A + "{{ a }}\n{{ b }}"}, ["t.j2:6 undeclared-name"]),
    "a name in a branch that no example takes": (
        {
            "t.j2": front("inputs: {a: {default: null}}")
            + "Cat\n{% if a %}{{ a }}{% else %}\nsome{% endif %}\n{% if a %}\n{{ b }}{% endif %}"
        },
        ["t.j2:8 undeclared-name"],
    ),
    "a name in an include": ({"t.j2": A + "{{ a }}{% include '_p.j2' %}", "_p.j2": "\n{{ b }}"}, ["_p.j2:2 undeclared-name"]),
    "a name that its includer sets": ({"t.j2": A + "{% set b = a %}{% include '_p.j2' %}", "_p.j2": "A {{ b }}"}, []),
    "a name that its includer sets later": (
        {"t.j2": A + "{% include '_p.j2' %}{% set b = a %}", "_p.j2": "A {{ b }}"},
        ["_p.j2:1 undeclared-name"],
    ),
    "an include that sees a loop's variable": (
        {
            "t.j2": front("inputs: {c: {type: list, example: [x]}}") + "{% for i in c %}{% include '_p.j2' %}{% endfor %}",
            "_p.j2": "A cat {{ i }}",
        },
        [],
    ),
    "an include without context": (
        {"t.j2": A + "{{ a }}{% include '_p.j2' without context %}", "_p.j2": "A cat {{ a }}"},
        ["_p.j2:1 undeclared-name"],
    ),
    "an import that looks for an input": (
        {"t.j2": A + "{% from '_p.j2' import m %}{{ a }}\n{{ m() }}", "_p.j2": "{% macro m() %}A cat\n{{ a }}{% endmacro %}"},
        ["_p.j2:2 undeclared-name"],
    ),
    "an import with context": (
        {"t.j2": A + "{% from '_p.j2' import m with context %}{{ m() }}", "_p.j2": "{% macro m() %}A {{ a }}{% endmacro %}"},
        [],
    ),
    "names that are set, looped, handed over and imported": (
        {
            "t.j2": front("inputs: {c: {type: list, example: [x]}}")
            + "{% from '_p.j2' import m as n %}{% import '_p.j2' as p %}{% set w = 'cat' %}{% set v %}{{ w }}{% endset %}"
            "{% macro k(x, y=w) %}{{ x }}{{ y }}{{ later }}{% endmacro %}{% set later = 1 %}"
            "{% for i in c %}{{ i }}{{ loop.index }}{% set q = i %}{{ q }}{% else %}-{% endfor %}{{ n() }}{{ p.m() }}{{ k('a') }}{{ v }}",
            "_p.j2": "{% set s = 'x' %}{% macro m() %}{{ s }}{% endmacro %}",
        },
        [],
    ),
    "a loop's variable after the loop": (
        {"t.j2": front("inputs: {c: {type: list, example: [x]}}") + "{% for i in c %}{{ i }}{% endfor %}\n{{ i }}"},
        ["t.j2:5 undeclared-name"],
    ),
    "a name that one branch sets": (
        {"t.j2": A + "{% if a %}{% set b = 'x' %}{{ b }}{% endif %}\nA cat {{ b }}"},
        ["t.j2:6 undeclared-name"],
    ),
    "a name that one branch sets and uses": ({"t.j2": A + "A cat{% if a %}{% set b = a %}{{ b }}{% endif %}"}, []),
    "a name that each branch sets": (
        {"t.j2": A + "{% if a == 'x' %}{% set b = 1 %}{% elif a %}{% set b = 2 %}{% else %}{% set b = 3 %}{% endif %}A cat {{ b }}"},
        [],
    ),
    "an input that one branch sets anew": ({"t.j2": A + "{% if a == 'x' %}{% set a = 'y' %}{% endif %}A {{ a }}"}, []),
    "a name that may be missing": (
        {"t.j2": A + "{% include '_p.j2' %}", "_p.j2": "A {{ a }}{% if b is defined %}{{ b }}{% endif %}{{ c|default('x') }}"},
        [],
    ),
    "a name that may be missing here, and not in an include": (
        {"t.j2": "A cat{{ b|default('') }}{% include '_p.j2' %}", "_p.j2": "\n{{ b }}"},
        ["_p.j2:2 undeclared-name"],
    ),
    "a name that a layout sets for blocks": (
        {
            "t.j2": "{% extends '_p.j2' %}{% set mine = 'x' %}{% block b %}{{ theirs }}{{ mine }}{% endblock %}",
            "_p.j2": "{% set theirs = 'A cat' %}{{ mine }}{% block b %}{% endblock %}",
        },
        [],
    ),
    "a loop's variable in a block": (
        {"t.j2": front("inputs: {c: {type: list, example: [x]}}") + "{% for i in c %}{% block b %}cat{{ i }}{% endblock %}{% endfor %}"},
        ["t.j2:4 undeclared-name"],
    ),
    "a loop's variable in a scoped block": (
        {
            "t.j2": front("inputs: {c: {type: list, example: [x]}}")
            + "{% for i in c %}{% block b scoped %}cat{{ i }}{% endblock %}{% endfor %}"
        },
        [],
    ),
    "a name in a language file": ({"t.j2": A + "A {{ a }}", "t.ja.j2": "猫の{{ a }}\n{{ b }}"}, ["t.ja.j2:2 undeclared-name"]),
    # dynamic references
    "an include by expression": (
        {"t.j2": A + "x\n{% include a %}\n{% import a as p %}"},
        ["t.j2:6 dynamic-include", "t.j2:7 dynamic-include"],
    ),
    "a base by expression, in a partial": (
        {"t.j2": "{% include '_p.j2' %}", "_p.j2": "\n{% extends 'x' ~ y %}"},
        ["_p.j2:2 dynamic-include"],
    ),
    "an include by expression in a block": ({"t.j2": A + "{% block b %}\n{% include a %}{% endblock %}"}, ["t.j2:6 dynamic-include"]),
    # examples
    "an example that is refused": (
        {
            "t.j2": front("inputs: {a: {choices: [x, y], default: x}}", "examples:", "  - inputs: {a: x}", "  - inputs: {a: z}")
            + "A cat {{ a }}"
        },
        ["t.j2:5 example"],
    ),
    "an example without a required input": (
        {"t.j2": front("inputs: {a: {example: x}}", "examples:", "  - inputs: {}") + "A cat {{ a }}"},
        ["t.j2:4 example"],
    ),
    "an example that fails in one language": (
        {
            "t.j2": front("inputs: {a: {type: list, default: [x, y]}}", "examples:", "  - inputs: {a: [z]}") + "A cat {{ a[0] }}",
            "t.ja.j2": "猫{{ a[1] }}",
        },
        ["t.j2:4 example"],
    ),
    "a language's own example": (
        {
            "t.j2": front("inputs: {a: {choices: {x: one, y: two}, default: x}}", "examples:", "  - inputs: {a: one}") + "A cat {{ a }}",
            "t.ja.j2": front("inputs: {a: {choices: {x: 一, y: 二}}}", "examples:", "  - inputs: {a: 一}", "  - inputs: {a: one}")
            + "猫{{ a }}",
        },
        ["t.ja.j2:5 example"],
    ),
    "a base example with words that another language does not have": (
        {
            "t.j2": front("inputs: {a: {choices: {x: one, y: two}, default: x}}", "examples:", "  - inputs: {a: one}") + "A cat {{ a }}",
            "t.ja.j2": front("inputs: {a: {choices: {x: 一, y: 二}}}") + "猫{{ a }}",
        },
        ["t.j2:4 example"],
    ),
    "an example in its language only": (
        {
            "t.j2": front("inputs: {a: {choices: {x: one, y: two}, default: x}}", "examples:", "  - {lang: en, inputs: {a: one}}")
            + "A cat {{ a }}",
            "t.ja.j2": front("inputs: {a: {choices: {x: 一, y: 二}}}") + "猫{{ a }}",
        },
        [],
    ),
    "an example in a language that is not there": (
        {"t.j2": front("inputs: {}", "examples:", "  - {lang: fr, inputs: {}}") + CAT},
        ["t.j2:4 example"],
    ),
    "required inputs alone": ({"t.j2": front("inputs:", "  n: {type: list, example: [x]}") + "A cat {{ n[1] }}"}, ["t.j2:5 example"]),
    # languages
    "a language that leaves an input out": (
        {"t.j2": front("inputs: {a: {example: x}, b: {default: y}}") + "A {{ a }} {{ b }}", "t.ja.j2": "---\nlang: ja\n---\n\n猫{{ a }}"},
        ["t.ja.j2:5 languages-differ"],
    ),
    "a language that uses one more": (
        {"t.j2": front("inputs: {a: {example: x}, b: {default: y}}") + "A cat {{ a }}", "t.ja.j2": "猫{{ a }}{{ b }}"},
        ["t.ja.j2:1 languages-differ"],
    ),
    "a language that uses the same elsewhere": (
        {"t.j2": A + "A {{ a }}", "t.ja.j2": "{% include '_p.ja.j2' %}", "_p.ja.j2": "猫{{ a }}"},
        [],
    ),
    # the words of prompts
    "lettering without quotes, in the first example that has it": (
        {
            "t.j2": front("inputs: {a: {default: null}}", "examples:", "  - inputs: {}", "  - inputs: {a: Open}", "  - inputs: {a: Shut}")
            + "A sign{% if a %} that says {{ a }}{% endif %}."
        },
        ["t.j2:5 unquoted-lettering"],
    ),
    "lettering in quotes": ({"t.j2": A + "A sign that says “{{ a }}”."}, []),
    "lettering in a language with examples of the base file": (
        {
            "t.j2": front("inputs: {a: {}}", "examples:", "  - inputs: {a: x}") + "A {{ a }}.",
            "t.es.j2": "\nUn letrero que dice Hola a {{ a }}.",
        },
        ["t.es.j2:2 unquoted-lettering"],
    ),
    "two ratios": ({"t.j2": A + "A {{ a }} in 16:9, format 1:1."}, ["t.j2:5 two-ratios"]),
    "another ratio than the config's": ({"t.j2": front("config: {aspect_ratio: 1:1}") + "A cat in 16:9."}, ["t.j2:4 two-ratios"]),
    "the config's ratio": ({"t.j2": front("config: {aspect_ratio: 16:9}") + "A cat in 16:9 at 10:30."}, []),
    # a library's file
    "a value that is used": ({"library.yaml": "inputs: {b: ink}", "t.j2": "A cat in {{ b }}."}, []),
    "a value that is used by a partial, a partial's name that is not there": (
        {"library.yaml": "inputs: {b: ink}", "t.j2": "A cat in {% include '_p.j2' %}.", "_p.j2": "{{ b }}{{ d }}"},
        ["_p.j2:1 undeclared-name"],
    ),
    "a value that an imported file does not see": (
        {
            "library.yaml": "inputs: {b: ink}",
            "t.j2": "{% from '_p.j2' import m %}A {{ m() }}.",
            "_p.j2": "{% macro m() %}{{ b }}{% endmacro %}",
        },
        ["_p.j2:1 undeclared-name", "library.yaml:1 library-unused"],
    ),
    "a value that nothing uses": (
        {"library.yaml": "inputs:\n  b: ink\n  d: oil", "t.j2": "A cat in {{ b }}."},
        ["library.yaml:3 library-unused"],
    ),
    "a default that goes before a value": (
        {"library.yaml": "inputs: {b: ink}", "t.j2": front("inputs: {b: {default: oil}}") + "A cat in {{ b }}."},
        ["t.j2:2 library-shadowed"],
    ),
    "a name of the body's own that goes before a value": (
        {"library.yaml": "inputs: {b: ink}", "t.j2": "A cat\n{%- set b = 'oil' %} in {{ b }}."},
        ["library.yaml:1 library-unused", "t.j2:2 library-shadowed"],
    ),
    "a default of one that takes no values": (
        {
            "library.yaml": "inputs: {b: ink}",
            "u.j2": "A cat in {{ b }}.",
            "t.j2": front("library: false", "inputs: {b: {default: x}}") + "A cat in {{ b }}.",
        },
        [],
    ),
    "a value that is the default of an input, and does not fit": (
        {"library.yaml": "inputs: {b: ink}", "t.j2": front("inputs:", "  b: {type: integer}") + "A cat of {{ b }}."},
        ["t.j2:3 broken"],
    ),
    "a reference that the library does not have": (
        {"library.yaml": "inputs: {b: ink}", "t.j2": front("library: [inputs, fox]") + "A cat in {{ b }}."},
        ["t.j2:2 broken"],
    ),
    "a value in other languages only": (
        {"library.yaml": "inputs:\n  b: {en: ink}", "t.j2": "A cat in {{ b }}.", "t.ja.j2": "{{ b }}の猫。"},
        ["library.yaml:2 untranslated"],
    ),
    "a value in all languages": (
        {"library.yaml": "inputs:\n  b: {en: ink, ja: 墨}", "t.j2": "A cat in {{ b }}.", "t.ja.j2": "{{ b }}の猫。"},
        [],
    ),
    "all that is wrong with a library's file": (
        {
            "library.yaml": "inputs:\n  b: {}\nreferences:\n  fox: fox.png\nconfig:\n  aspect_ratio: 5:9\n  image_size: 2\n"
            "channels:\n  a:\n    b: 9;16\n    c: {siz: 1}\nchanels: {}",
            "t.j2": CAT,
        },
        [
            *(f"library.yaml:{line} library-file" for line in (2, 4)),
            "library.yaml:6 no-ratio",
            *(f"library.yaml:{line} library-file" for line in (7, 10, 11, 12)),
        ],
    ),
    "a library's file that is no YAML": ({"library.yaml": "inputs: {", "t.j2": CAT, "u.j2": CAT}, ["library.yaml:2 library-file"]),
    "a library's file that is no text": ({"library.yaml": b"inputs: \xff", "t.j2": CAT}, ["library.yaml:1 library-file"]),
    "a picture that is none": ({"library.yaml": "references:\n  a: a.png", "a.png": "x", "t.j2": CAT}, ["library.yaml:2 library-file"]),
    "files that are taken for a library's": (
        {"library.yml": "", "edit/library.yaml": "", "t.j2": CAT},
        ["edit/library.yaml:1 library-file", "library.yml:1 library-file"],
    ),
    "a ratio that no model has": ({"t.j2": front('config: {aspect_ratio: "5:9"}') + "A cat."}, ["t.j2:2 no-ratio"]),
    "defaults and choices in another language": (
        {
            "t.j2": front("inputs:", "  a: {default: soft light}", "  b: {choices: {x: big cat, y: dog}, default: x}", "  c: {default: a}")
            + "{{ a }}{{ b }}{{ c }}",
            "t.ja.j2": front("inputs:", "  a: {description: あ}") + "{{ a }}{{ b }}{{ c }}",
            "t.hi.j2": front("inputs:", "  a: {default: रोशनी}", "  b: {choices: {x: बिल्ली, y: कुत्ता}}") + "{{ a }}{{ b }}{{ c }}",
        },
        ["t.ja.j2:3 untranslated", "t.ja.j2:5 untranslated"],
    ),
    "only negations": ({"t.j2": "No text. Don't blur it."}, ["t.j2:1 only-negations"]),
    "an edit that keeps nothing": ({"t.j2": front("kind: edit") + "Add a hat."}, ["t.j2:4 nothing-kept"]),
    "an edit that keeps something": ({"t.j2": front("kind: edit") + "Add a hat. Keep the rest.", "t.zh-CN.j2": "加帽子，其他不变。"}, []),
    "a new picture that keeps nothing": ({"t.j2": "Add a hat."}, []),
    "481 words": ({"t.j2": "cat " * 481}, ["t.j2:1 too-long"]),
    "480 words": ({"t.j2": "cat " * 480}, []),
    "801 characters": ({"t.j2": CAT, "t.zh-CN.j2": "猫" * 801, "t.ja.j2": "猫" * 800}, ["t.zh-CN.j2:1 too-long"]),
    "481 words in a language without rules": ({"t.j2": front("lang: fr") + "chat " * 481}, ["t.j2:4 too-long"]),
    # comments
    "a code that does not exist": ({"t.j2": CAT + "\n{# promptkit: ignore too-lnog #}"}, ["t.j2:2 unknown-code"]),
    "a comment without a code": ({"t.j2": CAT + "\n{#- promptkit: ignore -#}"}, ["t.j2:2 unknown-code"]),
    "another comment": ({"t.j2": CAT + "{# promptkit ignores this #}"}, []),
}


@pytest.mark.parametrize("name", CASES)
def test_findings(name: str, tmp_path: Path) -> None:
    """Each folder has these findings, at these lines, and no others."""
    files, expected = CASES[name]
    assert found_at(tmp_path, files) == expected


def test_each_code_has_a_case_and_a_meaning() -> None:
    """No code is without a case here, nor a case without a code that says in a sentence what it means."""
    assert {place.rpartition(" ")[2] for _, expected in CASES.values() for place in expected} == set(CODES)
    assert all(meaning.endswith(".") for meaning in CODES.values())


# What the messages say


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"My Sticker.j2": CAT}, "name it my_sticker.j2"),
        ({"edit/add.english.j2": CAT}, "name it edit/add.en.j2"),
        ({"t.zh_CN.j2": CAT}, "name it t.zh-CN.j2"),
        ({"Café-1.j2": CAT}, "name it cafe_1.j2"),
        ({"class.j2": CAT}, "name it class_.j2"),
        ({"_My-part.j2": CAT}, "name it _my_part.j2"),
        ({"贴纸.j2": "x"}, "name it something like sticker.j2"),
        (
            {"t.j2": front("inputs: {subject: {example: x}}") + "A {{ subjct }} {{ subject }}"},
            "'subjct' is neither an input nor set before (did you mean 'subject'?)",
        ),
        (
            {"t.j2": A + "{{ a }}{% include '_p.j2' %}", "_p.j2": "{{ b }}"},
            "'b' is neither an input of t.j2, which needs this file, nor set before",
        ),
        ({"t.j2": A + "{% if a %}{% set b = 1 %}{% endif %}{{ b }}"}, "'b' is not set on each way to this line"),
        (
            {"t.j2": "{% from '_p.j2' import m %}{{ m() }}", "_p.j2": "{% macro m() %}{{ a }}{% endmacro %}"},
            "an imported file sees no inputs",
        ),
        ({"t.j2": front("inputs: {a: {default: x}}") + CAT}, "No branch uses the input 'a'"),
        (
            {"t.j2": front("inputs: {a: {default: x}, b: {default: x}}") + "{{ a }} cat", "t.ja.j2": "猫{{ b }}"},
            "does not use 'a', as t.j2 does and uses 'b', as t.j2 does not",
        ),
        (
            {"t.j2": A + "A sign that says {{ a|upper }}."},
            "“that says FOX.” asks for lettering; put the words to write in quotes. (The required inputs alone.)",
        ),
        (
            {"t.j2": front("config: {aspect_ratio: 1:1}", "examples: [{inputs: {}}]") + "In 16:9."},
            "ratio 16:9 beside 1:1; name one, and the same as config.aspect_ratio. (Example 1.)",
        ),
        ({"t.j2": "No text."}, "“No text.” only says what shall not be"),
        ({"t.j2": front("kind: edit") + "Add a hat."}, "“Add a hat.” does not say what to keep"),
        ({"t.j2": "cat " * 500}, "The prompt has 500 words; 480 at most"),
        ({"t.j2": CAT + "{# promptkit: ignore too-lnog #}"}, "There is no code 'too-lnog' (did you mean 'too-long'?)"),
        ({"library.yaml": "inputs: {brand: ink}", "t.j2": "A cat in {{ brnad }}."}, "nor set before (did you mean 'brand'?)"),
        ({"library.yaml": "inputs: {a: 1}\nrefrences: {}", "t.j2": CAT}, "unknown key 'refrences' (did you mean 'references'?)"),
        ({"library.yaml": "references: {a: b.png}", "t.j2": CAT}, "names the picture 'b.png', which is not there; put it into the folder"),
        ({"library.yaml": "channels: {a: {b: {siz: 1}}}", "t.j2": CAT}, "The channel 'b' has no option 'siz' (did you mean 'size'?)"),
        ({"edit/library.yaml": "", "t.j2": CAT}, "holds for its sub-folders, too; move what it says there."),
        ({"t.j2": front("examples: [{inputs: {}}]") + "\n{{ [1][1] }}"}, "Example 1 does not render in 'en' ("),
    ],
)
def test_messages(files: Files, said: str, tmp_path: Path) -> None:
    """A message has the value, and what to do."""
    assert said in messages(tmp_path, files)


def test_a_finding_is_a_line_of_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding reads as compilers' messages do, and findings sort by file and line."""
    folder = write(tmp_path / "library", {"b.j2": front("inputs:", "  x: {default: z}", "  y: {default: z}") + CAT, "a.j2": "{% if %}"})
    monkeypatch.chdir(folder)
    first, second, third = check(Library(folder, builtin=False)).findings
    assert str(first).startswith("./a.j2:1: broken: The template cannot be used: ")
    assert (second.line, str(third)) == (3, "./b.j2:4: unused-input: No branch uses the input 'y'; use it in the body, or remove it.")
    assert sorted([third, first, second]) == [first, second, third]
    assert Finding(folder / "a.j2", 2, "broken", "") < Finding(folder / "a.j2", 10, "broken", "")


def test_a_deprecated_template_is_no_fault(tmp_path: Path) -> None:
    """A deprecated template is a notice beside the findings; a successor that is not there is a finding, with the nearest name."""
    report = report_on(tmp_path, {"t.j2": front("deprecated: use product_shot") + CAT})
    assert (report.findings, [notice.level for notice in report.notices]) == ((), ["notice"])
    assert "did you mean 'product_shot'?" in messages(tmp_path, {"t.j2": front("deprecated: use product_shott") + CAT})


def test_an_input_named_like_a_column_is_no_fault(tmp_path: Path) -> None:
    """It is a notice, for every name that a column of a run gives a meaning, and says what the column means no more; no input is named
    lang.
    """
    assert set(ROW_COLUMNS) == set(OF_A_ROW)
    names = [name for name in ROW_COLUMNS if name != "lang"]
    declared = [f"  {name}: {{example: x}}" for name in names]
    report = report_on(tmp_path, {"t.j2": front("inputs:", *declared) + "".join(f"A {{{{ {name} }}}}. " for name in names)})
    lines = range(3, 3 + len(names))
    assert [(notice.code, notice.level, notice.line) for notice in report.notices] == [("column-name", "notice", line) for line in lines]
    assert not report.findings
    said = "A run's column 'key' fills this input, and no longer says the row's own key; give the input another name."
    assert report.notices[0].message == said


def test_what_cannot_be_judged_is_said(tmp_path: Path) -> None:
    """A language without rules, and a template that nothing shows, are named; templates and files are counted."""
    found = report_on(
        tmp_path, {"t.j2": CAT, "t.fr.j2": "Un chat", "edit/u.j2": front("inputs: {a: {}}") + "{{ a }}", "_p.j2": "", "X.j2": ""}
    )
    assert [sentence.rpartition("/")[2] for sentence in found.skipped] == [
        "u.j2: there is no example to render; its wording was not checked",
        "t.fr.j2: there are no rules for prompts in 'fr'; its wording was not checked",
    ]
    assert (found.templates, found.files) == (2, 5)


@pytest.mark.parametrize("text", ["Say hello to a cat that says Welcome"])
def test_rules_for_prompts_go_by_the_language_of_the_body(text: str, tmp_path: Path) -> None:
    """The same words are lettering in English and nothing in French."""
    assert found_at(tmp_path / "en", {"t.j2": text}) == ["t.j2:1 unquoted-lettering"]
    assert found_at(tmp_path / "fr", {"t.j2": front("lang: fr") + text}) == []


def test_a_fault_of_the_words_is_told_once_for_each_language(tmp_path: Path) -> None:
    """Three examples with the same fault are one finding in each language, at the first of them."""
    examples = ("examples:", *["  - inputs: {}"] * 3)
    files = {"t.j2": front("kind: edit", *examples) + "Add a hat.", "t.ja.j2": front(*examples) + "帽子を追加"}
    assert found_at(tmp_path, files) == ["t.j2:4 nothing-kept", "t.ja.j2:3 nothing-kept"]


# Silencing

BAD = front("kind: edit", "inputs: {a: {default: x}}", "config: {aspect_ratio: 1:1}") + "Add a 16:9 hat."


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        ("", ["nothing-kept", "two-ratios", "unused-input"]),
        ("{# promptkit: ignore nothing-kept #}", ["two-ratios", "unused-input"]),
        ("{# promptkit: ignore nothing-kept, two-ratios #}", ["unused-input"]),
        ("{#-promptkit:ignore nothing-kept two-ratios,unused-input-#}", []),
        ("{# promptkit: ignore nothing-kept #}{# promptkit: ignore unused-input #}", ["two-ratios"]),
    ],
)
def test_a_comment_silences_codes(comment: str, left: list[str], tmp_path: Path) -> None:
    """A comment in a body silences the codes that it names, in its file."""
    assert sorted(finding.code for finding in report_on(tmp_path, {"t.j2": BAD + comment}).findings) == left


def test_a_comment_silences_its_own_file_only(tmp_path: Path) -> None:
    """What a base file ignores is still found in its language files, and the other way round; a partial's comment covers the partial."""
    edit = front("kind: edit") + "Add a hat."
    assert found_at(tmp_path / "1", {"t.j2": edit + "{# promptkit: ignore nothing-kept #}", "t.ja.j2": "帽子を追加"}) == [
        "t.ja.j2:1 nothing-kept"
    ]
    assert found_at(tmp_path / "2", {"t.j2": edit, "t.ja.j2": "帽子を追加{# promptkit: ignore nothing-kept #}"}) == ["t.j2:4 nothing-kept"]
    assert found_at(
        tmp_path / "3", {"t.j2": "{% include '_p.j2' %}", "_p.j2": "{{ b or 'cat' }}{# promptkit: ignore undeclared-name #}"}
    ) == [
        "t.j2:1 example"  # which is not silenced, nor explained by the other any more
    ]


# Whatever stands in a folder


def test_things_that_are_no_files(tmp_path: Path) -> None:
    """A folder, a pipe, a link to nowhere and bytes that are no text are findings, and never errors."""
    folder = write(tmp_path / "library", {"bytes.j2": b"\xff\xfe", "long.j2": b"x" * 40_000, "folder.j2/x.txt": ""})
    os.mkfifo(folder / "pipe.j2")
    (folder / "nowhere.j2").symlink_to(folder / "gone")
    (folder / "again").symlink_to(folder, target_is_directory=True)
    found = check(Library(folder, builtin=False)).findings
    assert [(f.file.name, f.code) for f in found] == [
        (name, "broken") for name in ("bytes.j2", "folder.j2", "long.j2", "nowhere.j2", "pipe.j2")
    ]


def layers(count: int, body: str) -> dict[str, str]:
    return {f"_p{i}.j2": body.replace("NEXT", f"_p{i + 1}.j2") for i in range(count)} | {
        f"_p{count}.j2": "A cat",
        "t.j2": "{% include '_p0.j2' %}",
    }


@pytest.mark.parametrize(
    "files",
    [
        layers(900, "{% include 'NEXT' %}"),
        layers(1_200, "{% include 'NEXT' %}"),
        layers(150, "{% include 'NEXT' %}{% import 'NEXT' as n %}{% include 'NEXT' %}{{ z }}"),
        layers(100, "{% extends 'NEXT' %}{% extends 'NEXT' %}{% block b %}{{ z }}{% endblock %}"),
        {
            **{f"_m{i}.j2": f"{{% extends '_a{i}.j2' %}}{{% extends '_b{i}.j2' %}}" for i in range(60)},
            **{f"_{c}{i}.j2": f"{{% extends '_m{i + 1}.j2' %}}{{% block {c}{i} %}}{{% endblock %}}" for i in range(60) for c in "ab"},
            "_m60.j2": "A cat",
            "t.j2": "{% extends '_m0.j2' %}",
        },
        {"t.j2": "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}"},
        {"t.j2": "{{ " + "+".join("1" * 8_000) + " }}"},
        {"t.j2": "{% for a in 'x' %}" * 1_000},
        {"t.j2": "".join(f"{{% set a{i} = 1 %}}" for i in range(1_500)) + "{% include '_p.j2' %}" * 200, "_p.j2": "x"},
    ],
    ids=["deep", "deeper", "wide", "twice", "both", "brackets", "sum", "loops", "names"],
)
def test_folders_that_would_take_for_ever(files: Files, tmp_path: Path) -> None:
    """References that fan out, or go deep, end in a report all the same."""
    assert report_on(tmp_path, files).templates == 1


FRAGMENTS = (
    *(
        "---\n",
        "inputs:\n",
        "  a: {example: x}\n",
        "  b: {type: list, default: [y]}\n",
        "examples:\n",
        "  - inputs: {a: z}\n",
        "kind: edit\n",
        "config: {aspect_ratio: 1:1}\n",
    ),
    *(
        "{% include '_p.j2' %}",
        "{% include a %}",
        "{% extends 'u.j2' %}",
        "{% block k %}",
        "{% endblock %}",
        "{% for i in b %}",
        "{% endfor %}",
        "{% if a %}",
    ),
    *(
        "{% else %}",
        "{% endif %}",
        "{{ a }}",
        "{{ c|default(i) }}",
        "{% set a, c = b %}",
        "{% macro m(x) %}",
        "{% endmacro %}",
        "{{ m(a) }}",
        "{% with %}",
        "{{ self.k() }}",
    ),
    *(
        "{# promptkit: ignore ",
        "broken #}",
        "A sign that says Hi ",
        "16:9 ",
        "\x00",
        "\ud7ff",
        "é\n",
        ": [",
        "{{",
        "}}",
        "{%- import '_p.j2' as p with context %}",
        "lang: ja\n",
    ),
)


@pytest.mark.parametrize("seed", range(60))
def test_any_mixture_ends_in_a_report(seed: int, tmp_path: Path) -> None:
    """No mixture of what templates hold, sound or not, raises."""
    chance = random.Random(seed)
    names = ("t.j2", "t.ja.j2", "u.j2", "_p.j2", "edit/v.j2", "T-x.zh_CN.j2")
    files = {name: "".join(chance.choices(FRAGMENTS, k=chance.randrange(25))) for name in names}
    found = report_on(tmp_path, files)
    assert found.files == len(names)
    assert all(finding.code in CODES and finding.line >= 1 and finding.message for finding in found.findings)


def test_one_name_of_several_libraries(tmp_path: Path) -> None:
    """Each folder of a library is looked at, a template that another hides too; below a name only what stands there."""
    first = write(tmp_path / "first", {"t.j2": "{% if %}", "edit/u.j2": "{% if %}"})
    second = write(tmp_path / "second", {"t.j2": "{% for %}"})
    library = Library(first, second, builtin=False)
    assert [finding.file for finding in check(library).findings] == [first / "edit/u.j2", first / "t.j2", second / "t.j2"]
    assert [finding.file for finding in check(library.edit).findings] == [first / "edit/u.j2"]


def test_a_library_without_templates_is_a_finding(tmp_path: Path) -> None:
    """A check that looked at nothing found that; files that look like templates are named, beside templates as skipped."""
    (tmp_path / "library").mkdir()
    assert [f.code for f in check(Library(tmp_path / "library", builtin=False)).findings] == ["no-template"]
    assert "fox.jinja looks like one: name it fox.j2" in messages(tmp_path, {"fox.jinja": "x"})
    report = report_on(tmp_path, {"cat.j2": CAT})
    assert report.findings == ()
    assert any("fox.jinja looks like a template and is none; name it fox.j2" in one for one in report.skipped)


# Lists of mappings


def test_a_field_that_no_entry_has_is_found_in_any_branch(tmp_path: Path) -> None:
    """What a body asks of an entry is compared with what `of` declares, also where no example comes by."""
    head = front("inputs:", "  panels: {type: list, of: {scene: {example: a fox}}}", "  rare: {type: boolean, default: false}")
    body = "{% if rare %}{% for panel in panels %}{{ panel.scene }}{{ panel.sceen }}{{ panel['shot'] }}{% endfor %}{% endif %}A fox.\n"
    report = report_on(tmp_path, {"page.j2": head + body})
    assert [(f.code, f.line) for f in report.findings] == [("undeclared-name", 6)] * 2
    said = " ".join(f.message for f in report.findings)
    assert "have no field 'sceen' (did you mean 'scene'?)" in said
    assert "have no field 'shot'" in said


def test_the_line_of_a_field_is_named(tmp_path: Path) -> None:
    """What is wrong with a declared field is found on its own line."""
    head = front("inputs:", "  panels:", "    type: list", "    of:", "      scene: {}", "      shot: {defualt: wide}")
    assert found_at(tmp_path, {"page.j2": f"{head}A page."}) == ["page.j2:7 broken"]


def test_a_field_that_is_not_translated_is_found(tmp_path: Path) -> None:
    """The default and the choices of a field are words of a language too."""
    head = front("inputs:", "  panels: {type: list, of: {scene: {example: fox}, shot: {default: a wide shot}}}")
    body = "{% for panel in panels %}{{ panel.shot }}{{ panel.scene }}{% endfor %}"
    assert found_at(tmp_path, {"page.j2": head + body, "page.es.j2": body}) == ["page.es.j2:1 untranslated"]
