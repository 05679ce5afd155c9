"""In a notebook: what cells show, in Jupyter's kernel, in the files that nbconvert makes of it, and in marimo."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from kit.loopback import Loopback, picture_reply, png
from kit.notebook import executed
from nbclient import NotebookClient
from PIL import Image

from promptkit import Session, templates

MENU = 'A menu board that says "Coffee $3" and "Tea $2"'
OPEN = 'from promptkit import *\nbear = Session("./bear", endpoint="offline")\n'


def run(*sources: str) -> nbformat.NotebookNode:
    """The notebook of these cells, executed, and written to one.ipynb."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), "one.ipynb")
    notebook = executed(Path("one.ipynb"), Path.cwd())
    nbformat.write(notebook, "one.ipynb")
    return notebook


def converted(kind: str) -> Path:
    command = [sys.executable, "-m", "nbconvert", "one.ipynb", "--to", kind]
    subprocess.run(command, check=True, capture_output=True)
    return Path("one").with_suffix({"latex": ".tex", "html": ".html", "markdown": ".md"}[kind])


@pytest.mark.slow
@pytest.mark.parametrize("call", ["{}", "await asyncio.to_thread(lambda: {})"], ids=["in the cell", "in another thread"])
def test_an_executed_notebook_holds_no_word_of_progress(service: Loopback, call: str) -> None:
    """The line of progress is one display, replaced and in the end empty: nothing of it is on stderr or in the saved file."""
    service.always = lambda received: (time.sleep(2.2), picture_reply(png()))[1]
    asked = call.format(f"Session('./bear', endpoint={service.url!r}).generate('a fox')")
    (cell,) = run(f"import asyncio\nfrom promptkit import Session\nprint('before')\nstep = {asked}\nprint('after')").cells
    assert "".join(o.text for o in cell.outputs if o.output_type == "stream") == "before\nafter\n"
    assert not [o.data for o in cell.outputs if o.output_type == "display_data" and any(o.data.values())]
    assert "waiting" not in converted("markdown").read_text()


@pytest.mark.slow
def test_the_line_of_progress_stands_below_the_cell_while_it_runs(service: Loopback) -> None:
    """What a reader sees meanwhile is the elapsed time and the cause, each in place of the one before."""
    service.always = lambda received: (time.sleep(2.2), picture_reply(png()))[1]
    listen = "shell = get_ipython()\nown, shell.display_pub = shell.display_pub, CapturingDisplayPublisher()"
    ask = f"from promptkit import Session\nstep = Session('./bear', endpoint={service.url!r}).generate('a fox')"
    said = "(o['data']['text/plain'], o['update'], o['transient'])"
    tell = f"got, shell.display_pub = shell.display_pub.outputs, own\nprint([{said} for o in got])"
    (cell,) = run(f"from IPython.core.displaypub import CapturingDisplayPublisher\n{listen}\n{ask}\n{tell}").cells
    shown = eval(cell.outputs[0].text)
    assert [update for _, update, _ in shown] == [False, *[True] * (len(shown) - 1)]
    assert len({str(place) for _, _, place in shown}) == 1
    assert shown[0][0] == "1 s: waiting for the picture"
    assert shown[-1][0] == ""


@pytest.mark.slow
def test_show_stands_below_the_cell() -> None:
    """`.show()` of a step and of a picture shows them in the cell, also where other output follows; no viewer is started."""
    (cell,) = run(OPEN + "fox = bear.generate('a fox')\nfox.show()\nfox.picture.show()\nprint('done')").cells
    *shown, last = cell.outputs
    assert [o.output_type for o in shown] == ["display_data"] * 2
    assert all("data:image/webp" in o.data["text/html"] for o in shown)
    assert last.text == "done\n"


@pytest.mark.slow
def test_pdf_and_latex_hold_a_small_picture() -> None:
    """nbconvert has a JPEG for LaTeX of a step and of a picture; a step without one, and a session, are text."""
    run(OPEN + "fox = bear.generate('a fox')\nfox", "fox.picture", "bear")
    tex = converted("latex").read_text()
    files = sorted(Path("one_files").iterdir())
    assert tex.count("includegraphics[max width") >= 2 or tex.count("adjustimage") >= 2
    assert [f.suffix for f in files] == [".jpg"] * 2
    for file in files:
        with Image.open(file) as image:
            assert image.format == "JPEG"
            assert max(image.size) <= 480
        assert file.stat().st_size < 60_000


def test_a_picture_is_a_jpeg_only_where_that_is_asked_for() -> None:
    """IPython's include and exclude hold for every form; a JPEG's transparent ground is white."""
    fox = Session("./bear", endpoint="offline").generate("a fox")
    assert list(fox._repr_mimebundle_(include={"text/plain"})) == ["text/plain"]
    assert list(fox._repr_mimebundle_(exclude={"image/jpeg", "text/plain"})) == ["text/html"]
    assert list(fox.picture._repr_mimebundle_(include={"image/jpeg"}, exclude={"text/html"})) == ["image/jpeg"]
    clear = Session("./clear", endpoint="offline").add(Image.new("RGBA", (8, 8), (255, 0, 0, 0)))
    with Image.open(io.BytesIO(base64.b64decode(clear.picture.small_jpeg()))) as image:
        assert image.getpixel((0, 0)) == (255, 255, 255)


