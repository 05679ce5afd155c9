"""What a template from a stranger may do: render a text of bounded size, or end in TemplateError."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from kit.effort import slowness

from promptkit.errors import TemplateError
from promptkit.prompts import sandbox
from promptkit.prompts.library import Library

HERE = Path(__file__).parent
FRONT = f"""---
inputs:
  s: {{default: abc}}
  c: {{type: list, default: [{", ".join(["x"] * 140)}]}}
  d: {{type: integer, default: 0}}
  none_: {{default: null}}
  long: {{default: null}}
---
"""
LONG = "ab" * 45_000
MOST_CALLS = 20_000_000  # and returns, of functions, for compiling and rendering one template


def doubled(times: int, seed: str = "'x'") -> str:
    return "{% set x=" + seed + " %}" + "{% set x=x~x %}" * times


def many_names(count: int) -> str:
    return "".join(f"{{% set a{i:x}=1 %}}" for i in range(count))


FOR = "{% for a in c %}"
END = "{% endfor %}"

# The cases of the experiment that the design came from,
EXPERIMENT = {
    "~ straight line": "{% set x='x' %}" + "{% set x = x ~ x %}" * 60 + "{{x|length}}",
    "block set doubling": "{% set x %}x{% endset %}" + "{% set x %}{{x}}{{x}}{% endset %}" * 60 + "{{x|length}}",
    "list nesting print": "{% set l=['x'] %}" + "{% set l=[l,l] %}" * 60 + "{{l}}",
    "list nesting compare": "{% set l=['x'] %}{% set m=['x'] %}" + "{% set l=[l,l] %}{% set m=[m,m] %}" * 60 + "{{ l==m }}",
    "dict nesting": "{% set l={} %}" + "{% set l={'a':l,'b':l} %}" * 60 + "{{l}}",
    "macro doubling": "{% macro f(x) %}{{x}}{{x}}{% endmacro %}{% set y='x' %}" + "{% set y=f(y) %}" * 60 + "{{y|length}}",
    "macro fan": "{% macro a0() %}{% endmacro %}"
    + "".join(f"{{% macro a{i + 1}() %}}{{{{a{i}()}}}}{{{{a{i}()}}}}{{% endmacro %}}" for i in range(60))
    + "{{a60()}}",
    "macro recursion": "{% macro f() %}{{f()}}{{f()}}{% endmacro %}{{f()}}",
    "macro depth": "{% macro f(n) %}{% if n %}{{f(n-1)}}{{f(n-1)}}{% endif %}{% endmacro %}{{f(60)}}",
    "nested for": FOR * 5 + END * 5,
    "include depth": "{% set d=d+1 %}{% if d<40 %}{% include 't.j2' %}{% include 't.j2' %}{% endif %}",
    "include fan": "{% include '_t0.j2' %}",
    "include self": "{% include 't.j2' %}",
    "extends self": "{% extends 't.j2' %}",
    "import self": "{% import 't.j2' as x %}",
    "mul": "{{ 'a'*10**9 }}",
    "pow": "{{ 9**9**9 }}",
    "mod": "{{ '%1000000000s' % 'a' }}",
    "center": "{{ 'a'|center(10**9) }}",
    "ljust": "{{ s.ljust(10**9) }}",
    "format": "{{ '{:1000000000}'.format('a') }}",
    "method on name": "{{ s.zfill(999999999) }}",
    "getitem slice": "{{ s[::2] }}",
    "big int": "{% set n=1 %}" + "{% set n=n+n %}" * 20000 + "{{n}}",
    "round": "{{ 1.5|round(999999999) }}",
    "int base": "{{ s|int(0, 99999) }}",
    "sort": "{% for i in c %}{{ c|sort|join }}{% endfor %}",
    "deep paren": "{{ " + "(" * 20000 + "1" + ")" * 20000 + " }}",
    "deep not": "{{ " + "not " * 20000 + "s }}",
    "long add": "{{ " + "+".join(["s"] * 20000) + " }}",
    "long ~": "{{ " + "~".join(["s"] * 50000) + " }}",
    "deep for": FOR * 300 + END * 300,
    "deep if": "{% if s %}" * 2000 + "{% endif %}" * 2000,
    "huge literal": "{{ " + "9" * 100000 + " }}",
    "filter chain": "{{ s" + "|upper" * 20000 + " }}",
    "filter block": "{% filter upper %}x{% endfilter %}",
    "call block": "{% macro f() %}{{caller()}}{% endmacro %}{% call f() %}x{% endcall %}",
    "attr": "{{ s.__class__ }}",
    "filter attr": "{{ s|attr('__class__') }}",
    "self": "{{ self.x() }}",
    "block recursion": "{% block x %}{{ self.x() }}{{ self.x() }}{% endblock %}",
    "print undefined": "{{ nope }}",
    "none": "[{{ none_ }}]",
    "list": "{{ c }}",
    "namespace": "{% set ns=namespace(x=1) %}",
    "range": "{% for i in range(3) %}{% endfor %}",
    "huge source": "{{ s }}" * 200000,
    "default recursion": "{% macro f(x=f) %}{{x(x)}}{% endmacro %}{{f()}}",
    "many blocks": "{% block a %}" * 3 + "{% endblock %}" * 3,
    "round ceil": "{{ 1|round(999999999,'ceil') }}",
    "round negative": "{{ 5|round(-999999999) }}",
    "sort in a loop": doubled(16) + "{% for i in x|list %}{% if (x|list|sort|length) == 1 %}a{% endif %}{% endfor %}",
    "in, wide body": doubled(16) + "{% for i in x|list %}" + "{% if (x~'y') in x %}{% endif %}" * 800 + END,
    "wide body, no data": FOR + "{% for j in c %}" + "{% if s %}{% endif %}" * 1200 + END * 2,
    "wide macro": "{% macro f() %}" + "{% if s~s == s %}{% endif %}" * 900 + "{% endmacro %}" + FOR * 2 + "{{ f() }}" + END * 2,
    "many long texts": doubled(16, "'\U0001f600'") + "".join(f"{{% set a{i}=x~s %}}" for i in range(1100)),
    "many lists": doubled(16, "'\U0001f600'") + "{% set x=x~s %}" + "".join(f"{{% set a{i}=x|list %}}" for i in range(1200)),
    "upper ligature": doubled(15, "'ΐ'") + "".join(f"{{% set a{i}=x|upper %}}" for i in range(1000)),
    "title": doubled(16, "'a '") + "{% for i in x|list %}{% if x|title %}{% endif %}{% endfor %}",
    "unique": doubled(16) + "{% for i in x|list %}{{ x|unique|first if 0 }}{{ '' if x|unique|list }}{% endfor %}",
    "replace loop": doubled(16) + "{% for i in x|list %}{% if x|replace('x','y') %}{% endif %}{% endfor %}",
    "int parse": doubled(14, "'f'") + "{% for i in x|list %}{% if x|int(0,16) %}{% endif %}{% endfor %}",
    "int square": doubled(16, "'f'") + "{% set n=x|int(0,16) %}{{ n|float }}",
    "compare lists": doubled(16) + "{% for i in x|list %}{% if x|list == x|list %}{% endif %}{% endfor %}",
    "varargs": "{% macro h(n,b) %}{{ k(n,varargs,b,b) }}{% endmacro %}{% macro k(n,a) %}{% if n>0 %}"
    "{{ h(n-1,a,varargs,varargs) }}{% else %}{{ a==varargs }}{% endif %}{% endmacro %}{{ h(60,s,s,s) }}",
}
# the same attacks on what a template may still use, and later ones: each that is ever found goes here.
LATER = {
    "loops beside the blocks of a base": "{% extends '_base.j2' %}" + FOR * 4 + "{% set x=1 %}" * 500 + END * 4,
    "outputs beside the blocks of a base": "{% extends '_base.j2' %}" + FOR * 4 + "{{ s }}" * 500 + END * 4,
    "filtered loop": "{% for a in c if " + " or ".join(["not s"] * 3000) + " %}{% endfor %}",
    "names around includes": many_names(1000) + "{% include '_empty.j2' %}" * 500,
    "names around blocks": many_names(1000) + "".join(f"{{% block b{i} scoped %}}{{% endblock %}}" for i in range(350)),
    "names around imports": many_names(1000) + "{% import '_empty.j2' as m with context %}" * 300,
    "names around calls": many_names(900) + "{% macro f() %}{% endmacro %}" + FOR * 2 + "{{ f() }}" * 400 + END * 2,
    "computed while compiling": "{{ 'a'|replace('a', 'aaaaaaaaaa')" + "|replace('a', 'aaaaaaaaaa')" * 200 + "|length }}",
    "constants computed while compiling": ("{% if 'a'" + "|replace('a', 'aaaaaaaaaa')" * 4 + " %}{% endif %}") * 200,
    "replace of nothing": doubled(16) + "{{ x|replace('', x)|length }}",
    "long printed twice": "{{ long }}{{ long }}",
    "long kept twice": "{% set x = long ~ long %}{{ x|length }}",
    "join between long": "{{ c|join(long)|length }}",
    "join in loops": FOR * 3 + "{% if c|join(s) %}{% endif %}" + END * 3,
    "upper of long in loops": FOR * 2 + "{% if long|upper %}{% endif %}" * 100 + END * 2,
    "title of long in loops": FOR * 2 + "{% if long|title %}{% endif %}" + END * 2,
    "article of long in loops": FOR * 2 + "{% if long|article(names=true) %}{% endif %}" + END * 2,
    "in long in loops": FOR * 2 + "{% if s in long %}{% endif %}" + END * 2,
    "equal long texts": FOR * 2 + "{% if (long ~ s) == (long ~ s) %}{% endif %}" + END * 2,
    "equal lists": FOR * 2 + "{% if c == c %}{% endif %}" * 20 + END * 2,
    "long kept in many names": "".join(f"{{% set a{i}=long|lower %}}" for i in range(1000)),
    "macros in loops": "{% macro f() %}{% endmacro %}" + FOR * 3 + "{{ f() }}" + END * 3,
    "macro that calls itself": "{% macro f(x) %}{% if x %}{{ f(x) }}{% endif %}{% endmacro %}{{ f(s) }}",
    "macros that call each other": "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}",
    "macro in a default": "{% macro f(x=f()) %}{% endmacro %}{{ f() }}",
    "imports in loops": FOR * 2 + "{% import '_macros.j2' as m %}" + END * 2,
    "includes in loops": FOR * 2 + "{% include '_empty.j2' %}" + END * 2,
    "number of many digits": "{{ " + "9" * 4000 + " }}",
    "numbers of many digits": FOR * 2 + ("{{ " + "9" * 4000 + " }}") * 7 + END * 2,
    "one item of a text": "{{ s[0] }}",
    "item by a huge number": "{{ c[999999999999] }}",
    "star in a call": "{% macro f() %}{% endmacro %}{{ f(*c) }}",
    "star in a filter": "{{ c|join(*c) }}",
    "two stars in a filter": "{{ s|article(**c) }}",
    "two names set": "{% set a, b = c %}",
    "attribute set": "{% set s.x = 1 %}",
    "text called": "{{ s() }}",
    "lists in lists": "{% set l=['x'] %}" + "{% set l=[l,l] %}" * 60 + "{% if l == l %}{% endif %}",
    "method of the loop": "{% for i in c %}{{ loop.cycle('a') }}{% endfor %}",
    "memory of the loop": "{% for i in c %}{{ loop.changed(c) }}{% endfor %}",
    "private of the loop": "{% for i in c %}{{ loop._iterable }}{% endfor %}",
    "the loop printed": "{% for i in c %}{{ loop }}{% endfor %}",
    "recursive loop": "{% for i in c recursive %}{{ loop(c) }}{% endfor %}",
    "macro printed": "{% macro f() %}{% endmacro %}{{ f }}",
    "arguments of a macro": "{% macro f() %}{% endmacro %}{{ f.arguments }}",
    "environment of a macro": "{% macro f() %}{% endmacro %}{{ f._environment }}",
    "module printed": "{% import '_macros.j2' as m %}{{ m }}",
    "private of a module": "{% import '_macros.j2' as m %}{{ m._body_stream }}",
    "class of a module": "{% import '_macros.j2' as m %}{{ m.__class__ }}",
    "block above printed": "{% extends '_base.j2' %}{% block a %}{{ super }}{% endblock %}",
    "block above by attribute": "{% extends '_base.j2' %}{% block a %}{{ super.super }}{% endblock %}",
    "no block above": "{% block a %}{{ super() }}{% endblock %}",
    "hidden name": "{{ __builtins__ }}",
    "set a hidden name": "{% set _x = 1 %}",
    "other letters in a name": "{{ ſelf }}",
    "loop variables passed": "{% macro f() %}{% endmacro %}{% for i in c %}{{ f(_loop_vars=c) }}{% endfor %}",
    "tag of an extension": "{% do s %}",
    "break": "{% for i in c %}{% break %}{% endfor %}",
    "with": "{% with x = s %}{{ x }}{% endwith %}",
    "autoescape": "{% autoescape true %}{{ s }}{% endautoescape %}",
    "file named by an input": "{% include s %}",
    "files to choose from": "{% include ['_empty.j2', '_macros.j2'] %}",
    "file that may be missing": "{% include '_nope.j2' ignore missing %}",
    "file outside": "{% include '/etc/passwd' %}",
    "file above": "{% include '../_secret.j2' %}",
    "file of another kind": "{% include '_secret.txt' %}",
    "includes in a circle": "{% include '_circle.j2' %}",
    "test that calls": "{{ s is callable }}",
    "test that compares": "{{ s is in c }}",
    "map": "{{ c|map('upper')|join }}",
    "attribute that is an index": "{{ s|map(attribute='__class__') }}",
    "unclosed": "{{ s ",
    "unclosed comment": "{# s ",
    "braces": "{" * 30000,
    "many outputs": "{{ s }}" * 4000,
    "many filters": ("{{ s" + "|upper" * 40 + " }}") * 100,
    "filters too deep": "{{ s" + "|upper" * 100 + " }}",
    "conditions too deep": "{{ " + "s if d else (" * 80 + "s" + ")" * 80 + " }}",
    "infinity": "{{ 1e999 }}",
    "infinity compared": "{% if 1e999 > 3 %}x{% endif %}",
    "digits without end": "{{ 1" + "_1" * 5000 + " }}",
    "trim of characters": "{{ s|trim(s) }}",
    "loops around conditions": FOR * 19 + "{{ s if s else (s if s else s) }}" * 300 + END * 19,
    "loops around loops": FOR * 19 + "{{ s if s else s }}" * 900 + END * 19,
    "loops around filters": FOR * 19 + ("{{ s" + "|d" * 40 + " }}") * 200 + END * 19,
    "macros around a list": "".join(f"{{% macro m{i}() %}}" for i in range(60)) + "{{ [" + "1," * 1000 + "1] }}" + "{% endmacro %}" * 60,
    "title of markup": "{{ long|title|length }}" * 60,
    "tojson of a macro": "{% macro m() %}{% endmacro %}{{ m|tojson }}",
    "tojson of an unknown name": "{{ nope|tojson }}",
    "tojson without end": FOR * 2 + "{{ long|tojson|length }}" + END * 2,
    "slowest search": f"{{% set x = '{'a' * 2499}' %}}{{% set y = '{'a' * 1248 + 'ba'}' %}}" + FOR * 2 + "{{ y in x }}" + END * 2,
    "slowest replace": f"{{% set x = '{'a' * 2499}' %}}{{% set y = '{'a' * 1248 + 'ba'}' %}}" + FOR * 2 + "{{ x|replace(y, s) }}" + END * 2,
    "elif": "{% if d %}" + "{% elif d %}" * 2000 + "{% endif %}",
}
FILES = {
    **{f"_t{i}.j2": f"{{% include '_t{i + 1}.j2' %}}{{% include '_t{i + 1}.j2' %}}" for i in range(50)},
    "_t50.j2": "",
    "_empty.j2": "",
    "_base.j2": "{% block a %}base{% endblock %}",
    "_macros.j2": "{% macro f(x) %}{{ x }}{% endmacro %}" + FOR.replace("c ", "['a', 'b'] ") + "{% set y = 1 %}" + END,
    "_circle.j2": "{% include '_circle2.j2' %}",
    "_circle2.j2": "{% include '_circle.j2' %}",
    "_secret.txt": "secret",
}
CASES = {**EXPERIMENT, **{f"later: {name}": body for name, body in LATER.items()}}
RENDERED = {  # all others end in TemplateError
    "none",
    *(f"later: {name}" for name in ("constants computed while compiling", "many filters", "elif")),
}


@pytest.fixture
def library(tmp_path: Path) -> Callable[[str], Any]:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    def with_body(body: str) -> Any:
        (tmp_path / "t.j2").write_text(FRONT + body, encoding="utf-8")
        return Library(tmp_path, builtin=False)

    return with_body


class TooMuch(BaseException):
    """Not an Exception, so that nothing on the way takes it for the template's."""


