"""The report of a run: pages to look through, with a contact sheet, the rows that failed, and each row's story; and its card in a notebook.

A page shows at most 500 rows, whose thumbnails lead to the pictures in the rows' folders. It works without its script: that only filters.
A page of which nothing changed is not written again: its last line says of which rows, and what of them, it was made.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from promptkit import atomic
from promptkit.errors import LineageError
from promptkit.lineage.layout import has_marker, writing
from promptkit.lineage.record import now
from promptkit.lineage.tree import Lineage
from promptkit.markup import Html, card, escape, figure, folded, strip, table, visible
from promptkit.runs.causes import CAUSES, DONE, WAITING
from promptkit.runs.planning import PlannedRow
from promptkit.runs.report_pictures import ReportPictures
from promptkit.runs.row_state import StepState
from promptkit.runs.run_row import RunRow
from promptkit.views.page import page_file
from promptkit.views.page_pictures import PagePictures
from promptkit.views.page_story import Stories, shown_text
from promptkit.views.page_words import page_words

__all__ = ["REPORT", "run_card", "write_report"]

REPORT = "report.html"
OTHERS = re.compile(r"report-(\d+)\.html")
PER_PAGE = 500
MADE_OF, MADE_OF_BYTES = "<!-- made of ", 200  # the last line of a page, and bytes that hold it
FORM = 2  # of a page; the number grows with each change of what is written
VERDICTS = ("keep", "reject")
CARD_ROWS, CARD_PIXELS, FAILED_SHOWN = 60, 128, 20
POLICY = "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
STYLE = """
body{max-width:1400px;margin:0 auto;padding:1rem}header p,header nav{color:var(--quiet);font-size:.87rem}.filter{margin:.7rem 0}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,150px),1fr));gap:12px}
main>article{border:1px solid var(--line);border-radius:10px;padding:8px;min-width:0;background:var(--panel)}
main>article:has(>details[open]){grid-column:1/-1;max-width:62rem}
main>article h2{font-size:1rem}main>article.without{border-inline-start:4px solid var(--failed)}
.sheet{display:flex;gap:4px;flex-wrap:wrap;margin-bottom:6px}.sheet a{flex:1 1 100%}.sheet a:not(:only-child){flex:1 1 40%}
.sheet img{width:100%;height:150px;object-fit:contain;background:var(--soft);border-radius:6px}
:has(>details[open])>.sheet img{height:auto;max-height:400px}:has(>details[open])>.sheet a{flex:0 1 auto}
.why{color:var(--failed)}.why,.mark{font-size:.87rem}summary{cursor:pointer;color:var(--quiet);font-size:.87rem;padding:.3rem 0}
main table{font-size:.87rem;margin:.3rem 0}td,tbody th{padding:0 1em .2em 0;text-align:start;vertical-align:top}
td:first-child{min-width:5.5rem}.step>p:last-child{margin-top:.5rem}
.step{border-top:1px solid var(--line);margin-top:.8rem;padding-top:.6rem}
.filter button{margin:0 .3rem .3rem 0}button[aria-pressed=true]{background:var(--chosen);border-color:var(--accent)}
@media print{.filter{display:none}main>article{break-inside:avoid}}
"""
SCRIPT = """
const buttons = [...document.querySelectorAll('[data-show]')], told = document.querySelector('[aria-live]')
const rows = [...document.querySelectorAll('main > article')]
function shows(shown, row) { return shown === 'all' || row.dataset.outcome === shown || row.dataset.marks.split(' ').includes(shown) }
for (const button of buttons) button.onclick = () => {
  for (const other of buttons) other.setAttribute('aria-pressed', String(other === button))
  for (const row of rows) row.hidden = !shows(button.dataset.show, row)
  told.textContent = rows.filter(row => !row.hidden).length + ' rows shown'
}
document.querySelector('.filter').hidden = false
"""


class _Place(NamedTuple):
    """Which of how many pages one is."""

    number: int
    pages: int


def write_report(into: Path, rows: Sequence[PlannedRow], pictures: ReportPictures | None = None, *, waits: bool = False) -> None:
    """Writes all pages on which something changed into the run's folder. Thumbnails that are not made yet are begun; where it `waits`, it
    waits for them a little. LineageError where nothing can be written.
    """
    pictures = pictures or ReportPictures(into)
    pages = [rows[start : start + PER_PAGE] for start in range(0, len(rows), PER_PAGE)] or [rows]
    with writing(into):
        changed = {n: made_of for n, shown in enumerate(pages, 1) if (made_of := _changed(into, shown, _summary(rows, n), n, len(pages)))}
        if waits:
            for number in changed:
                for row in pages[number - 1]:
                    pictures.add(row)
            pictures.wait()
        for number, made_of in changed.items():
            page = _ReportPage(into, pages[number - 1], _Place(number, len(pages)), pictures)
            atomic.write_parts(into / _name(number), page.parts(_summary(rows, number), made_of))
        _remove_others(into, len(pages))


def _name(number: int) -> str:
    return REPORT if number == 1 else f"report-{number}.html"


def _remove_others(into: Path, pages: int) -> None:
    """Deletes the pages that a longer table had."""
    for path in into.glob("report-*.html"):
        if (found := OTHERS.fullmatch(path.name)) and int(found[1]) > pages:
            path.unlink(missing_ok=True)


def _summary(rows: Sequence[PlannedRow], number: int) -> str:
    """How many rows there are of each outcome; only the first page says it, so that the others stay as they are."""
    if number > 1:
        return ""
    return ", ".join(f"{count:,} {outcome}" for outcome, count in Counter(row.state.outcome for row in rows).items())


def _changed(into: Path, rows: Sequence[PlannedRow], summary: str, number: int, pages: int) -> str:
    """What a page would be made of, as a hash; empty where it was made of that already."""
    digest = hashlib.sha256(f"{FORM} {into.name} {summary} {number} {pages}".encode("utf-8", "replace"))
    for row in rows:
        state, values = row.state, [(name, _said(value)) for name, value in row.row.values.items()]
        own = (row.number, row.label, row.key, values, state.takes, state.attempts, state.seconds, str(state.cost), state.marks)
        digest.update(f"{own} {_changed_at(into / row.folder)}".encode("utf-8", "replace"))
    return "" if f"{MADE_OF}{digest.hexdigest()} " in _last_line(into / _name(number)) else digest.hexdigest()


def _changed_at(folder: Path) -> int:
    """When a file of a row last came or went, in nanoseconds: a step that was forgotten leaves its record."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(-min(MADE_OF_BYTES, path.stat().st_size), 2)
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


