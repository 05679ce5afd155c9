"""Nothing is bought again unknowingly: other words of the same template are the same step, what else differs is named before it is sent,
and where nothing may be sent only what is on record comes back.

What is the very same request is tested in test_reuse.py.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kit import every_template
from kit.loopback import Loopback, png
from kit.shell import run
from kit.steps import snapshot

from promptkit import (
    FunctionTransport,
    Library,
    LineageError,
    NotRecorded,
    Prompt,
    PromptkitWarning,
    Session,
    SettingsError,
    Step,
    templates,
)
from promptkit import config as settings

pytestmark = pytest.mark.filterwarnings("ignore:step [0-9]+. another ratio")

Wording = Callable[[Prompt], Prompt]


def as_it_is(prompt: Prompt) -> Prompt:
    return prompt


def run_together(prompt: Prompt) -> Prompt:
    """As a promptkit that glued the lines of a template together would have worded it."""
    return replace(prompt, text=prompt.text.replace(". ", ".").replace(", ", ","))


def with_other_articles(prompt: Prompt) -> Prompt:
    return replace(prompt, text=re.sub(r"\b(the|a)\b", "this", prompt.text))


def without_its_end(prompt: Prompt) -> Prompt:
    return replace(prompt, text=prompt.text.rpartition(". ")[0])


OTHERWISE = [run_together, with_other_articles, without_its_end]


@contextmanager
def said() -> Iterator[list[str]]:
    """What is warned of, but for sizes of pictures."""
    found: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield found
    found += [m for w in caught if issubclass(w.category, PromptkitWarning) and "ratio" not in (m := str(w.message))]


def opened(service: Loopback, **more: Any) -> Session:
    return Session("./bear", endpoint=service.url, **more)


def sticker(**inputs: Any) -> Prompt:
    return templates.sticker(**{"subject": "a red panda", "lang": "en", **inputs})


# Other words of the same template


def chain(bear: Session, worded: Wording = as_it_is) -> list[Step]:
    """Three steps of three templates, one of them with words of the caller's behind it, and one in his own words."""
    panda = bear.generate(worded(sticker()))
    hat = panda.edit(worded(templates.edit.add(element="paper hat", lang="en")))
    print_ = worded(templates.edit.style_transfer(style="ukiyo-e print", lang="en")) + " Keep the hat red."
    ukiyo = hat.edit(print_, references=[png("blue")])
    return [panda, hat, ukiyo, ukiyo.edit("Make it night")]


@pytest.mark.parametrize("worded", OTHERWISE)
def test_a_chain_that_a_template_words_otherwise_today_costs_nothing(service: Loopback, worded: Wording) -> None:
    """The steps of the same templates and inputs come back, and so does what continues them."""
    with said():
        before = chain(opened(service), worded)
    with said() as told:
        again = chain(opened(service))
    assert [s.id for s in again] == [s.id for s in before]
    assert [s.reused for s in again] == [True] * 4
    assert len(service.received) == 4
    same = "was made with other words of the same template and inputs"
    assert [t.partition(" (")[0] for t in told] == [f"Step {n} {same}" for n in (1, 2, 3)]
    assert all(t.endswith(", and reused; fresh=True asks anew.") for t in told)


def test_it_is_said_once_and_fresh_asks_in_todays_words(service: Loopback) -> None:
    """Two calls of one session say it once; fresh=True makes a step in today's words, which then is the one that comes back."""
    old = opened(service).generate(run_together(sticker()))
    bear = opened(service)
    with said() as told:
        assert [bear.generate(sticker()).id for _ in range(2)] == [old.id] * 2
    assert len(told) == 1
    new = bear.generate(sticker(), fresh=True)
    assert (new.id != old.id, new.prompt.text) == (True, sticker().text)
    assert opened(service).generate(sticker()) == new
    assert len(service.received) == 2