@contextmanager
def at_most(calls: int) -> Iterator[None]:
    """Stops the code inside at so many calls of functions: a bound that no clock and no other process has a part in."""
    left = calls

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            sys.setprofile(None)
            raise TooMuch

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)


def outcome(library: Library) -> str:
    try:
        return str(library.t(long=LONG, lang="en"))
    except TemplateError as error:
        return f"TemplateError: {error}"


@pytest.mark.parametrize("name", CASES)
def test_hostile_template_is_held(name: str, library: Callable[[str], Library]) -> None:
    """Whatever a template tries ends in TemplateError, or in a text of bounded size, after a bounded number of calls."""
    hostile = library(CASES[name])
    with at_most(MOST_CALLS):
        text = outcome(hostile)
    assert text.startswith("TemplateError: ") is (name not in RENDERED)
    assert len(text) <= sandbox.LONGEST


def hold_all(folder: Path) -> None:
    """Renders all cases one after the other, with 100 MB more than it needs to begin with; runs in a process of its own."""
    import resource

    for name, text in {**FILES, "t.j2": FRONT + "{{ s }}"}.items():
        (folder / name).write_text(text, encoding="utf-8")
    outcome(Library(folder, builtin=False))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 100_000_000,) * 2)
    for name, body in CASES.items():
        (folder / "t.j2").write_text(FRONT + body, encoding="utf-8")
        begun = time.process_time()
        said = outcome(Library(folder, builtin=False))
        print(f"{time.process_time() - begun:.3f}\t{name}\t{said[:200]!r}")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory of a process is read where Linux shows it")
