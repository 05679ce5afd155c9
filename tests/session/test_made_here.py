"""Steps made here: crop, resize, pad, convert and channels, recorded, found again, repeated and shown, without a request."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL
import pytest
from kit.archives import read
from kit.loopback import Received, picture_reply, png
from kit.pictures import encoded, scene

from promptkit import Endpoint, FunctionTransport, LineageError, Picture, PictureError, Session, SettingsError, Step, import_session
from promptkit.errors import PromptkitWarning
from promptkit.lineage.pending_step import ADOPTED
from promptkit.lineage.tree import Lineage

pytestmark = pytest.mark.filterwarnings(r"ignore:step \d+. enlarged:promptkit.PromptkitWarning")
SHOP = Endpoint("shop", "https://shop.example.com")


class Service:
    """Answers each request with a new picture, an edit with one of the size that it got, and counts them."""

    def __init__(self, size: tuple[int, int] = (120, 80)) -> None:
        self.asked, self.size = 0, size

    def __call__(self, path: str, body: bytes) -> Any:
        self.asked += 1
        sent = Received(path, {}, body).pictures
        return picture_reply(png((self.asked, 90, 30), Picture(sent[0]).size if sent else self.size))


def opened(where: str, service: Service, **more: Any) -> Session:
    return Session(where, endpoint=SHOP, api_key="of-a-test", transport=FunctionTransport(service), **more)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def fox(service: Service) -> Step:
    return opened("./bear", service).generate("a fox")


# Recorded


def test_a_step_made_here_is_an_ordinary_step_that_cost_nothing(fox: Step, service: Service) -> None:
    """It continues its step, moves the head, has a picture, and asked nobody."""
    cut = fox.crop((10, 5, 30, 35), label="the nose", meta={"for": "a client"})
    bear = Session("./bear", endpoint="offline")
    assert service.asked == 1
    assert (cut.outcome, cut.ok, cut.cost, cut.attempts, cut.prompt, cut.model) == ("made", True, 0, (), None, None)
    assert (cut.parents, cut.sources, cut.picture.size) == ((fox,), (fox.picture,), (20, 30))
    assert (cut.label, cut.meta, bear.head) == ("the nose", {"for": "a client"}, cut)
    assert bear.verify() == []


def test_its_record_names_operation_numbers_and_pillow(fox: Step) -> None:
    """The numbers as they were given, what they came to for this picture, and the version of what did it."""
    fields = json.loads(fox.crop(ratio="4:5", focus="top").record.path.read_bytes())
    assert fields["made"] == {"operation": "crop", "numbers": {"ratio": "4:5", "focus": [0.5, 0.0]}, "result": {"box": [28, 0, 92, 80]}}
    assert (fields["versions"]["pillow"], fields["schema"]) == (PIL.__version__, "1.1")


def test_other_steps_keep_the_version_that_they_had(fox: Step) -> None:
    """A record says which version is needed to read it, and none later, also where a step made here is before it."""
    assert [s.record.fields["schema"] for s in (fox, fox.resize(longest=60).edit("Add a hat"))] == ["1.0", "1.0"]


@pytest.mark.parametrize(
    "make",
    [
        lambda s: s.crop((10, 5, 30, 35)),
        lambda s: s.crop(ratio="1:1", focus="left"),
        lambda s: s.resize(longest=60),
        lambda s: s.pad(ratio="1:1", fill="black"),
        lambda s: s.convert("webp", quality=80),
        lambda s: s.for_channels({"post": (40, 40)})[0],
    ],
)
def test_the_same_call_is_the_same_step(fox: Step, make: Callable[[Step], Step]) -> None:
    """Now, and in a session that is opened anew."""
    made = make(fox)
    assert not made.reused
    again = make(Session("./bear", endpoint="offline")[1])
    assert (again, again.reused) == (made, True)
    assert len(Session("./bear", endpoint="offline")) == 2


def test_its_recipe_holds_no_version(fox: Step) -> None:
    """A step that another Pillow and another promptkit made is found by the same call."""
    recipe = fox.crop(ratio="1:1").record.recipe
    assert recipe == "r1:" + _sha256(
        {
            "made": {"operation": "crop", "numbers": {"ratio": "1:1", "focus": [0.5, 0.5]}},
            "parents": [fox.id],
            "pictures": [fox.picture.sha256],
        }
    )


def _sha256(said: object) -> str:
    import hashlib

    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def test_one_that_lost_its_picture_is_made_anew(fox: Step) -> None:
    """A damaged step is not given back."""
    cut = fox.crop(ratio="1:1")
    cut.files[0].unlink()
    assert fox.crop(ratio="1:1").number == 3


def test_another_label_is_said_to_be_kept(fox: Step) -> None:
    """The same step has one label."""
    fox.crop(ratio="1:1", label="square")
    with pytest.warns(PromptkitWarning, match="Step 2 is there already, and keeps its label 'square'"):
        assert fox.crop(ratio="1:1", label="other").label == "square"


def test_what_does_not_go_records_nothing(fox: Step) -> None:
    """A box outside of the picture, a step without a picture, a key in a label."""
    with pytest.raises(PictureError, match="120×80 pixels"):
        fox.crop((0, 0, 500, 500))
    with pytest.raises(SettingsError, match="ratio is a text"):
        fox.pad(ratio="wide")
    with pytest.raises(SettingsError):
        fox.crop(ratio="1:1", label="of-a-test")
    assert len(Session("./bear", endpoint="offline")) == 1


def test_a_forgotten_picture_cannot_be_worked_on(fox: Step) -> None:
    """What is gone is named with when."""
    bear = Session("./bear", endpoint="offline")
    bear.forget(1)
    with pytest.raises(LineageError, match="Step 1 was forgotten on"):
        fox.crop(ratio="1:1")


def test_enlarging_is_a_warning_of_the_step(fox: Step) -> None:
    """It is said when it is made, and stands in the record."""
    with pytest.warns(PromptkitWarning, match="step 2: enlarged 2 times, from 120×80 to 240×160 pixels"):
        big = fox.resize(longest=240)
    assert big.warnings == Session("./bear", endpoint="offline")[2].warnings != ()


def test_two_threads_make_one(fox: Step) -> None:
    """The same call from several threads at once records one step."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: fox.crop(ratio="1:1"), range(8)))
    assert len(set(made)) == 1
    assert len(Session("./bear", endpoint="offline")) == 2