def objects() -> dict[str, object]:
    """One of all that shows itself."""
    bear = Session("./bear", endpoint="offline")
    fox = bear.generate(MENU)
    night = fox.edit("Make it night for $5 or $6")
    return {
        "step": fox,
        "steps": bear.steps,
        "session": bear,
        "new session": Session("./new", endpoint="offline"),
        "picture": fox.picture,
        "prompt": templates.sticker(subject=MENU),
        "template": templates.sticker,
        "library": templates,
        "changes": night.changes,
        "spending": bear.spending,
        "explanation": bear.explain(),
        "preview": bear.replay("./again", dry_run=True),
    }


def test_every_form_of_every_object_is_built_in() -> None:
    """Notebooks get plain dicts and plain str: some of them, such as marimo, refuse subclasses."""
    for name, value in objects().items():
        bundle = value._repr_mimebundle_()  # type: ignore[attr-defined]
        assert type(bundle) is dict, name
        assert {type(part) for pair in bundle.items() for part in pair} == {str}, name


def test_two_dollar_signs_are_no_formula() -> None:
    """All HTML stands in an element that MathJax 2 (nbconvert) and 3 (JupyterLab) leave alone."""
    for name, value in objects().items():
        html = value._repr_mimebundle_().get("text/html", "")  # type: ignore[attr-defined]
        assert not html or html.startswith('<div class="tex2jax_ignore mathjax_ignore">'), name


MARIMO = """
import marimo
app = marimo.App()

@app.cell
def _():
    from promptkit import Session, templates, sessions, find
    bear = Session("./bear", endpoint="offline")
    fox = bear.generate("a fox for $3 or $4")
    night = fox.edit("Make it night")
    return bear, fox, night, templates, sessions, find
"""
PICTURED = ("fox", "bear.steps", "bear", "fox.picture", "night.changes", "bear.explain()", "fox.show()", "find('fox', '.')")
IN_WORDS = ("templates.sticker(subject='a fox')", "templates.sticker", "templates", "bear.spending", "fox.cost", "sessions('.')")


def marimo_outputs(*shown: str) -> list[dict[str, Any]]:
    """What cells that end in these values show, as `marimo export html` writes it into its page: by media type."""
    cells = [f"\n@app.cell\ndef _(bear, fox, night, templates, sessions, find):\n    {code}\n    return\n" for code in shown]
    Path("app.py").write_text(MARIMO + "".join(cells))
    command = [sys.executable, "-m", "marimo", "-q", "export", "html", "app.py", "-o", "app.html", "--no-include-code"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    page = Path("app.html").read_text()
    kept, _ = json.JSONDecoder().raw_decode(page, page.index('{"cells"', page.index('"session":')))
    found = [output["data"] for cell in kept["cells"] for output in cell["outputs"]][1:]  # the first cell shows nothing
    return [data.get("application/vnd.marimo+mimebundle", data) for data in found]


@pytest.mark.slow
def test_marimo_shows_every_object() -> None:
    """An exported marimo notebook holds each object as HTML and nothing else, with the pictures where there are any."""
    pytest.importorskip("marimo", reason="pip install -e '.[hosts]'")
    outputs = marimo_outputs(*PICTURED, *IN_WORDS)
    assert len(outputs) == len(PICTURED) + len(IN_WORDS)
    for code, forms in zip((*PICTURED, *IN_WORDS), outputs, strict=True):
        assert list(forms) == ["text/html"], code
        assert type(forms["text/html"]) is str, code
        assert ("data:image/webp" in forms["text/html"]) == (code in PICTURED), code


@pytest.mark.slow
@pytest.mark.parametrize("call", ["bear.generate('a fox')", "bear.vary('a fox', n=2, root=True)"], ids=["generate", "vary"])
def test_an_interrupted_cell_shows_one_sentence(service: Loopback, call: str) -> None:
    """Ctrl-C, or the stop button, shows the user's own line and a sentence in place of the traceback, and leaves no line of progress."""
    over = threading.Event()
    service.always = lambda received: (over.wait(30), picture_reply(png()))[1]
    stop = "import os, signal, threading\nthreading.Timer(2.5, os.kill, (os.getpid(), signal.SIGINT)).start()"
    source = f"from promptkit import Session\nbear = Session('./bear', endpoint={service.url!r})\n{stop}\nstep = {call}"
    client = NotebookClient(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), kernel_name="python3", allow_errors=True)
    (cell,) = client.execute(cwd=str(Path.cwd())).cells
    over.set()
    *displays, error = cell.outputs
    assert not any(text for output in displays for text in output.data.values())
    assert error.ename == "KeyboardInterrupt"
    assert error.traceback == [f"line 5: step = {call}", "KeyboardInterrupt: stopped; what was under way is recorded as interrupted."]
    assert {step.outcome for step in Session("./bear").steps} == {"interrupted"}