def test_the_takes_of_vary_come_back_though_their_seeds_followed_from_other_words(service: Loopback) -> None:
    """Variants of a template are found with the seeds that they were made with, and named in one sentence."""
    bear = opened(service)
    panda = bear.generate("a panda")
    old = bear.vary(with_other_articles(templates.edit.add(element="paper hat", lang="en")), 3, on=panda)
    with said() as told:
        new = opened(service).vary(templates.edit.add(element="paper hat", lang="en"), 3, on=panda.number)
    assert [s.id for s in new] == [s.id for s in old]
    assert len(service.received) == 4
    assert [t.partition(" made")[0] for t in told] == ["Steps 2, 3 and 4 were"]


OTHERS: dict[str, Callable[[Loopback], Step]] = {
    "other inputs": lambda service: opened(service).generate(sticker(style="3D")),
    "another language": lambda service: opened(service).generate(sticker(lang="ja")),
    "another option": lambda service: opened(service).generate(sticker(), aspect_ratio="16:9"),
    "a picture along": lambda service: opened(service).generate(sticker(), references=[png("blue")]),
    "another model": lambda service: opened(service, model="gemini-3-pro-image").generate(sticker()),
    "words behind it": lambda service: opened(service).generate(sticker() + " It waves."),
    "words of the caller's": lambda service: opened(service).generate(replace(sticker(), text=sticker().text.replace("red", "blue"))),
    "no reuse": lambda service: opened(service, reuse=False).generate(sticker()),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=list(OTHERS))
def test_only_the_words_may_differ(service: Loopback, other: Callable[[Loopback], Step]) -> None:
    """With another input, language, option, picture or model it is another request, as it is with words that the caller added."""
    old = opened(service).generate(run_together(sticker()))
    with said():
        assert other(service).id != old.id
    assert len(service.received) == 2


def test_words_that_a_caller_added_before_are_no_other_wording(service: Loopback) -> None:
    """A step with words behind the template's is not one without them, or with others, also where the template was worded otherwise."""
    for worded in (as_it_is, run_together, with_other_articles):
        bear = Session(f"./{worded.__name__}", endpoint=service.url)
        waving = bear.generate(worded(sticker()) + " It waves to me.")
        with said():
            assert bear.generate(sticker()) != waving
            assert bear.generate(sticker() + " It sleeps.") != waving
            assert bear.generate(sticker() + " It waves to me.") == waving


def test_a_picture_in_other_words_that_is_gone_is_not_paid_for_again_unasked(service: Loopback) -> None:
    """That its file is missing is said instead."""
    old = opened(service).generate(run_together(sticker()))
    old.files[0].unlink()
    with pytest.raises(LineageError, match="Step 1 asked for this already, and its picture"):
        opened(service).generate(sticker())
    assert not opened(service).generate(sticker(), fresh=True).reused


def test_a_replay_finds_the_steps_in_other_words_too(service: Loopback) -> None:
    """Where a trail is replayed to, a step in other words of the template stands for one in the recorded words, in the preview as well."""
    recorded = opened(service).generate(sticker())
    there = Session("./other", endpoint=service.url).generate(run_together(sticker()))
    assert [row.there for row in opened(service).replay("./other", dry_run=True).rows] == [there.number]
    with said():
        assert opened(service).replay("./other") == (there,)
    assert recorded.prompt.text != there.prompt.text
    assert len(service.received) == 2


def test_a_squash_in_other_words_around_the_same_edits_is_the_same(service: Loopback) -> None:
    """The list of edits is what is asked for; what another release wrote around it costs nothing, words of the caller's own do."""
    bear = opened(service)
    panda = bear.generate("a panda")
    hat, night = panda.edit("Add a hat"), bear.edit("Make it night\nand add a moon")
    joined = "Do this at once:\n\n1. Add a hat\n2. Make it night\n   and add a moon\n\nNothing else."
    old = bear.squash(hat, night, prompt=joined)
    own = bear.squash(hat, night, prompt="Add a hat at night.")
    with said() as told:
        assert opened(service).squash(hat.number, night.number) == old
    assert [t.partition(" (")[0] for t in told] == [f"Step {old.number} was made with other words of the same edits"]
    assert own != old
    assert len(service.received) == 5


