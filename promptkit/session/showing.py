"""What a session shows to a browser: its page as a file, the page for readers, and the page that is served while somebody works."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from promptkit.engine.options import refuse_unknown
from promptkit.errors import SettingsError
from promptkit.lineage.location import Where
from promptkit.session.marking import Marking

if TYPE_CHECKING:  # what is looked at is loaded when someone looks
    from promptkit.session.live_page import LivePage
    from promptkit.session.page import SessionPage

__all__ = ["Showing"]

OPTIONS = ("steps", "title", "lang", "embed", "review", "serve", "overwrite")
NO_FILE = "A live page is no file, and shows all steps"


class Showing(Marking):
    """A cursor whose session is shown in a browser."""

    @overload
    def page(
        self,
        path: Where | None = None,
        steps: object = None,
        *,
        title: str | None = None,
        lang: str | None = None,
        embed: str = "thumbnails",
        review: bool = False,
        serve: Literal[False] = False,
        overwrite: bool = False,
        **unknown: object,
    ) -> Path: ...

    @overload
    def page(self, *, serve: Literal[True], title: str | None = None, lang: str | None = None, embed: str = "thumbnails") -> LivePage: ...

    def page(
        self,
        path: Where | None = None,
        steps: object = None,
        *,
        title: str | None = None,
        lang: str | None = None,
        embed: str = "thumbnails",
        review: bool = False,
        serve: bool = False,
        overwrite: bool = False,
        **unknown: object,
    ) -> Path | LivePage:
        """Writes the session as one HTML file that loads nothing, by default page.html in its folder; returns its path.

        `steps` (steps, numbers, tags, beginnings of ids) are those that it shows, by default all. `title` stands for the session's name,
        `lang` is the language of the page's own words (en, de, es-MX, zh-CN, ja, hi), by default the settings'. `embed` says how large its
        pictures are: "thumbnails" (1,000 of them in 15 MB), "screen" (1,600 pixels), "originals" (the files' own bytes).

        With `review` it is a page to send to people without promptkit (review.html), who choose among the pictures and send marks back for
        `import_marks`: it holds pictures of 1,600 pixels at most, numbers and labels, and nothing else of the records.

        With `serve` nothing is written: this process serves the page to a browser on this machine until `.close()`, at the `.url` of what
        is returned (a LivePage, which a notebook shows as a link). Marks are written at once, new steps appear, no service is asked.

        A file of another maker is not replaced without `overwrite`. Raises SettingsError, StepNotFound, and LineageError where there is
        nothing to show.
        """
        from promptkit.session.page import SessionPage

        refuse_unknown(unknown, OPTIONS)
        if serve and (path is not None or steps is not None or review):
            raise SettingsError(f"{NO_FILE}: leave path, steps and review= out, or serve=.")
        chosen = None if steps is None else [step.record for step in self._several(steps)]
        page = SessionPage(self._lineage, chosen, self._position[0], title, lang, embed, self._listener, review)
        return self._served(page) if serve else page.write(path, overwrite=overwrite)

    def _served(self, page: SessionPage) -> LivePage:
        from promptkit.session.live_page import LivePage  # brings http.server

        return LivePage(self, page)
