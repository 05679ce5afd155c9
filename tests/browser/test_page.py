"""The page in a browser: what a person does with pointer, keys and a phone, and what must not happen."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from kit.browser import NARROW, WIDE, Tab
from kit.loopback import png
from kit.steps import made as recorded
from PIL import Image

from promptkit import Picture, Session
from promptkit.lineage.tree import Lineage
from promptkit.views.page_words import page_languages

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OpenTab = Callable[..., Tab]


def rows(page: Any) -> list[str]:
    """The names of the steps that the tree shows, from top to bottom."""
    return [str(name) for name in page.locator(".row:visible .caption b").all_text_contents()]


def chosen(page: Any) -> str:
    """The step whose story is told, which the tree has chosen, too."""
    name = page.locator("#story h2 a").inner_text()
    assert page.locator(".row[aria-selected=true] .caption b").inner_text() == name
    return str(name)


def focused(page: Any) -> str:
    """The step whose picture in the tree has the focus; nothing where something else has it."""
    return str(page.evaluate("document.activeElement.closest('.row')?.dataset.at.replace('step-', '') ?? ''"))


def said(page: Any) -> str:
    """What is read out to who cannot see."""
    return str(page.evaluate("(document.querySelector('dialog[open] .said') ?? document.querySelector('#app > .unseen')).textContent"))


# Reading


def test_it_opens_on_the_heads_story_beside_the_tree(tab: OpenTab, page: Path) -> None:
    """Children stand in the order of their numbers, below what they continue; the head is chosen, and its story has all parts."""
    shown = tab().open(page)
    assert rows(shown) == ["1", "2", "3", "9", "4", "5", "6", "7", "8"]
    assert chosen(shown) == focused(shown) == "5"
    assert shown.locator("#list").is_hidden()
    story = shown.locator("#story")
    assert story.locator(".pictures img").evaluate("i => i.naturalWidth") > 0
    assert story.locator("p.prompt").first.inner_text() == "Make it night\n\nwith a full moon and stars"
    assert story.locator("ins").all_inner_texts() == ["full", "and stars"]
    assert [each.get_attribute("href") for each in story.locator(".trail a").all()] == ["#step-1", "#step-4", "#step-5"]


def test_a_click_tells_another_step_and_its_links_lead_on(tab: OpenTab, page: Path) -> None:
    """A click in the tree, in the trail and on a link of a story; the browser's way back leads back."""
    shown = tab().open(page)
    shown.locator(".row", has_text="for the client").click()
    assert chosen(shown) == "2"
    assert shown.url.endswith("#step-2")
    shown.locator("#story .lineage a", has_text="9").click()
    assert chosen(shown) == "9"
    assert shown.locator("#story .along img").count() == 2
    shown.locator("#story .trail a").first.click()
    assert chosen(shown) == "1"
    shown.go_back()
    assert chosen(shown) == "9"


def test_a_deep_link_opens_its_step(tab: OpenTab, page: Path) -> None:
    """`#step-3` opens that step, also while the page is open; a link to no step changes nothing."""
    own = tab()
    shown = own.open(page, "#step-3")
    assert chosen(shown) == "3"
    shown.evaluate("location.hash = '#step-7'")
    shown.locator("#story h2 a", has_text="7").wait_for()
    shown.evaluate("location.hash = '#step-99'")
    assert chosen(shown) == "7"


def test_a_templates_source_opens(tab: OpenTab, page: Path) -> None:
    """The link beside a template's name shows the source, which Escape closes."""
    shown = tab().open(page, "#step-1")
    shown.locator("#story a.source").click()
    assert "characteristics" in shown.locator("dialog pre").first.inner_text()
    shown.keyboard.press("Escape")
    shown.locator("dialog").wait_for(state="detached")


# Folding and searching