class _ReportPage:
    """One page, as parts that are never in memory together."""

    def __init__(self, into: Path, rows: Sequence[PlannedRow], place: _Place, pictures: ReportPictures) -> None:
        self._into, self._rows, self._place, self._pictures = into, rows, place, pictures
        self._words, self._none = page_words("en"), PagePictures(0)
        self._is_whole = True  # every thumbnail that it needs was made

    def parts(self, summary: str, made_of: str) -> Iterator[bytes]:
        """The document, and in its last line what it was made of, where it need not be written again for a thumbnail."""
        yield self._head(summary).encode("utf-8", "replace")
        for row in self._rows:
            yield self._article(row).encode("utf-8", "replace")
        yield f"</main><script>{SCRIPT}</script></body></html>\n".encode()
        if self._is_whole:
            yield f"{MADE_OF}{made_of} -->\n".encode()

    def _head(self, summary: str) -> str:
        number, pages = self._place
        title = visible(f"{self._into.name}{f', page {number} of {pages}' if pages > 1 else ''}")
        counts = Counter(row.state.outcome for row in self._rows)
        counts.update(Counter(verdict for row in self._rows for verdict in _verdicts(row)))
        note = escape(f"{summary}{'. ' if summary else ''}Written {now()}.")
        top = f'<header><h1 dir="auto">{escape(title)}</h1><p>{note}</p>{_pages(number, pages)}{_filter(counts)}</header>'
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="generator" content="promptkit">'
            f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(title)}</title><style>{page_file('page.css')}{STYLE}</style></head>\n<body>{top}<main>"
        )

    def _article(self, row: PlannedRow) -> str:
        state = row.state
        is_failed = state.outcome not in (DONE, WAITING)
        sheet = "".join(self._shown(row, step) for step in state.last_steps if step.file)
        why = f"{state.outcome}: {state.error or CAUSES.get(state.outcome, '')}"
        waits = "<p class=why>waiting</p>" if state.outcome == WAITING else ""
        said = f'<p class=why dir="auto">{shown_text(why)}</p>' if is_failed else waits
        marks = "".join(f'<p class=mark dir="auto">{shown_text(mark)}</p>' for mark in state.marks)
        known = f'data-outcome="{escape(state.outcome)}" data-marks="{" ".join(_verdicts(row))}"'
        heading = f'<h2 dir="auto">{shown_text(_called(row))}</h2>'
        story = folded(f"row {row.number}", table(_facts(row)), Html(self._story(row)))
        sheet = sheet and f"<div class=sheet>{sheet}</div>"
        return f"<article{' class=without' if is_failed else ''} {known}>{sheet}{heading}{said}{marks}{story}</article>\n"

    def _shown(self, row: PlannedRow, step: StepState) -> str:
        """A picture, linked; nothing of one that was forgotten."""
        if not self._pictures.path(row, step).is_file():
            return ""
        thumbnail = self._pictures.source(row, step)
        if thumbnail is None:
            self._is_whole = False
            self._pictures.add(row)
        url = _url(f"{row.folder}/{step.file}")
        return f'<a href="{url}"><img loading=lazy src="{escape(thumbnail or url)}" alt="{escape(visible(_called(row)))}"></a>'

    def _story(self, row: PlannedRow) -> str:
        """All steps of its folder, each with its prompt, its attempts, and what they cost."""
        folder = self._into / row.folder
        if not row.folder or not has_marker(folder):
            return ""
        try:
            lineage = Lineage(folder)
            records = sorted(lineage.records(), key=lambda record: record.number)
            stories = Stories(lineage, records, self._words, self._none, lambda file: quote(f"{row.folder}/{file}"), f"row-{row.number}-")
            return "".join(map(stories.brief, records))
        except LineageError as error:
            return f'<p class=why dir="auto">{shown_text(error)}</p>'