# Words that differ for another reason


def poster(words: str, **inputs: Any) -> Prompt:
    """The prompt of a template in a file, as it stands there now."""
    Path("mine").mkdir(exist_ok=True)
    front = "description: A poster\nkind: generate\ninputs: {subject: {}, mood: {default: calm}, place: {default: null}}"
    Path("mine/poster.j2").write_text(f"---\n{front}\n---\n{words}\n", encoding="utf-8")
    return Library("mine", builtin=False).poster(**{"subject": "a fox with a lantern", **inputs})


def words_sent(service: Loopback) -> list[str]:
    return [received.text for received in service.received]


def test_a_template_whose_file_changed_is_named_before_it_is_asked_for(service: Loopback) -> None:
    """The same call makes other words: the sentence names the step, the template and the words, while nothing is sent yet."""
    bear = opened(service)
    bear.generate(poster("A poster of {{ subject }}, on white paper."))
    warnings.simplefilter("error", PromptkitWarning)
    with pytest.raises(PromptkitWarning) as named:
        bear.generate(poster("A poster of {{ subject }}, on black paper."))
    assert str(named.value) == (
        "Step 1 was asked for with poster as its file was then (“white” then, “black” now). This is asked for as a new step, and so are "
        "edits of it; its own words bring that one back for nothing."
    )
    assert len(service.received) == 1


NEAR: dict[str, tuple[str, str, str]] = {
    "few words": (
        "Put a small white alpaca beside it, facing it",
        "Put a small black alpaca beside it, facing it",
        "“white” then, “black” now",
    ),
    "a word more": ("Put a small white alpaca beside it", "Put a small white alpaca right beside it", "now with “right”"),
    "a word less": ("Put a small white alpaca right beside it", "Put a small white alpaca beside it", "now without “right”"),
    "a full stop": ("Add a hat", "Add a hat.", "now with “.”"),
    "spaces": ("Add a hat", "Add a  hat\n", "only spaces or line breaks differ"),
    "capitals": ("Add a hat", "add a hat", "“Add” then, “add” now"),
    "Unicode form": ("Écris « été »", unicodedata.normalize("NFD", "Écris « été »"), "only the Unicode form of characters differs"),
    "full width": ("加一顶帽子!", "加一顶帽子！", "only the Unicode form of characters differs"),
    "Chinese": ("给它戴一顶红色的大帽子", "给它戴一顶蓝色的大帽子", "“红” then, “蓝” now"),
    "Hindi": (
        "इसे रात का बना दें और एक लाल लालटेन टाँगें",
        "इसे रात का बना दें और एक नीली लालटेन टाँगें",
        "“लाल” then, “नीली” now",
    ),
}


@pytest.mark.parametrize(("before", "after", "words"), NEAR.values(), ids=list(NEAR))
def test_an_edit_in_nearly_the_words_of_another_session_is_named(service: Loopback, before: str, after: str, words: str) -> None:
    """Who opens the session again and asks for nearly the same is told which step it is not, and which words differ; once."""
    bear = opened(service)
    old = bear.edit(before, on=bear.generate("a fox"))
    with said() as told:
        again = opened(service)
        assert again.edit(after, on=1) != old
        again.edit(after, on=1, fresh=True)
    assert [t.partition(". ")[0] for t in told] == [f"Step 2 was asked for in nearly the same words ({words})"]