def test_a_step_folds_what_continues_it(tab: OpenTab, page: Path) -> None:
    """By pointer and by keys; how many are hidden is shown and read out; the choice stays in sight; a link unfolds what it needs."""
    shown = tab().open(page)
    first = shown.locator(".row").first
    first.locator(".fold").click()
    assert rows(shown) == ["1", "7", "8"]
    assert chosen(shown) == focused(shown) == "1"
    assert first.locator(".fold").inner_text() == "+6"
    assert first.get_attribute("aria-expanded") == "false"
    assert said(shown) == "Folded, hidden: 6"
    shown.keyboard.press("ArrowRight")
    assert len(rows(shown)) == 9
    shown.keyboard.press("ArrowLeft")
    shown.evaluate("location.hash = '#step-3'")
    shown.locator("#story h2 a", has_text="3").wait_for()
    assert len(rows(shown)) == 9
    shown.get_by_role("button", name="Fold all", exact=True).click()
    assert rows(shown) == ["1", "2", "3", "9", "4", "7", "8"]
    shown.get_by_role("button", name="Unfold all").click()
    assert len(rows(shown)) == 9


@pytest.mark.parametrize(
    ("words", "found"),
    [
        *(("ALPACA", ["2", "3"]), ("alpaca white", ["2"]), ("for the client", ["2"]), ("rather talk", ["6"]), ("bamboo", ["1"])),
        *(("דוב", ["8"]), ("painted in blue", ["2"]), ("nothing like it", []), ("0004-night", [])),
    ],
)
def test_search_finds_words_wherever_they_stand(tab: OpenTab, page: Path, words: str, found: list[str]) -> None:
    """All words, in any case and order, in prompts, inputs, tags and what the model said; how many is read out."""
    shown = tab().open(page)
    shown.get_by_role("searchbox").fill(words)
    assert rows(shown) == found
    assert shown.locator(".bar [aria-live]").inner_text() == (f"Found: {len(found)}" if found else "Nothing found")


def test_search_goes_by_keys(tab: OpenTab, page: Path) -> None:
    """`/` searches, Enter goes to the first, Escape shows all again and leaves the choice where it is."""
    shown = tab().open(page)
    shown.keyboard.press("/")
    shown.keyboard.type("alpaca c/b?")
    assert shown.get_by_role("searchbox").input_value() == "alpaca c/b?"
    shown.get_by_role("searchbox").fill("alpaca")
    shown.keyboard.press("Enter")
    assert chosen(shown) == focused(shown) == "2"
    assert shown.evaluate("CSS.highlights.get('found').size") > 0
    shown.keyboard.press("ArrowDown")
    assert chosen(shown) == "3"
    shown.keyboard.press("Escape")
    assert len(rows(shown)) == 9
    assert chosen(shown) == focused(shown) == "3"


# Keys


def test_arrows_walk_the_tree(tab: OpenTab, page: Path) -> None:
    """Up and down by what is shown, left to the step before or folding, right to the next or unfolding, Home and End."""
    shown = tab().open(page)
    for key, step in (
        *(("ArrowUp", "4"), ("ArrowUp", "9"), ("ArrowLeft", "2"), ("ArrowRight", "3"), ("Home", "1"), ("End", "8"), ("ArrowDown", "8")),
        *(("ArrowUp", "7"), ("ArrowLeft", "7"), ("Home", "1"), ("ArrowRight", "2")),
    ):
        shown.keyboard.press(key)
        assert (key, chosen(shown), focused(shown)) == (key, step, step)
    assert shown.url.endswith("#step-2")


def test_arrows_walk_from_the_picture_too(tab: OpenTab, page: Path) -> None:
    """With the focus on the story's picture, the next step's picture has it."""
    shown = tab().open(page)
    shown.locator("#story .picture-button").focus()
    shown.keyboard.press("ArrowUp")
    assert chosen(shown) == "4"
    assert shown.evaluate("document.activeElement.className") == "picture-button"


def test_letters_act_on_a_picture_alone_and_can_be_switched_off(tab: OpenTab, page: Path) -> None:
    """Nothing happens where another element has the focus; the switch in the help holds for the next opening."""
    shown = tab().open(page)
    shown.get_by_role("button", name="Fold all", exact=True).focus()
    for key in "cb?/":
        shown.keyboard.press(key)
    assert shown.locator("dialog").count() == 0
    shown.locator(".row[aria-selected=true]").focus()
    shown.keyboard.press("?")
    assert shown.locator("dialog kbd").count() >= 9
    shown.get_by_label("Single keys act while a picture has the focus").uncheck()
    shown.keyboard.press("Escape")
    assert focused(shown) == "5"
    shown.keyboard.press("?")
    shown.reload()
    shown.locator(".row[aria-selected=true]").focus()
    shown.keyboard.press("c")
    assert shown.locator("dialog").count() == 0