def _called(row: PlannedRow) -> str:
    return row.label or row.row.place


def _pages(number: int, pages: int) -> str:
    if pages == 1:
        return ""
    links = (f"<b>{n}</b>" if n == number else f'<a href="{_name(n)}">{n}</a>' for n in range(1, pages + 1))
    return f'<nav aria-label="pages">Pages: {" ".join(links)}</nav>'


def _filter(counts: Counter[str]) -> str:
    """Buttons for each outcome, and for each verdict that a mark gives; hidden where no script runs."""
    buttons = [_button("all", "all", True), *(_button(outcome, f"{outcome} ({count:,})", False) for outcome, count in counts.items())]
    return f'<div class=filter hidden role=group aria-label="show">{"".join(buttons)}<span class=quiet aria-live=polite></span></div>'


def _button(outcome: str, words: str, pressed: bool) -> str:
    return f'<button type=button data-show="{escape(outcome)}" aria-pressed={str(pressed).lower()}>{escape(words)}</button>'


def _verdicts(row: PlannedRow) -> list[str]:
    """Which verdicts readers give any of its steps."""
    return [verdict for verdict in VERDICTS if any(mark.startswith(verdict) for mark in row.state.marks)]


def _url(path: str) -> str:
    return escape(quote(path))


def _facts(row: PlannedRow) -> Iterator[tuple[object, object]]:
    """What the table says of a row, what it cost, and where it is."""
    for name, value in row.row.values.items():
        if value not in (None, ""):
            yield _user_text(name), _user_text(_said(value))
    if row.state.attempts:
        yield "requests", f"{row.state.attempts}, {row.state.seconds:.1f} s, {row.state.cost}"
    if row.folder:
        yield "folder", _user_text(row.folder)


def _said(value: object) -> str:
    """A cell in words; of a picture that is none of a file what it is."""
    return json.dumps(value, ensure_ascii=False, default=str)[:300] if isinstance(value, dict | list) else f"{value!s:.300}"


def _user_text(text: str) -> Html:
    return Html(f'<span dir="auto">{shown_text(text)}</span>')


def run_card(title: str, rows: Sequence[RunRow]) -> Html:
    """A run in a notebook: what failed as a table, and the first pictures as a contact sheet."""
    failed = [row for row in rows if row.outcome not in (DONE, WAITING)]
    shown = [row for row in rows if row.ok][:CARD_ROWS]
    figures = [
        figure(picture.thumbnail(CARD_PIXELS), row.label or row.number, alt=str(row.label or row.number))
        for row in shown
        for picture in row.pictures[:1]
    ]
    parts: list[object] = []
    if failed:
        parts.append(table([(r.label or r.number, r.outcome, r.error) for r in failed[:FAILED_SHOWN]], ("row", "outcome", "why")))
    left = sum(row.ok for row in rows) - len(shown)
    more = Html(f"<div>and {left:,} more: {REPORT} in the run's folder has them all</div>") if left > 0 else Html("")
    return card(title, *parts, strip(figures), more)