def test_one_whose_process_was_killed_is_adopted_as_what_it_is(fox: Step) -> None:
    """Its picture lies there whole and its record does not: the next call finds it."""
    from promptkit.engine.made import Making
    from promptkit.images.operations import crop

    making = Making(crop(ratio="1:1"), fox.record)
    made = making.operation.apply(fox.picture)
    dead = Lineage(fox.lineage.folder).begin("crop", making.fields(made))
    dead._hold([made.picture])
    dead._note(durable=True)
    dead._write_pictures(dead.folder)
    claim = json.loads(dead.claim.read_bytes())
    dead.claim.write_text(json.dumps({**claim, "process": 2**22 + 1, "began": 0}))
    cut = Session("./bear", endpoint="offline")[1].crop(ratio="1:1")
    assert (cut.outcome, cut.number, cut.picture) == ("made", 2, made.picture)
    assert ADOPTED in cut.warnings


# Gone on from


def test_an_edit_goes_on_from_it_and_is_reused(fox: Step, service: Service) -> None:
    """The service gets the picture that was made here; the whole trail again asks nothing."""

    def trail(root: Step) -> Step:
        return root.crop(ratio="1:1").edit("Make it night").pad(ratio="16:9").edit("Add a moon")

    last = trail(fox)
    assert (service.asked, last.sources[0].size) == (3, (142, 80))
    again = trail(opened("./bear", service)[1])
    assert (again, service.asked) == (last, 3)
    assert [s.number for s in opened("./bear", service).trail()] == [1, 2, 3, 4, 5]