# Comparing


def shares(page: Any) -> float:
    """How much of the left picture is shown, from 0 to 1."""
    cut = page.locator(".stage img").last.evaluate("i => i.style.clipPath")
    return round(1 - float(re.findall(r"[\d.]+(?=%)", cut)[0]) / 100, 2)


def test_two_pictures_are_compared_by_a_slider(tab: OpenTab, page: Path) -> None:
    """`c` takes the step and the one before it; the slider goes by keys and by pointer."""
    shown = tab().open(page)
    shown.keyboard.press("c")
    assert [each.input_value() for each in shown.locator("dialog select").all()] == ["3", "4"]
    assert shares(shown) == 0.5
    shown.keyboard.press("ArrowRight")
    assert shares(shown) == 0.51
    place = shown.locator(".stage").bounding_box()
    shown.mouse.click(place["x"] + place["width"] * 0.25, place["y"] + place["height"] / 2)
    assert 0.2 < shares(shown) < 0.3
    shown.keyboard.press("Escape")
    shown.locator("dialog").wait_for(state="detached")
    assert focused(shown) == "5"


def test_any_two_are_compared_and_a_link_opens_them(tab: OpenTab, page: Path) -> None:
    """Each side takes any step with a picture; side by side shows both whole; the address leads to the two."""
    shown = tab().open(page)
    shown.get_by_role("button", name="Compare").click()
    options = shown.get_by_role("combobox", name="Left").locator("option").all_inner_texts()
    assert [text.partition(" ")[0] for text in options] == ["1", "2", "3", "9", "4", "5", "7", "8"]
    shown.get_by_role("combobox", name="Left").select_option(index=2)
    shown.get_by_role("button", name="Side by side").click()
    assert [each.get_attribute("alt")[:6] for each in shown.locator(".pair img").all()] == ["Step 3", "Step 5"]
    shown.get_by_role("button", name="Swap").click()
    assert [each.get_attribute("alt")[:6] for each in shown.locator(".pair img").all()] == ["Step 5", "Step 3"]
    address = shown.url
    assert address.endswith("#compare=step-5,step-3")
    again = tab().open(page, "#compare=step-5,step-3")
    assert [each.get_attribute("alt")[:6] for each in again.locator(".stage img").all()] == ["Step 3", "Step 5"]


# Boxes


def test_a_box_is_drawn_by_pointer(tab: OpenTab, page: Path) -> None:
    """Its text is in the picture's own pixels, whatever its size on the page, and is copied."""
    own = tab(permissions=["clipboard-read", "clipboard-write"])
    shown = own.open(page)
    shown.keyboard.press("b")
    place = shown.locator(".board img").bounding_box()
    corner, other = (0.25, 0.5), (0.75, 0.8)
    at = [(place["x"] + place["width"] * x, place["y"] + place["height"] * y) for x, y in (other, corner)]
    shown.mouse.move(*at[0])
    shown.mouse.down()
    shown.mouse.move(*at[1], steps=4)
    shown.mouse.up()
    width, height, left, top = map(int, re.findall(r"\d+", shown.locator("dialog input").input_value()))
    assert max(abs(width - 200), abs(height - 90), abs(left - 100), abs(top - 150)) <= 2
    shown.mouse.move(*at[1])
    shown.mouse.down()
    shown.mouse.move(place["x"] - 50, place["y"] + place["height"] + 70, steps=3)  # leaves the picture at its corner
    shown.mouse.up()
    width, height, left, top = map(int, re.findall(r"\d+", shown.locator("dialog input").input_value()))
    assert max(abs(width - 100), abs(height - 150), left, abs(top - 150)) <= 2
    shown.get_by_role("button", name="Copy").click()
    text = f"{width}x{height}+{left}+{top}"
    shown.locator("dialog .said", has_text=f"Copied: {text}").wait_for()
    assert shown.evaluate("navigator.clipboard.readText()") == text


