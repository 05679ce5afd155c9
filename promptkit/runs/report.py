"""The report of a run: pages to look through, with a contact sheet, the rows that failed, and each row's story; and its card in a notebook.

A page shows at most 500 rows and links to pictures in the rows' folders, which it loads as one scrolls. It works without its script: that
only filters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from promptkit import atomic
from promptkit.lineage.layout import writing
from promptkit.lineage.record import now
from promptkit.markup import Html, card, escape, figure, strip, table
from promptkit.runs.causes import CAUSES, DONE, WAITING
from promptkit.runs.planning import PlannedRow
from promptkit.runs.run_row import RunRow

__all__ = ["REPORT", "run_card", "write_report"]

REPORT = "report.html"
PER_PAGE = 500
VERDICTS = ("keep", "reject")
CARD_ROWS, CARD_PIXELS, FAILED_SHOWN = 60, 128, 20
POLICY = "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
STYLE = """
:root{color-scheme:light dark;font:15px/1.45 system-ui,sans-serif}
body{max-width:1400px;margin:2rem auto;padding:0 1rem}h1{font-size:1.3rem;overflow-wrap:anywhere}.note{opacity:.7}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,220px),1fr));gap:12px}
article{border:1px solid rgba(128,128,128,.35);border-radius:8px;padding:8px;min-width:0;overflow-wrap:anywhere}
article img{width:100%;height:auto;border-radius:6px;display:block;margin-bottom:4px}
article h2{font-size:1rem;margin:.2rem 0}[hidden]{display:none}
.failed{border-left:4px solid #c0392b}td{padding-right:.8em;vertical-align:top}summary{cursor:pointer}
button{font:inherit;padding:.2em .7em;margin:.2em .3em .2em 0;border-radius:6px;border:1px solid rgba(128,128,128,.6);background:none}
button[aria-pressed=true]{outline:2px solid currentColor}
@media print{.filter{display:none}article{break-inside:avoid}}
"""
SCRIPT = """
const buttons = [...document.querySelectorAll('[data-show]')], told = document.querySelector('[aria-live]')
const rows = [...document.querySelectorAll('article')]
function shows(shown, row) { return shown === 'all' || row.dataset.outcome === shown || row.dataset.marks.split(' ').includes(shown) }
for (const button of buttons) button.onclick = () => {
  for (const other of buttons) other.setAttribute('aria-pressed', String(other === button))
  for (const row of rows) row.hidden = !shows(button.dataset.show, row)
  told.textContent = rows.filter(row => !row.hidden).length + ' rows shown'
}
document.querySelector('.filter').hidden = false
"""


def write_report(into: Path, rows: Sequence[PlannedRow]) -> None:
    """Writes all its pages into the run's folder. LineageError where that cannot be."""
    pages = [rows[start : start + PER_PAGE] for start in range(0, len(rows), PER_PAGE)] or [rows]
    counts = Counter(row.state.outcome for row in rows)
    counts.update(Counter(verdict for row in rows for verdict in _verdicts(row)))
    with writing(into):
        for number, shown in enumerate(pages, 1):
            html = _page(into, shown, counts, number, len(pages))
            atomic.write_whole(into / _name(number), html.encode("utf-8", "replace"))


def _name(number: int) -> str:
    return REPORT if number == 1 else f"report-{number}.html"


def _page(into: Path, rows: Sequence[PlannedRow], counts: Counter[str], number: int, pages: int) -> str:
    title = f"{into.name}{f', page {number} of {pages}' if pages > 1 else ''}"
    note = f"{', '.join(f'{count:,} {outcome}' for outcome, count in counts.items())}. Written {now()}."
    body = f"<h1>{escape(title)}</h1><p class=note>{escape(note)}</p>{_pages(number, pages)}{_filter(counts)}"
    articles = "".join(map(_article, rows))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="generator" content="promptkit">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>{body}<main>{articles}</main>"
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def _pages(number: int, pages: int) -> str:
    if pages == 1:
        return ""
    links = (f"<b>{n}</b>" if n == number else f'<a href="{_name(n)}">{n}</a>' for n in range(1, pages + 1))
    return f'<nav aria-label="pages">Pages: {" ".join(links)}</nav>'


def _filter(counts: Counter[str]) -> str:
    """Buttons for each outcome, and for each verdict that a mark gives; hidden where no script runs."""
    buttons = [_button("all", "all", True), *(_button(outcome, f"{outcome} ({count:,})", False) for outcome, count in counts.items())]
    return f'<p class=filter hidden role=group aria-label="show">{"".join(buttons)}<span class=note aria-live=polite></span></p>'


def _button(outcome: str, words: str, pressed: bool) -> str:
    return f'<button type=button data-show="{escape(outcome)}" aria-pressed={str(pressed).lower()}>{escape(words)}</button>'


def _article(row: PlannedRow) -> str:
    state = row.state
    name = row.label or row.row.place
    failed = "" if state.outcome in (DONE, WAITING) else " class=failed"
    pictures = "".join(f'<a href="{_url(f)}"><img loading=lazy src="{_url(f)}" alt="{escape(name)}"></a>' for f in _files(row))
    said = f"<p>{escape(state.outcome)}: {escape(state.error or CAUSES.get(state.outcome, ''))}</p>" if failed else ""
    waits = "<p>waiting</p>" if state.outcome == WAITING else ""
    story = f"<details><summary>row {row.number}</summary>{table(_story(row))}</details>"
    heading = f'<h2 dir="auto">{escape(name)}</h2>'
    marks = "".join(f'<p dir="auto">{escape(mark)}</p>' for mark in state.marks)
    known = f'data-outcome="{escape(state.outcome)}" data-marks="{" ".join(_verdicts(row))}"'
    return f"<article{failed} {known}>{pictures}{heading}{said}{waits}{marks}{story}</article>"


def _verdicts(row: PlannedRow) -> list[str]:
    """Which verdicts readers give any of its steps."""
    return [verdict for verdict in VERDICTS if any(mark.startswith(verdict) for mark in row.state.marks)]


def _files(row: PlannedRow) -> list[str]:
    return [f"{row.folder}/{step.file}" for step in row.state.last_steps if step.file]


def _url(path: str) -> str:
    return escape(quote(path))


def _story(row: PlannedRow) -> Iterator[tuple[object, object]]:
    """What the table says of a row, its steps, what they cost, and where they are."""
    for name, value in row.row.values.items():
        if value not in (None, ""):
            yield name, Html(f'<span dir="auto">{escape(str(value)[:300])}</span>')
    for number, take in enumerate(row.state.takes, 1):
        steps = [Html(_step(row, step.number, step.name, step.outcome, step.file)) for step in take.steps]
        if steps:
            yield f"take {number}" if len(row.state.takes) > 1 else "steps", Html(" → ".join(steps))
    if row.state.attempts:
        yield "requests", f"{row.state.attempts}, {row.state.seconds:.1f} s, {row.state.cost}"
    if row.folder:
        yield "folder", row.folder


def _step(row: PlannedRow, number: int, name: str, outcome: str, file: str | None) -> str:
    words = escape(" ".join(filter(None, (str(number) if number else "", name, "" if file else f"({outcome})"))) or "picture")
    return f'<a href="{_url(f"{row.folder}/{file}")}">{words}</a>' if file else words


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
