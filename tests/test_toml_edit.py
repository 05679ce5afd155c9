"""Values put into TOML texts: exact texts before and after. Texts only; the user's own file is tested in tests/cli/test_price.py."""

from __future__ import annotations

import tomllib
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptkit.toml_edit import as_toml, with_table

PATH = ("models", "m.1", "price", "gw")
SET = {"picture": 0.3, "currency": "CNY"}
CHANGED = [
    ("", '[models."m.1".price.gw]\npicture = 0.3\ncurrency = "CNY"\n'),
    ("# mine", '# mine\n\n[models."m.1".price.gw]\npicture = 0.3\ncurrency = "CNY"\n'),
    (
        "[ models . 'm.1' . price . gw ]  # theirs\n  # monthly\n  picture   =   1 # USD\n\n[other]\na = 1\n",
        "[ models . 'm.1' . price . gw ]  # theirs\n  # monthly\n  picture   =   0.3 # USD\n  currency = \"CNY\"\n\n[other]\na = 1\n",
    ),
    ('[models."m.1".price.gw]', '[models."m.1".price.gw]\npicture = 0.3\ncurrency = "CNY"\n'),
    (
        '[models."m.1".price]\ngw = {picture = 1, tokens = [1, 2, 3]} # a # b\nhost = {picture = "#"}\n',
        '[models."m.1".price]\ngw = {tokens = [1, 2, 3], picture = 0.3, currency = "CNY"} # a # b\nhost = {picture = "#"}\n',
    ),
    (
        '[models."m.1"]\nprice.gw.picture = {1K = 1}\npictures = 3\n',
        '[models."m.1"]\nprice.gw.picture = 0.3\nprice.gw.currency = "CNY"\npictures = 3\n',
    ),
    (
        '[models."m.1".price.gw]\nas_of = 2026-01-01\n[models."m.1".price.gw.picture]\n# by size\n1K = 1\n',
        '[models."m.1".price.gw]\nas_of = 2026-01-01\npicture = 0.3\ncurrency = "CNY"\n# by size\n',
    ),
    (
        'note = """\n[models."m.1".price.gw]\npicture = 1\n"""\nlist = [\n  1, # one\n]\r\n',
        (
            'note = """\n[models."m.1".price.gw]\npicture = 1\n"""\nlist = [\n  1, # one\n]\r\n'
             '\r\n[models."m.1".price.gw]\r\npicture = 0.3\r\ncurrency = "CNY"\r\n'
        ),
    ),
]


@pytest.mark.parametrize(("before", "after"), CHANGED)
def test_only_the_table_changes(before: str, after: str) -> None:
    """Comments, spaces, line ends, the order and all other values stay, in whatever way the table is written."""
    assert with_table(before, PATH, SET) == after
    assert with_table(after, PATH, SET) == after


@pytest.mark.parametrize(
    "text", ["a = ", "a = 1\na = 2", "models = 3", '[models."m.1"]\nprice = 0.1', '[[models."m.1".price.gw]]\npicture = 1', "a = '''"]
)
def test_what_cannot_be_changed_is_refused(text: str) -> None:
    """A text that is no TOML, or has no room for such a table, is a ValueError, and nothing is made up."""
    with pytest.raises(ValueError):  # noqa: PT011  (tomllib's is one)
        with_table(text, PATH, SET)


def test_none_takes_a_value_out() -> None:
    """A value that is None is in the table no longer."""
    assert with_table("[a]\nb = 1\nc = 2 # two\n", ("a",), {"b": None}) == "[a]\nc = 2 # two\n"


NAMES = st.text(max_size=8)
VALUES: Any = st.one_of(
    st.text(max_size=12).filter(lambda t: t.isprintable() or t.isascii()),
    st.integers(-(2**53), 2**53),
    st.booleans(),
    st.dates(),
    st.floats(0, 1e9),
)


@given(
    table=st.dictionaries(NAMES, st.one_of(VALUES, st.lists(VALUES, max_size=3), st.dictionaries(NAMES, VALUES, max_size=3)), max_size=4)
)
def test_what_is_written_is_what_tomllib_reads(table: dict[str, Any]) -> None:
    """Names and values of any kind come back as they went in, on their own and put into a table one after the other."""
    assert tomllib.loads(f"a = {as_toml(table)}") == {"a": table}
    text = "# first\n"
    for name, value in table.items():
        text = with_table(text, ("x y", "é", ""), {name: value})
    assert text.startswith("# first\n")
    assert (tomllib.loads(text) or {"x y": {"é": {"": {}}}}) == {"x y": {"é": {"": table}}}


def test_dates_are_dates() -> None:
    """A day is written as TOML has it."""
    assert as_toml(date(2026, 1, 2)) == "2026-01-02"