def test_a_box_is_drawn_by_keys_and_by_its_text(tab: OpenTab, page: Path) -> None:
    """Arrows begin in the middle, move it, and resize it with Shift, never beyond the picture; a typed box is taken where it is inside."""
    shown = tab().open(page)
    shown.keyboard.press("b")
    text = shown.locator("dialog input")
    for key, box in (
        *(("ArrowRight", "200x150+100+75"), ("ArrowRight", "200x150+104+75"), ("ArrowUp", "200x150+104+71")),
        *(("Shift+ArrowRight", "204x150+104+71"), ("Shift+ArrowUp", "204x146+104+71")),
    ):
        shown.keyboard.press(key)
        assert text.input_value() == said(shown) == box
    for _ in range(60):
        shown.keyboard.press("ArrowLeft")
    assert text.input_value() == "204x146+0+71"
    text.fill("40x30+360+270")
    assert shown.locator(".board .box").evaluate("b => b.style.left") == "90%"
    text.fill("40x30+361+270")
    assert text.get_attribute("aria-invalid") == "true"
    assert said(shown) == "Write a box within 400x300, such as 200x150+100+75."


# Hostile words, and the network


def test_hostile_words_show_as_text(tab: OpenTab, page: Path) -> None:
    """What people and models wrote is read as it is, in tree, story, dialogs and search; none of it runs, and nothing hides."""
    shown = tab().open(page, "#step-7")
    words = "</script><script>alert(1)</script><img src=x onerror=alert(2)> ⟨U+202E⟩gnp.exe ⟨U+2028⟩ {{7*7}} ${1} &amp;"
    assert shown.locator("#story p.prompt").first.inner_text() == words
    assert shown.locator("#story blockquote").first.inner_text().endswith(words)
    assert "</script><script>alert(1)</script>" in shown.locator(".row[aria-selected=true]").inner_text()
    shown.keyboard.press("c")
    assert "</script><script>" in shown.locator("dialog option:checked").last.inner_text()
    shown.keyboard.press("Escape")
    shown.keyboard.press("b")
    assert "</script><script>" in shown.locator("dialog h2").inner_text()
    assert shown.locator("script").count() == 2
    assert shown.locator("img[src=x]").count() == 0


def test_the_page_can_reach_nothing(browser: Any, page: Path) -> None:
    """Not by a script, a picture or a style: its policy forbids it, and nobody knocks at a server; no form can leave the page."""
    own, server = Tab(browser), socket.create_server(("127.0.0.1", 0))
    server.setblocking(False)
    shown = own.open(page)
    tried = """async url => {
        const found = await fetch(url).then(() => 'reached', () => 'refused');
        const image = new Image();
        const seen = await new Promise(done => {
            image.onload = () => done('loaded');
            image.onerror = () => done('refused');
            image.src = url;
        });
        const style = document.createElement('style');
        style.textContent = `body{background:url(${url})}`;
        document.head.append(style);
        const script = document.createElement('script');
        script.textContent = 'window.hacked = true';
        document.body.append(script);
        return [found, seen, String(window.hacked), getComputedStyle(document.body).backgroundImage];
    }"""
    assert shown.evaluate(tried, f"http://127.0.0.1:{server.getsockname()[1]}/seen") == ["refused", "refused", "undefined", "none"]
    with server, pytest.raises(BlockingIOError):
        server.accept()
    shown.evaluate("document.body.insertAdjacentHTML('beforeend', '<form action=there><button id=go></button></form>')")
    shown.locator("#go").evaluate("b => b.click()")
    assert sum("Content Security Policy" in said for said in own.complaints) >= 5
    assert shown.url.startswith(page.as_uri())
    own.context.close()