def test_hostile_templates_stay_within_a_second_and_100_megabytes(tmp_path: Path) -> None:
    """No case takes a second of the processor (more on one that is slow just now), and none of them 100 MB."""
    slow = slowness()
    done = subprocess.run(
        [sys.executable, "-c", "import test_sandbox, pathlib, sys; test_sandbox.hold_all(pathlib.Path(sys.argv[1]))", str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)]), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    slowest = max(slow, slowness())
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(lines) == len(CASES)
    assert [line for line in lines if float(line[0]) >= slowest] == []
    assert "more memory" not in done.stdout


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("long printed twice", "a text of more than 100,000 characters"),
        ("long kept twice", "a text of more than 100,000 characters"),
        ("replace of nothing", "a text of more than 100,000 characters"),
        ("join in loops", "more work than a template may"),
        ("macro that calls itself", "call each other more than 32 deep"),
        ("filtered loop", "neither recursive nor filtered"),
        ("recursive loop", "neither recursive nor filtered"),
        ("star in a call", "without * and **"),
        ("star in a filter", "without * and **"),
        ("two stars in a filter", "without * and **"),
        ("lists in lists", "a list holds constants only"),
        ("text called", "a text cannot be called"),
        ("method of the loop", "has no 'cycle'"),
        ("private of the loop", "has no '_iterable'"),
        ("private of a module", "has no '_body_stream'"),
        ("file that may be missing", "what is included has to exist"),
        ("file named by an input", "a file is named in quotes"),
        ("file outside", "needs '/etc/passwd', which is not in"),
        ("includes in a circle", "includes itself, by way of"),
        ("filters too deep", "nested more than 64 deep"),
        ("names around includes", "too much code"),
        ("infinity", "the number inf is larger"),
        ("infinity compared", "the number inf is larger"),
        ("digits without end", "a number of too many digits"),
        ("trim of characters", "takes 1 positional argument"),
        ("loops around conditions", "more work than a template may"),
        ("loops around loops", "too much stands inside too many loops"),
        ("loops around filters", "too much stands inside too many loops"),
        ("macros around a list", "too much stands inside too many loops"),
        ("title of markup", "more work than a template may"),
        ("tojson of a macro", "a macro cannot be JSON"),
        ("tojson of an unknown name", "'nope' is neither an input nor set before"),
        ("tojson without end", "more work than a template may"),
        ("slowest search", "more work than a template may"),
        ("slowest replace", "more work than a template may"),
        ("number of many digits", "is larger than 1,000,000,000,000,000"),
        ("loop variables passed", "the name '_loop_vars'"),
        ("two names set", "one name is set at a time"),
    ],
)
def test_each_refusal_says_why(case: str, words: str, library: Callable[[str], Library]) -> None:
    """Each rule stops what it is there for, before another one does."""
    assert words in outcome(library(LATER[case]))