def test_an_input_in_which_few_words_differ_is_named(service: Loopback) -> None:
    """Of a template the inputs are compared, as the words around them are the template's; another subject is another picture."""
    words = "A poster of {{ subject }} {{ place }}, {{ mood }}, with wide margins, on thick paper, for the wall of a small library."
    opened(service).generate(poster(words, place="in a quiet forest at night"))
    with said() as told:
        opened(service).generate(poster(words, place="in a quiet forest by night"))
        opened(service).generate(poster(words, subject="a bear", place="on a hill"))
    assert [t.partition(". ")[0] for t in told] == ["Step 1 was asked for in nearly the same words (“at” then, “by” now)"]


SIBLINGS: dict[str, Callable[[Session], object]] = {
    "other words": lambda bear: [bear.edit(words, on=1) for words in ("Make it night", "Make it dawn", "Put a white alpaca beside it")],
    "a loop": lambda bear: [bear.generate(f"A kawaii sticker of a {a}, with bold outlines, on white") for a in ("fox", "bear", "cat")],
    "a cell that was reworded": lambda bear: [bear.edit(f"Put a small {c} alpaca beside it, facing it", on=1) for c in ("red", "blue")],
    "a template's subjects": lambda bear: [bear.generate(sticker(subject=a)) for a in ("happy red fox", "happy red bear")],
    "with other options": lambda bear: [bear.edit("Add a hat", on=1, aspect_ratio=r) for r in ("1:1", "16:9")],
    "of another picture": lambda bear: [bear.edit("Add a hat", on=step) for step in (1, bear.edit("Add a hat", on=1))],
    "asked anew": lambda bear: [bear.edit("Add a hat", on=1), bear.edit("Add a hat.", on=1, fresh=True), bear.again("Add the hat")],
    "variants": lambda bear: [bear.vary("Add a hat", 2, on=1), bear.vary("Add a hat", 4, on=1)],
}


@pytest.mark.parametrize("made", SIBLINGS.values(), ids=list(SIBLINGS))
def test_who_makes_siblings_on_purpose_hears_nothing(service: Loopback, made: Callable[[Session], object]) -> None:
    """What the session itself has just made is on the caller's mind."""
    bear = opened(service)
    bear.generate("a fox")
    with said() as told:
        made(bear)
    assert told == []


def test_what_is_on_record_is_not_compared(service: Loopback) -> None:
    """A script that is run again in the same words hears nothing, however near its steps are to each other."""
    for _ in range(2):
        with said() as told:
            bear = opened(service)
            for color in ("red", "blue", "green"):
                bear.generate(f"Put a small {color} alpaca beside the fox, facing it")
        assert told == []
    assert len(service.received) == 3


def test_variants_in_nearly_the_same_words_are_named_in_one_sentence(service: Loopback) -> None:
    """Four requests for the same words are one thought."""
    bear = opened(service)
    bear.vary("Put a small white alpaca beside it", 4, on=bear.generate("a fox"))
    with said() as told:
        opened(service).vary("Put a small black alpaca beside it", 4, on=1)
    assert len(told) == 1
    assert "(“white” then, “black” now)" in told[0]


# Where nothing may be sent


class Forbidden:
    """A transport that must not be reached."""

    def send(self, request: object) -> object:
        raise AssertionError("sent")


def everything(bear: Session) -> list[Step]:
    """Each way to ask, and what comes back."""
    own = bear.edit("Add a hat", on=png("white"), references=[png("blue")])
    panda, hat, ukiyo, night = chain(bear)
    again, fresh = hat.again(), bear.generate("a fox", fresh=True)
    variants = panda.vary("Make it dawn", 2)
    more = bear.vary(n=2, root=False, on=night)
    return [own, panda, hat, ukiyo, night, again, fresh, *variants, *more, bear.squash(hat, ukiyo)]


