"""A session with all that a view can show, and a page read as a browser would read it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from kit.loopback import Loopback, picture_reply, png, text_reply
from promptkit import NoPicture, Session
from promptkit.lineage.tree import Lineage


class Page(HTMLParser):
    """What a browser would load, link to, run and show."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        found = dict(attrs)
        self.loaded += [v for k, v in attrs if k in ("src", "srcset", "data") and v]
        self.links += [found["href"] or ""] if "href" in found else []
        assert not [k for k in found if k.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def lineage_of(session: Session) -> Lineage:
    return Lineage(session.folder)


def branched(service: Loopback) -> Session:
    """Four steps: a root, two branches of which one goes on, and a failure."""
    service.always = picture_reply(png(size=(300, 200)), text="<b>done</b>")
    session = Session("./<b>&x", endpoint=service.url, recover=0)
    root = session.generate("<script>alert('x')</script> & \"quotes\"", label="<i>the fox</i>")
    hat = root.edit("add a hat")
    night = root.edit("make it night")
    hat.edit("and a scarf")
    session.tag("<u>mine</u>", night)
    service.say(text_reply("<img src=x onerror=alert(1)>"))
    with pytest.raises(NoPicture):
        night.edit("what now?")
    return session
