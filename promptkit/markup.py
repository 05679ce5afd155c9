"""Pure pieces of HTML that every card and page is made of. All text goes through `escape`; only `Html` passes as it is."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

__all__ = ["Html", "card", "escape", "figure", "page", "strip", "table"]

# Colours come from the notebook's theme where it has them, so that a dark theme stays readable.
BORDER = "1px solid rgba(128,128,128,.4)"


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def escape(text: object) -> Html:
    """`text` as HTML that shows it literally; quotes are escaped too, so that it fits attributes. What UTF-8 cannot encode becomes ?."""
    return text if isinstance(text, Html) else Html(html.escape(str(text), quote=True).encode("utf-8", "replace").decode())


def figure(source: str, caption: object = "", *, alt: str = "", width: int | None = None) -> Html:
    """One picture (`source` is a URL or a data URI; width in pixels) over its caption."""
    size = f' width="{width}"' if width else ""
    image = f'<img src="{escape(source)}" alt="{escape(alt)}"{size} loading="lazy" style="max-width:100%;border-radius:6px">'
    note = f'<figcaption style="font-size:85%;overflow-wrap:anywhere">{escape(caption)}</figcaption>' if caption else ""
    return Html(f'<figure style="margin:4px;display:inline-block;vertical-align:top;max-width:100%">{image}{note}</figure>')


def strip(figures: Iterable[str]) -> Html:
    """Figures side by side, in as many lines as they need."""
    return Html(f'<div style="display:flex;flex-wrap:wrap;gap:4px">{"".join(map(escape, figures))}</div>')


def table(rows: Iterable[Sequence[object]], header: Sequence[object] = ()) -> Html:
    """Rows of cells, each escaped unless it is Html."""
    head = f"<thead>{_row(header, 'th')}</thead>" if header else ""
    return Html(f"<table>{head}<tbody>{''.join(_row(row, 'td') for row in rows)}</tbody></table>")


def _row(cells: Sequence[object], tag: str) -> str:
    style = "text-align:left;vertical-align:top;padding:0 1.5em .2em 0"
    return "<tr>" + "".join(f'<{tag} style="{style}">{escape(c)}</{tag}>' for c in cells) + "</tr>"


def card(title: object, *content: object) -> Html:
    """A framed box with a title and the content below it, each part escaped unless it is Html."""
    inside = "".join(map(escape, content))
    return Html(f'<div style="border:{BORDER};border-radius:8px;padding:8px 12px;margin:4px 0"><b>{escape(title)}</b>{inside}</div>')


def page(title: str, style: str, content: str) -> Html:
    """A whole document that loads nothing from anywhere: its own style, pictures as data URIs, no script."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return Html(
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8"><meta name="generator" content="promptkit">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head>\n<body>{content}</body></html>\n"
    )