# Screens, print, no script


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "360"])
def test_axe_finds_nothing(tab: OpenTab, page: Path, size: dict[str, int], scheme: str) -> None:
    """No rule of axe-core is violated: the tree, folded and found; each story; each dialog; the list; without a script."""
    own = tab(viewport=size, color_scheme=scheme)
    shown = own.open(page)
    assert own.violations() == []
    for step in (1, 6, 7, 9):
        shown.goto(page.as_uri() + f"#step-{step}")
        assert (step, own.violations()) == (step, [])
    if size == NARROW:
        shown.get_by_role("button", name="Back to the tree").click()
    shown.locator(".row .fold").first.click()
    assert own.violations() == []
    for key in "?cb":
        shown.locator(".row[aria-selected=true]").focus()
        shown.keyboard.press(key)
        assert (key, own.violations()) == (key, [])
        shown.keyboard.press("Escape")
    shown.get_by_role("searchbox").fill("alpaca")
    assert own.violations() == []
    shown.get_by_role("button", name="List").click()
    assert own.violations() == []
    html = page.read_text(encoding="utf-8")
    page.write_text(re.sub(r"<script>.*?</script>", "", html, count=1, flags=re.DOTALL), encoding="utf-8")  # axe-core itself is a script
    bare = tab(viewport=size, color_scheme=scheme)
    bare.open(page)
    assert bare.violations() == []


def test_nothing_scrolls_sideways_on_a_phone(tab: OpenTab, page: Path) -> None:
    """Tree, each story, list and each dialog fit in 360 pixels, and a prompt has most of them."""
    own = tab(viewport=NARROW, has_touch=True)
    shown = own.open(page)
    assert own.width_needed() == 360
    for step in range(1, 10):
        shown.goto(page.as_uri() + f"#step-{step}")
        assert (step, own.width_needed()) == (step, 360)
        assert shown.locator("#story").evaluate("s => s.scrollWidth <= s.clientWidth")
        assert shown.locator("#story p.prompt").first.bounding_box()["width"] > 300
    shown.get_by_role("button", name="Compare").tap()
    assert shown.locator("dialog").evaluate("d => d.scrollWidth <= d.clientWidth && d.getBoundingClientRect().right <= 360")
    shown.keyboard.press("Escape")
    shown.get_by_role("button", name="Draw a box").tap()
    assert shown.locator("dialog").evaluate("d => d.scrollWidth <= d.clientWidth && d.getBoundingClientRect().right <= 360")
    shown.keyboard.press("Escape")
    shown.get_by_role("button", name="Back to the tree").tap()
    assert shown.locator(".tree-pane").is_visible()
    shown.get_by_role("button", name="List").tap()
    assert own.width_needed() == 360


def test_a_phone_shows_the_tree_or_a_story(tab: OpenTab, page: Path) -> None:
    """The tree first, a tap opens a story in its place, and the way back, by button and by the browser's, leads to the tree."""
    shown = tab(viewport=NARROW, has_touch=True).open(page)
    assert shown.locator("#story").is_hidden()
    shown.locator(".row").nth(1).tap()
    assert shown.locator("#story").is_visible()
    assert shown.locator(".tree-pane").is_hidden()
    shown.go_back()
    assert shown.locator(".tree-pane").is_visible()
    shown.locator(".row").nth(1).tap()
    shown.get_by_role("button", name="Back to the tree").tap()
    assert shown.locator("#story").is_hidden()
    assert focused(shown) == "2"


def test_print_has_all_steps_and_no_controls(tab: OpenTab, page: Path) -> None:
    """On paper stands the list, whatever is shown on the screen; a search narrows it."""
    shown = tab().open(page)
    shown.emulate_media(media="print")
    assert shown.locator("#list article:visible").count() == 9
    assert shown.locator("#app button:visible").count() == 0
    assert shown.locator("#list .pictures img").last.evaluate("i => i.naturalWidth") > 0
    assert shown.pdf().startswith(b"%PDF")
    shown.emulate_media(media="screen")
    shown.get_by_role("searchbox").fill("alpaca")
    shown.emulate_media(media="print")
    assert shown.locator("#list article:visible").count() == 2


def test_without_a_script_all_is_a_list(tab: OpenTab, page: Path) -> None:
    """Every step with picture, prompt and links, in the order of the numbers; links lead to their places."""
    shown = tab(java_script_enabled=False).open(page)
    articles = shown.locator("article:visible")
    assert [text.partition(" ")[0] for text in articles.locator("h2").all_text_contents()] == [str(n) for n in range(1, 10)]
    assert articles.locator(".pictures img:visible").count() == 8
    assert shown.locator("#app").count() == 0
    shown.goto(page.as_uri() + "#step-9")
    assert shown.locator("#step-9").evaluate("a => a.getBoundingClientRect().top < innerHeight")