def test_a_part_of_a_draft_is_a_draft() -> None:
    """What was made of an offline draft goes to a service only where it is named."""
    Session("./bear", endpoint="offline").generate("a fox").crop(ratio="4:5").resize(longest=300)
    bear = opened("./bear", Service())
    with pytest.raises(SettingsError, match="Step 3 is an offline draft"):
        bear.edit("Make it night")
    assert bear.edit("Make it night", on=3).ok


def test_a_chain_that_talks_goes_on_without_the_turns_before(service: Service) -> None:
    """A model's own turn holds another picture than the one that was made here."""
    bear = opened("./talk", service, chain="chat")
    assert bear.generate("a fox").crop(ratio="1:1").edit("Make it night").record.fields["continued"] is False


def test_it_is_not_asked_for_again(fox: Step) -> None:
    """again and vary without a prompt repeat a request, and there was none."""
    cut = fox.crop(ratio="1:1")
    for call in (cut.again, cut.vary, lambda: cut.again("Make it night")):
        with pytest.raises(LineageError, match="Step 2 was made here"):
            call()


def test_an_edit_measures_itself_and_what_was_made_here_does_not(fox: Step) -> None:
    """A crop says itself what it changed."""
    cut = fox.crop(ratio="1:1")
    assert (cut.changes, cut.edit("Make it night").changes is None) == (None, False)


def test_nothing_is_needed_to_make_one_where_nothing_is_sent(fox: Step) -> None:
    """send=False keeps requests from being sent, and there is none."""
    assert Session("./bear", endpoint="offline", send=False)[1].crop(ratio="1:1").ok


# Channels


def test_channels_are_labelled_steps_beside_each_other(fox: Step) -> None:
    """Each has the size that was asked for; the head stays."""
    shown = fox.for_channels({"story": "9:16", "post": (60, 60), "card": "120x63"})
    assert [(s.label, s.picture.size) for s in shown] == [("story", (68, 120)), ("post", (60, 60)), ("card", (120, 63))]
    assert {s.parents for s in shown} == {(fox,)}
    assert Session("./bear", endpoint="offline").head == fox
    assert [s.reused for s in fox.for_channels({"story": "9:16", "more": "1:1"})] == [True, False]


def test_two_channels_of_one_size_are_two_steps(fox: Step) -> None:
    """Each keeps its own name."""
    assert [(s.number, s.label) for s in fox.for_channels({"here": (60, 60), "there": (60, 60)})] == [(2, "here"), (3, "there")]


def test_a_channel_has_options_of_its_own(fox: Step) -> None:
    """They win over the call's."""
    options: dict[str, Any] = {"focus": "left", "type": "jpeg", "max_bytes": 5000}
    story, post = fox.for_channels({"story": {"size": "9:16", "fit": "pad", "fill": "black", "type": "webp"}, "post": (60, 60)}, **options)
    assert (story.picture.mime_type, post.picture.mime_type) == ("image/webp", "image/jpeg")
    assert max(story.picture.image.getpixel((0, 0))) < 5
    assert max(len(s.picture.data) for s in (story, post)) <= 5000


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        ({}, "for_channels takes a mapping"),
        (["9:16"], "for_channels takes a mapping"),
        ({"": "9:16"}, "A channel is named by a text"),
        ({"story": "tall"}, "The channel 'story': A channel has a ratio"),
        ({"ok": "1:1", "story": {"size": "9:16", "fill": "wite"}}, "The channel 'story': fill is a colour"),
        ({"story": {"size": "9:16", "color": "red"}}, "The channel 'story' has no option 'color'"),
        ("social", "There is no set of channels 'social'; known are none"),
    ],
)
def test_wrong_channels_are_refused_before_any_is_made(fox: Step, channels: Any, said: str) -> None:
    """The first that is wrong is named."""
    with pytest.raises((PictureError, SettingsError)) as caught:
        fox.for_channels(channels)
    assert said in str(caught.value)
    assert len(Session("./bear", endpoint="offline")) == 1