@pytest.mark.parametrize("turns", [1, 3])
def test_what_is_imported_is_paid_for_by_each_render(turns: int, library: Callable[[str], Library]) -> None:
    """A template that renders once renders always, and one that does too much never renders: imports are not kept."""
    walks = "{% for a in c %}{% for b in c %}{% endfor %}{% endfor %}"
    module = "{% macro f() %}ok{% endmacro %}{% set c = [" + ", ".join("1" * 110) + "] %}" + walks
    found = library("{% from '_busy.j2' import f %}" * turns + "{{ f() }}")
    (found.t.file.parent / "_busy.j2").write_text(module, encoding="utf-8")
    outcomes = [outcome(found)[:13] for _ in range(3)]
    assert outcomes == (["ok"] * 3 if turns == 1 else ["TemplateError"] * 3)


def test_each_thread_has_fuel_of_its_own(library: Callable[[str], Library]) -> None:
    """Renders in threads neither share their fuel nor lose it."""
    found = library("{% for a in c %}{% for b in c %}{% endfor %}{% endfor %}{{ s }}")
    results: list[str] = []
    threads = [threading.Thread(target=lambda: results.append(outcome(found))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["abc"] * 12


# What a template may use


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{{ s }} and {{ d }}", "abc and 0"),
        ("{{ none_ }}{{ none_|default('x') }}{{ ''|d('y', true) }}{{ s|default('z') }}", "xyabc"),
        ("{% if s and not d %}yes{% elif d %}no{% else %}never{% endif %}", "yes"),
        ("{{ 'yes' if s == 'abc' and d < 1 else 'no' }}", "yes"),
        ("{{ 'yes' if s in ['abc', 'def'] else 'no' }}", "yes"),
        ("{% for x in ['a', 'b'] %}{{ loop.index }}{{ x }}{{ ', ' if not loop.last }}{% else %}none{% endfor %}", "1a, 2b"),
        ("{% set x = s ~ '!' %}{{ x }}{% set y %}<{{ x }}>{% endset %}{{ y }}", "abc!<abc!>"),
        ("{% macro bold(t, mark='*') %}{{ mark }}{{ t }}{{ mark }}{% endmacro %}{{ bold(s) }}{{ bold(s, mark='_') }}", "*abc*_abc_"),
        ("{% from '_macros.j2' import f %}{% import '_macros.j2' as m %}{{ f(s) }}{{ m.f('x') }}{{ m.f is defined }}", "abcxTrue"),
        ("{% extends '_base.j2' %}{% block a %}{{ super() }}+{{ s }}{% endblock %}", "base+abc"),
        ("a{% include '_empty.j2' %}b{# a remark #}{% raw %}{{ s }}{% endraw %}", "ab{{ s }}"),
        ("{{ ['a', 'b', 'c']|join(', ', ' and ') }}; {{ ['a']|join(', ', ' and ') }}; {{ []|join }}", "a, b and c; a; "),
        ("{{ c|length }}{{ c|first }}{{ c[0] }}{{ s|first }}{{ s|last }}{{ []|first }}", "140xxac"),
        ("{{ s|upper }}{{ 'AB'|lower }}{{ s|capitalize }}{{ 'a b'|title }}{{ ' a '|trim }}{{ s|replace('b', '-') }}", "ABCabAbcA Baa-c"),
        ("{{ 'please add'|removeprefix('please ') }}{{ 'The bear'|bare }}{{ 'a'|count }}", "addbear1"),
        ("{{ 'a “b” \"c\" 狐'|tojson }}{{ ['a', 1, true, none]|tojson }}{{ d|tojson }}", '"a “b” \\"c\\" 狐"["a", 1, true, null]0'),
        ("{{ none|tojson }}", "null"),
        ("{{ range is defined }}{{ namespace is defined }}", "FalseFalse"),
        ("{{ d is number }}{{ s is string }}{{ none_ is none }}{{ nope is undefined }}{{ true is boolean }}", "TrueTrueTrueTrueTrue"),
    ],
)
def test_what_a_template_may_use(body: str, text: str, library: Callable[[str], Library]) -> None:
    """The syntax, filters and tests that packs can count on."""
    assert outcome(library(body)) == text


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("one\ntwo {% if %}", 10, "Expected an expression"),
        ("one\n{{ s|uper }}", 10, "did you mean 'upper'"),
        ("\n\none\n{{ lon }}", 12, "did you mean 'long'"),
        ("{% for x in c %}\n{{ x.upper() }}{% endfor %}", 10, "a text has no 'upper'"),
        ("{% for x in s %}{% endfor %}", 9, "a loop walks a list, and this is a text"),
    ],
)
def test_errors_name_file_and_line(body: str, line: int, words: str, library: Callable[[str], Library]) -> None:
    """A template that cannot be used or rendered says in which file and line, counted with the front matter, and why."""
    found = library(body)
    with pytest.raises(TemplateError, match=words) as caught:
        found.t()
    assert (caught.value.file, caught.value.line) == (str(found.t.file), line)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_errors_name_the_included_file(library: Callable[[str], Library]) -> None:
    """An error inside an included file names that file."""
    found = library("{% include '_bad.j2' %}")
    (found.t.file.parent / "_bad.j2").write_text("one\n{{ s.x }}", encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        found.t()
    assert (Path(caught.value.file or "").name, caught.value.line) == ("_bad.j2", 2)


# Entries of a list

ENTRIES = "---\ninputs:\n  list_: {type: list, of: {items: {default: abc}, n: {type: integer, default: null}}}\n---\n"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{{ list_[0] }}", "an entry of a list cannot be printed; print one of its fields: items, n"),
        ("{{ list_ }}", "a list cannot be printed"),
        ("{{ list_|join }}", "an entry of a list cannot be printed"),
        ("{{ list_[0].itms }}", "have no field 'itms' (did you mean 'items'?); known are items, n"),
        ("{{ list_[0]['itms'] }}", "have no field 'itms'"),
        ("{{ list_[0].keys }}", "have no field 'keys'"),
        ("{{ list_[0].__class__ }}", "have no field '__class__'"),
        ("{{ list_[0].keys() }}", "have no field 'keys'"),
        ("{{ list_[0].items() }}", "a text cannot be called"),
        ("{{ list_[0][0] }}", "an entry of a list has no item 0"),
        ("{% for x in list_[0] %}{% endfor %}", "a loop walks a list, and this is an entry of a list"),
        ("{% for a in list_ %}" * 3 + "{{ list_|tojson|length }}" + "{% endfor %}" * 3, "more work"),
    ],
)
def test_an_entry_has_its_fields_and_nothing_else(tmp_path: Path, body: str, why: str) -> None:
    """An entry gives its fields and no method, is not printed or walked as a whole, and pays for its size."""
    (tmp_path / "t.j2").write_text(ENTRIES + body)
    with pytest.raises(TemplateError) as caught:
        str(Library(tmp_path, builtin=False).t(list_=[{"items": "x" * 100, "n": i} for i in range(40)]))
    assert why in str(caught.value)


def test_an_entry_is_json_of_what_it_holds(tmp_path: Path) -> None:
    """tojson writes entries as objects, without the fields that are nothing."""
    (tmp_path / "t.j2").write_text(ENTRIES + "{{ list_|tojson }} {{ list_|first|tojson }}{% if 'n' in list_[0] %}!{% endif %}")
    made = Library(tmp_path, builtin=False).t(list_=[{"items": "狐"}, {"n": 2}])
    assert str(made) == '[{"items": "狐"}, {"items": "abc", "n": 2}] {"items": "狐"}!'