def test_a_script_that_fails_leaves_the_list(browser: Any, page: Path) -> None:
    """Where the script cannot read its data, the list is there as without a script."""
    page.write_text(page.read_text(encoding="utf-8").replace('id="data">{', 'id="data">{{'), encoding="utf-8")
    own = Tab(browser)
    shown = own.open(page)
    assert shown.locator("article:visible").count() == 9
    assert len(own.complaints) == 1
    own.context.close()


def test_the_list_can_be_had_with_the_script(tab: OpenTab, page: Path) -> None:
    """A button changes from tree to list and back."""
    shown = tab().open(page)
    shown.get_by_role("button", name="List").click()
    assert shown.locator("article:visible").count() == 9
    assert shown.locator(".tree-pane").is_hidden()
    shown.get_by_role("button", name="Tree").click()
    assert shown.locator("#list").is_hidden()


@pytest.mark.parametrize("lang", page_languages())
def test_it_speaks_each_language(tab: OpenTab, bear: Session, lang: str) -> None:
    """All buttons and parts in that language, and room for them on a phone."""
    own = tab(viewport=NARROW)
    shown = own.open(bear.page(lang=lang), "#step-1")
    assert shown.locator("html").get_attribute("lang") == lang
    assert own.width_needed() == 360
    assert lang == "en" or "Prompt" not in shown.locator("#story").inner_text() or lang in ("de", "es-MX")


def test_one_step_needs_no_tools(tab: OpenTab) -> None:
    """A session of one picture has nothing to fold or to compare."""
    bear = Session("./one", endpoint="offline")
    bear.add(png())
    shown = tab().open(bear.page())
    assert shown.get_by_role("button").all_inner_texts() == ["List", "Help", "Draw a box", ""]
    shown.keyboard.press("c")
    assert shown.locator("dialog").count() == 0


def test_a_long_history_opens_folded_where_the_head_is_not(tab: OpenTab) -> None:
    """Of more than a hundred steps, what is not on the head's trail is folded, and a thousand in a row make no deeper indent."""
    lineage, parents = Lineage(Path("./long")), []
    for n in range(300):
        parents = [recorded(lineage, parents=parents, prompt={"text": f"edit {n + 1}"}).id]
    branch = [recorded(lineage, parents=[lineage.find(10).id]).id]
    recorded(lineage, parents=branch)
    lineage.set_head(parents[0])
    shown = tab().open(Session(lineage.folder).page())
    assert chosen(shown) == "300"
    assert rows(shown) == [*map(str, range(1, 301)), "301"]
    widths = shown.evaluate("[...document.querySelectorAll('.row svg')].map(s => Number(s.getAttribute('width')))")
    assert max(widths) - min(widths) == 14


def test_a_thousand_steps_open_and_stay_small(tab: OpenTab) -> None:
    """However much there is to see in their pictures, the file stays below 15 MB, and a browser has it at hand in seconds."""
    buffer = BytesIO()
    Image.effect_noise((512, 512), 90).convert("RGB").save(buffer, "JPEG")
    lineage, noise, parents = Lineage(Path("./thousand")), Picture(buffer.getvalue()), []
    for n in range(1000):
        parents = [recorded(lineage, noise, parents=parents, prompt={"text": f"{n}: put more snow on the trees behind the fox, " * 12}).id]
    path = Session(lineage.folder).page()
    assert 8_000_000 < path.stat().st_size < 15_000_000
    own = tab()
    shown = own.open(path)
    assert len(rows(shown)) == 1000
    assert shown.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd") < 20_000
    shown.get_by_role("searchbox").fill("777: snow")
    assert rows(shown) == ["778"]


def test_a_readers_marks_are_seen_and_found(tab: OpenTab, bear: Session) -> None:
    """What readers make of a step stands in the tree and in its story, and a search finds its words."""
    bear[3].mark("keep", stars=4, note="bluer, please", by="client")
    shown = tab().open(bear.page(), "#step-3")
    assert "keep ★★★★ bluer, please (client)" in shown.locator("#story .marks").inner_text()
    assert "keep" in shown.locator(".row[aria-selected=true] .chips").inner_text()
    shown.get_by_role("searchbox").fill("bluer client")
    assert rows(shown) == ["3"]