def test_a_named_set_stands_in_a_library_or_in_the_config(fox: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    """library.yaml beside templates brings a team's, the config file one's own, which goes first."""
    Path("team").mkdir()
    Path("team/library.yaml").write_text(
        'channels:\n  social:\n    story: "9:16"\n    post: 60x60\n  print: {card: {size: "3:2", fit: pad}}\n', encoding="utf-8"
    )
    monkeypatch.setenv("PROMPTKIT_TEMPLATES", str(Path("team").absolute()))
    assert [s.label for s in fox.for_channels("social")] == ["story", "post"]
    from kit.config_file import write_config

    write_config('[channels.social]\nbanner = "16:9"\nicon = [32, 32]\n')
    assert [(s.label, s.picture.size) for s in fox.for_channels("social")] == [("banner", (120, 68)), ("icon", (32, 32))]
    with pytest.raises(SettingsError, match="did you mean 'print'"):
        fox.for_channels("prin")


# Replayed, squashed, taken along


def trail(fox: Step) -> Step:
    return fox.crop(ratio="1:1", focus="left").edit("Make it night").resize(longest=60, label="small")


def test_a_replay_makes_it_again(fox: Step, service: Service) -> None:
    """On the picture that came this time; only what was asked for is asked again, and the second time nothing is."""
    trail(fox)
    other = Service((300, 200))
    bear = opened("./bear", service)
    again = bear.replay(opened("./again", other))
    assert other.asked == 2
    assert [s.outcome for s in again] == ["picture", "made", "picture", "made"]
    assert [s.picture.size for s in again] == [(300, 200), (200, 200), (200, 200), (60, 60)]
    assert again[1].record.made == {
        "operation": "crop",
        "numbers": {"ratio": "1:1", "focus": [0.0, 0.5]},
        "result": {"box": [0, 0, 200, 200]},
    }
    assert (again[3].label, again[3].meta["replays"]) == ("small", bear.head.id if bear.head else "")
    assert [s.reused for s in bear.replay(opened("./again", other))] == [True] * 4
    assert other.asked == 2


def test_a_preview_of_a_replay_says_what_is_made_here(fox: Step, service: Service) -> None:
    """It costs nothing, and what is there already is found."""
    trail(fox)
    preview = opened("./bear", service).replay(opened("./again", Service()), dry_run=True)
    assert len(preview.requests) == 2
    assert "2\n    made here: crop to 1:1 around 0 %, 50 %" in str(preview)
    assert [row["made"] for row in preview.to_dicts()] == [False, True, False, True]
    opened("./bear", service).replay(opened("./again", Service()))
    assert [row.there for row in opened("./bear", service).replay(opened("./again", Service()), dry_run=True).rows] == [1, 2, 3, 4]
    assert [row.there for row in opened("./bear", service).replay("./none", dry_run=True).rows] == [None] * 4


def test_a_replay_says_where_a_box_does_not_fit(fox: Step, service: Service) -> None:
    """The picture that came is smaller than the box in pixels: what was made before stays."""
    fox.crop((10, 5, 110, 75))
    small = opened("./again", Service((50, 40)))
    with pytest.raises(PictureError, match=r"Step 2 cannot be made again of step 1: .*50×40 pixels"):
        opened("./bear", service).replay(small)
    assert len(small) == 1


def test_a_replay_refuses_an_operation_of_a_later_version_before_it_asks(fox: Step) -> None:
    """An operation that is not known is named, and nothing is paid for."""
    cut = fox.crop(ratio="1:1").record
    later = {**cut.fields, "made": {"operation": "sharpen", "numbers": {"by": 3}}, "recipe": "r1:later"}
    fox.lineage.begin("sharpen", {k: v for k, v in later.items() if k not in ("schema", "number")}).commit("made", [Picture(png())])
    other = Service()
    bear = Session("./bear", endpoint="offline")
    assert "sharpen, by 3" in repr(bear[3])
    with pytest.raises(LineageError, match="There is no operation 'sharpen'"):
        bear.at(3).replay(opened("./again", other))
    assert other.asked == 0


def test_a_squash_names_it_and_takes_ones_own_words(fox: Step, service: Service) -> None:
    """No words ask for what was done here; before it and after it edits can be squashed."""
    bear = opened("./bear", service)
    last = fox.crop(ratio="1:1").edit("Make it night").edit("Add a moon")
    with pytest.raises(LineageError, match=r"Step 2 was made here \(crop to 1:1\)"):
        bear.squash(2, last)
    assert bear.squash(3, last).parents == (bear[2],)
    assert bear.squash(2, last, prompt="A square night with a moon").parents == (bear[1],)


def test_it_is_exported_and_imported_as_it_is(fox: Step) -> None:
    """The same files, and the same call finds it there."""
    trail(fox)
    bear = Session("./bear", endpoint="offline")
    copy = Session(import_session(bear.export("a.zip", all=True), "./copy"), endpoint="offline")
    assert [s.id for s in copy] == [s.id for s in bear]
    assert copy[1].crop(ratio="1:1", focus="left").reused


def test_a_stripped_one_keeps_the_numbers_and_no_words(fox: Step) -> None:
    """What was done holds no words but a channel's name and a label."""
    fox.for_channels({"for my secret client": (60, 60)})
    fox.crop(ratio="1:1", label="secret")
    stripped = read(Session("./bear", endpoint="offline").export("a.zip", all=True, strip=True))
    assert b"secret" not in b"".join(data for name, data in stripped.items() if name.endswith(".json"))
    copy = Session(import_session("a.zip", "./copy"), endpoint="offline")
    assert [s.outcome for s in copy] == ["picture", "made", "made"]
    assert [s.record.made.operation for s in copy if s.record.made] == ["channel", "crop"]
    assert copy.verify() == []


def test_words_that_are_forgotten_take_the_channel_along_and_not_the_numbers(fox: Step) -> None:
    """The record without words still says what was done."""
    post = fox.for_channels({"for my secret client": (60, 60)})[0]
    bear = Session("./bear", endpoint="offline")
    bear.forget(post.number, words=True)
    kept = bear[2].record
    assert kept.made is not None
    assert (kept.made.operation, kept.made.channel, kept.made.numbers["size"]) == ("channel", None, [60, 60])
    assert b"secret" not in kept.path.read_bytes()


# Shown


def test_every_view_says_what_was_done(fox: Step) -> None:
    """A step's line, its card, the tree, the page, the explanation, the row for programs."""
    from promptkit.views.page import page_html
    from promptkit.views.tree import tree_text

    cut = fox.crop(ratio="4:5", focus="top")
    bear = Session("./bear", endpoint="offline")
    said = "crop to 4:5 around 50 %, 0 %"
    assert repr(cut) == f"<Step 2 {cut.id[:10]} made: {said}>"
    card = cut._repr_mimebundle_()["text/html"]
    assert all(words in card for words in ("step 2: made here", said))
    assert f"↓ 2 {said}" in tree_text(bear._lineage)
    explained = str(bear.explain())
    assert "2 crop from 1: made here" in explained
    assert f"made here  {said}, box 28, 0, 92, 80 (Pillow {PIL.__version__})" in explained
    page = page_html(bear._lineage)
    assert page.count(said) >= 2
    assert "made here" in page
    row = cut.to_dict()
    assert (row["made"], row["made.ratio"], row["made.result.box"], row["cost"]) == ("crop", "4:5", [28, 0, 92, 80], 0.0)
    assert fox.to_dict()["made"] is None
    json.dumps(row)


def test_the_sums_do_not_count_it(fox: Step, service: Service) -> None:
    """It was no attempt, and costs nothing whatever the budget."""
    bear = opened("./bear", service, max_requests=1)
    bear[1].crop(ratio="1:1").resize(longest=20)
    assert (bear.spending.attempts, service.asked) == (1, 1)


def test_which_finds_it(fox: Step) -> None:
    """By its bytes, as made here."""
    from promptkit import which

    cut = Session("./bear", endpoint="offline").add(encoded(scene((200, 200)))).crop((0, 0, 150, 100))
    found = which(cut.picture, ".")
    assert (found[0].step, found[0].made, found[0].how) == (cut, True, "the very bytes, made here")
