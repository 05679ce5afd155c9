"""Pure pieces of HTML that every card and page is made of. All text goes through `escape`; only `Html` passes as it is."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

__all__ = ["Html", "card", "escape", "figure", "folded", "mime_bundle", "page", "strip", "table", "visible", "words"]

# Colours come from the notebook's theme where it has them, so that a dark theme stays readable.
BORDER = "1px solid rgba(128,128,128,.4)"
EDGE = "1px solid rgba(128,128,128,.35)"
# JupyterLab and nbconvert set what stands between two dollar signs as a formula; MathJax 2 and 3 leave different classes alone.
NO_FORMULAS = "tex2jax_ignore mathjax_ignore"
JPEG = "image/jpeg"
# Signs of format that are seen, or that hold an emoji or a word together.
SEEN = "\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2"


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def escape(text: object) -> Html:
    """`text` as HTML that shows it literally; quotes are escaped too, so that it fits attributes. What UTF-8 cannot encode becomes ?."""
    return text if isinstance(text, Html) else Html(html.escape(str(text), quote=True).encode("utf-8", "replace").decode())


def words(text: object, tag: str = "span") -> Html:
    """User text: literal, from the right where its first letter is, its line breaks kept and its long words broken; nothing in it hides."""
    lines = text if isinstance(text, Html) else Html("<br>".join(map(escape, visible(str(text).replace("\r\n", "\n")).split("\n"))))
    return Html(f'<{tag} dir="auto" style="white-space:pre-wrap;overflow-wrap:anywhere">{lines}</{tag}>')


def figure(source: str, caption: object = "", *, alt: str = "", width: int | None = None) -> Html:
    """One picture over its caption. `source` is a URL or a data URI; it is shown `width` CSS pixels wide, or as wide as it knows itself
    (a Thumbnail does). A thin edge shows where a white picture ends.
    """
    shown = width or getattr(source, "width", None)
    size = f' width="{shown}"' if shown else ""
    style = f"max-width:100%;height:auto;border:{EDGE};border-radius:6px;box-sizing:border-box"
    image = f'<img src="{escape(source)}" alt="{escape(visible(alt))}"{size} loading="lazy" style="{style}">'
    said = caption if isinstance(caption, Html) else f'<span dir="auto">{escape(visible(caption))}</span>'
    note = f'<figcaption style="font-size:85%;line-height:1.35;overflow-wrap:anywhere">{said}</figcaption>' if caption else ""
    return Html(f'<figure style="margin:4px;display:inline-block;vertical-align:top;max-width:100%">{image}{note}</figure>')


def folded(summary: object, *content: object) -> Html:
    """Content that one click opens."""
    inside = "".join(map(escape, content))
    return Html(f'<details><summary style="cursor:pointer">{escape(summary)}</summary>{inside}</details>')


def strip(figures: Iterable[str]) -> Html:
    """Figures side by side, in as many lines as they need."""
    return Html(f'<div style="display:flex;flex-wrap:wrap;gap:4px;align-items:flex-start">{"".join(map(escape, figures))}</div>')


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


def mime_bundle(
    text: str,
    html: str,
    include: Collection[str] | None = None,
    exclude: Collection[str] | None = None,
    *,
    jpeg: Callable[[], str] = str,
) -> dict[str, Any]:
    """What `_repr_mimebundle_` returns: the forms of a value by media type, as plain str: marimo refuses subclasses.

    `jpeg` makes a small picture in base64, for LaTeX and PDF, which have no use for HTML; it is called only where that is asked for. What
    is empty is left out, and so is what IPython's `include` and `exclude` say. Nothing in the HTML is set as a formula.
    """
    forms: dict[str, Callable[[], str]] = {"text/plain": lambda: text, "text/html": lambda: _without_formulas(html), JPEG: jpeg}
    asked = [kind for kind in forms if (not include or kind in include) and kind not in (exclude or ())]
    return {kind: str.__str__(form) for kind in asked if (form := forms[kind]())}


def _without_formulas(content: str) -> str:
    return f'<div class="{NO_FORMULAS}">{content}</div>' if content else ""


def page(title: str, style: str, content: str, *, lang: str = "en", script: str = "", data: object = None, is_live: bool = False) -> Html:
    """A whole document that loads nothing from anywhere: its own style, pictures as data URIs, no script but the one given here.

    One that `is_live` may ask whoever served it, and nobody else.

    `data` is what the script reads, as JSON, from the element `data`. The policy names style and script by their hashes, so that nothing
    else runs, whatever the content says; an attribute `style` counts for nothing in it.
    """
    scripts = f"; script-src {_hashed(script)}" if script else ""
    asks = "; connect-src 'self'" if is_live else ""
    policy = f"default-src 'none'; img-src data:; style-src {_hashed(style)}{scripts}{asks}; base-uri 'none'; form-action 'none'"
    return Html(
        "<!doctype html>\n"
        f'<html lang="{escape(lang)}"><head><meta charset="utf-8"><meta name="generator" content="promptkit">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style>{f'<script>{script}</script>' if script else ''}</head>\n"
        f"<body>{content}{_data_block(data) if data is not None else ''}</body></html>\n"
    )


def _hashed(text: str) -> str:
    import base64
    import hashlib

    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _data_block(data: object) -> str:
    """JSON that no text inside it can end: what could be read as markup, or as the end of a line of script, is written by its number."""
    import json

    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" id="data">{text}</script>'


def visible(text: object, keep: str = "\n\t") -> str:
    """A text in which nothing hides: control characters, and those that turn the direction of writing or show nothing, by their names.

    Joiners stay, without which some words and emoji fall apart, and so do signs of format that are seen, such as the Arabic number sign.
    """
    said = str(text)
    if said.isascii() and said.isprintable():
        return said
    return "".join(c if c in keep or not _hides(c) else f"⟨U+{ord(c):04X}⟩" for c in said)


def _hides(c: str) -> bool:
    return c not in SEEN and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")