@pytest.mark.parametrize("how", ["send=False", "PROMPTKIT_SEND"])
def test_what_is_on_record_comes_back_and_nothing_is_sent(service: Loopback, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Every call brings its step, without a key, an address or a request; again and fresh=True those that they brought then."""
    with said():
        made = everything(opened(service))
    before = snapshot_of_files(Path("bear"))
    sent = len(service.received)
    if how == "PROMPTKIT_SEND":
        monkeypatch.setenv("PROMPTKIT_SEND", "never")
        bear = Session("./bear", endpoint=service.url)
    else:
        bear = Session("./bear", endpoint=service.url, send=False)
    with said():
        again = everything(bear)
    assert [s.id for s in again] == [s.id for s in made]
    assert {s.reused for s in again} == {True}
    assert len(service.received) == sent
    assert snapshot_of_files(Path("bear")) == before


def snapshot_of_files(folder: Path) -> dict[str, bytes]:
    """All files but the head, which moves to what came back."""
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "head"}


MISSING: dict[str, Callable[[Session], object]] = {
    "generate": lambda bear: bear.generate("a bear"),
    "edit": lambda bear: bear.edit("Add a scarf", on=1),
    "edit of a picture of one's own": lambda bear: bear.edit("Add a scarf", on=png("white")),
    "again": lambda bear: bear.again(),
    "again in other words": lambda bear: bear.again("a hare"),
    "fresh": lambda bear: [bear.generate("a fox"), bear.generate("a fox", fresh=True)],
    "vary": lambda bear: bear.vary("Make it night", 2, on=1),
    "vary fresh": lambda bear: bear.vary("Make it night", 2, on=1, fresh=True),
    "vary of itself": lambda bear: bear.vary(n=2),
    "squash": lambda bear: bear.squash(2, 3, prompt="At once"),
    "replay": lambda bear: bear.at(3).replay("./other", model="gemini-3-pro-image"),
    "replay with a picture": lambda bear: bear.at(3).replay("./other", start=png("green")),
    "replay into a session that may send": lambda bear: bear.replay(Session("./third", endpoint="offline")),
    "offline": lambda bear: Session("./drafts", endpoint="offline", send=False).generate("a bear"),
    "a new session": lambda bear: Session("./new", send=False).generate("a bear"),
}


@pytest.mark.parametrize("asked", MISSING.values(), ids=list(MISSING))
def test_what_is_not_on_record_raises_and_writes_nothing(service: Loopback, asked: Callable[[Session], object]) -> None:
    """Whatever asks, no file, folder, claim or head is written, no key is looked for and no request goes out."""
    first = opened(service)
    hat = first.generate("a fox").edit("Add a hat")
    hat.edit("Add a bow")
    first.goto(1)
    before, sent = snapshot(Path.cwd()), len(service.received)
    bear = Session("./bear", endpoint=service.url, send=False, transport=Forbidden())
    with pytest.raises(NotRecorded) as missed:
        asked(bear)
    assert isinstance(missed.value, SettingsError)
    assert "not on record" in str(missed.value)
    assert len(service.received) == sent
    assert snapshot(Path.cwd()) == before


def test_the_error_names_the_nearest_step_what_differs_and_the_cost(service: Loopback) -> None:
    """`near` is the id of the step, `cost` the price in USD, None where none is known; the sentence says what to do."""
    bear = Session("./bear", endpoint="google", api_key="of-a-test", transport=FunctionTransport(every_template.Service()))
    hat = bear.generate("a fox").edit("Add a hat")
    strict = Session("./bear", endpoint="google", send=False)
    with pytest.raises(NotRecorded) as missed:
        strict.edit("Add a cap", on=1)
    assert (missed.value.near, missed.value.cost) == (hat.id, pytest.approx(0.039, abs=0.001))
    assert str(missed.value) == (
        "This is not on record, and nothing is sent (send=False, or PROMPTKIT_SEND=never): the nearest is step 2, "
        "which has other words (“hat” then, “cap” now). Leave that out to ask for it; it may cost 0.039 USD."
    )
    with pytest.raises(NotRecorded, match="step 2, which has the same words with other options"):
        strict.edit("Add a hat", on=1, aspect_ratio="16:9")
    with pytest.raises(NotRecorded, match=r"step 2, which has the same words for gemini-2\.5-flash-image at google") as other:
        Session("./bear", endpoint="google", model="of-my-own", send=False).edit("Add a hat", on=1)
    assert other.value.cost is None
    with pytest.raises(NotRecorded, match="nothing on record is near to it") as far:
        strict.edit("Turn everything into a map of an old harbour town", on=1)
    assert far.value.near is None


def test_of_several_takes_those_on_record_come_back(service: Loopback) -> None:
    """vary brings what there is, and says of the others that they are not on record; an error only where none is."""
    bear = opened(service)
    two = bear.vary("Make it night", 2, on=bear.generate("a fox"))
    with said() as told:
        assert Session("./bear", endpoint=service.url, send=False).vary("Make it night", 4, on=1) == two
    assert len(told) == 1
    assert told[0].startswith("Not all were asked for: This is not on record")


def test_a_folder_from_an_endpoint_that_is_not_defined_here_comes_back(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is asked, a name in the record is enough: a colleague opens the folder without the gateway's settings."""
    config = settings.config_file()
    config.parent.mkdir(parents=True)
    config.write_text(f'[endpoints.work]\nbase_url = "{service.url}"\nauth = "none"\n')
    made = chain(Session("./bear", endpoint="work"))
    config.unlink()
    assert chain(Session("./bear", send=False)) == made


@pytest.mark.parametrize("word", ["no", "0", "false", "nevr", "always"])
def test_a_word_that_the_variable_does_not_know_sends_nothing(service: Loopback, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    """A misspelt never must cost nothing; reading is not held up."""
    opened(service).generate("a fox")
    monkeypatch.setenv("PROMPTKIT_SEND", word)
    with pytest.raises(SettingsError, match=f"PROMPTKIT_SEND is '{word}', and knows one word: never"):
        opened(service).generate("a bear")
    assert len(opened(service)) == 1
    assert len(service.received) == 1


@pytest.mark.parametrize("value", [None, 0, "never"])
def test_send_is_true_or_false(value: object) -> None:
    """Another value is refused when the session is opened."""
    with pytest.raises(SettingsError, match="send is True, or False"):
        Session("./bear", send=value)


# In the shell


def test_the_commands_with_no_send_bring_what_is_on_record(service: Loopback) -> None:
    """The same commands again, with --no-send, print the same pictures; the one that is not on record exits 1, and names the nearest."""
    on = ("-s", "./bear", "-e", service.url)
    commands = [
        ("generate", "a fox", *on),
        ("edit", "add a hat", *on, "--on", 1),
        ("edit", "add a bow", *on),
        ("vary", "make it night", "-n", 2, *on, "--on", 2),
        ("squash", 2, 3, *on),
        ("replay", *on[:2], "--into", "./other", "-e", service.url),
    ]
    first = [run(*c)[0] for c in commands]
    sent = len(service.received)
    assert [run(*c, "--no-send")[0] for c in commands] == first
    others = [("generate", "a bear"), ("edit", "add a cap", "--on", 1), ("vary", "at dawn", "--on", 1), ("squash", 2, 3, "at once")]
    for command in others:
        assert "This is not on record" in run(*command, *on, "--no-send", code=1)[1]
    assert "not on record" in run("replay", *on[:2], "--into", "./third", "-e", service.url, "--no-send", code=1)[1]
    assert len(service.received) == sent
    assert not Path("third").exists()


def test_the_variable_holds_in_the_shell(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """With PROMPTKIT_SEND=never no command sends; an offline draft is a new step too, and is not made."""
    monkeypatch.setenv("PROMPTKIT_SEND", "never")
    for endpoint in (service.url, "offline"):
        assert "PROMPTKIT_SEND=never" in run("generate", "a bear", "-s", "./bear", "-e", endpoint, code=1)[1]
    assert (service.received, list(Path.cwd().iterdir())) == ([], [])
