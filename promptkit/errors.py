"""Everything that promptkit raises.

    PromptkitError                  .step: the failed step as recorded, where there is one
      SettingsError                 no key, an unknown endpoint, a bad config file
        NotRecorded                 .near, .cost: nothing is to be sent, and it is not on record
      TemplateError                 .file, .line
        TemplateNotFound            .name, .near (an AttributeError too)
        InputError                  .problems: every missing, unknown and invalid input
      PictureError                  not a picture, truncated, too large
      TransportError                nothing came back, or half of it: .sent
      ProviderError                 .status, .code, .message, .details
        KeyRejected
        RegionUnavailable
        ModelNotFound
        ServiceUnavailable
        RateLimited                 .retry_after, in seconds
        QuotaExceeded               the day's
        OutOfCredit
      NoPicture                     .text, .reason, .attempts
        Refused                     .message
      BudgetExceeded
      CostError                     a cost that is no single number (a ValueError too)
      LineageError                  .path
        StepNotFound                .near (a KeyError too)

A message is one sentence with the value, what was expected, and the next thing to do. Nothing of requests, jinja2, yaml or PIL escapes.
"""

from __future__ import annotations

import difflib
import itertools
import linecache
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, SupportsFloat

from promptkit.terminal import printable

__all__ = [
    "BudgetExceeded",
    "CostError",
    "InputError",
    "KeyRejected",
    "LineageError",
    "ModelNotFound",
    "NoPicture",
    "NotRecorded",
    "OutOfCredit",
    "PictureError",
    "PromptkitError",
    "PromptkitWarning",
    "ProviderError",
    "QuotaExceeded",
    "RateLimited",
    "Refused",
    "RegionUnavailable",
    "ServiceUnavailable",
    "SettingsError",
    "StepNotFound",
    "TemplateError",
    "TemplateNotFound",
    "TransportError",
]

PACKAGE = Path(__file__).parent
OWN_FILES = f"{PACKAGE}{os.sep}"  # with its end, or a user's promptkit_work.py would count as ours
MANY, LONG = 1_000, 64  # words to compare, and characters of one
SHOWN = 40  # words of a list in a sentence


class PromptkitWarning(UserWarning):
    """Something that a person should know and that stops nothing."""


class PromptkitError(Exception):
    """What all errors of promptkit have in common: one sentence, and the step that failed where one was recorded.

    The sentence is printable, whatever stranger's words stand in it: shells and notebooks show it as it is.
    """

    step: Any = None
    keeps: ClassVar[str] = ""  # of the characters that are not printable

    def __init__(self, *args: object) -> None:
        super().__init__(*(printable(arg, self.keeps) if isinstance(arg, str) else arg for arg in args))

    def __str__(self) -> str:  # a KeyError would quote its message
        return printable(str(self.args[0]), self.keeps) if self.args else ""  # anew, for args can be set

    def _render_traceback_(self) -> list[str]:
        """The lines that IPython shows instead of a traceback: the user's own line, and the sentence."""
        return _in_brief(self, str(self))


def is_traceback_whole() -> bool:
    """Whether PROMPTKIT_TRACEBACK asks for the whole traceback of an error."""
    return os.environ.get("PROMPTKIT_TRACEBACK", "") not in ("", "0")


def show_in_brief(error: BaseException, sentence: str) -> None:
    """Has IPython show an error that is none of promptkit's, such as Ctrl-C, as it shows those: by the user's own line and a sentence."""
    vars(error)["_render_traceback_"] = partial(_in_brief, error, sentence)


def _in_brief(error: BaseException, sentence: str) -> list[str]:
    if is_traceback_whole():
        return "".join(traceback.format_exception(error)).splitlines()
    return [*_users_line(error), f"{type(error).__name__}: {sentence}"]


def _users_line(error: BaseException) -> list[str]:
    """The last line before promptkit's own: below it stand the libraries that it uses."""
    frames = ((f.f_code.co_filename, line) for f, line in traceback.walk_tb(error.__traceback__))
    before = itertools.takewhile(lambda frame: not frame[0].startswith(OWN_FILES), frames)
    own = [(name, line) for name, line in before if "IPython" not in name]
    source = linecache.getline(*own[-1]).strip() if own else ""
    return [f"line {own[-1][1]}: {source}"] if source else []


class SettingsError(PromptkitError):
    """No key, an unknown endpoint, a keyword that does not exist or is missing in another thread than the head's, or a bad config file."""

    keeps = "\n"  # some show lines to paste into the config file


class NotRecorded(SettingsError):
    """Nothing is to be sent (send=False), and what was asked for is not on record. `near` is the id of the recorded step that is nearest
    to it, None where none is near; `cost` what one request may cost, a Cost, None where no price is known."""

    def __init__(self, message: str, *, near: str | None = None, cost: SupportsFloat | None = None) -> None:
        super().__init__(message)
        self.near, self.cost = near, cost


class TemplateError(PromptkitError):
    """A template that cannot be read or rendered; `file` and `line` say where."""

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        shown = brief_path(Path(file)) if file else ""
        where = f"{shown}:{line}: " if file and line else f"{shown}: " if file else ""
        super().__init__(where + message)
        self.file, self.line = file, line


class TemplateNotFound(TemplateError, AttributeError):
    """No template of that `name`; `near` holds the names that look like it."""

    def __init__(self, message: str, *, name: str = "", near: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.name, self.near = name, tuple(near)

    def __reduce__(self) -> tuple[type[TemplateNotFound], tuple[object, ...], dict[str, Any]]:
        return type(self), self.args, {**vars(self), "name": self.name}  # which AttributeError keeps elsewhere


class InputError(TemplateError):
    """`problems` names every missing, unknown and invalid input at once."""

    def __init__(self, message: str, *, problems: Sequence[str] = (), file: str | None = None) -> None:
        super().__init__(message, file=file)
        self.problems = tuple(map(printable, problems))


class PictureError(PromptkitError):
    """Not a picture, half of one, or one that is too large."""


class TransportError(PromptkitError):
    """Nothing came back, or half of it; `sent` says whether the service may have seen, and charged, the request, and `came` is
    the part of a response that did come, else None."""

    def __init__(self, message: str, *, sent: bool = False, came: Any = None) -> None:
        super().__init__(message)
        self.sent, self.came = sent, came


class ProviderError(PromptkitError):
    """The service answered, and said no; `message` and `details` are its own."""

    def __init__(
        self,
        sentence: str,
        *,
        status: int = 0,
        code: str | None = None,
        message: str = "",
        details: Sequence[Any] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status, self.code, self.message, self.details, self.retry_after = status, code, message, tuple(details), retry_after


class KeyRejected(ProviderError):
    """The key is missing, wrong, leaked, or not allowed to do this."""


class RegionUnavailable(ProviderError):
    """The service does not serve this country."""


class ModelNotFound(ProviderError):
    """The endpoint has no such model, or no longer has it."""


class ServiceUnavailable(ProviderError):
    """The service is busy or broken; later may do."""


class RateLimited(ProviderError):
    """Too many requests; `retry_after` is the wait in seconds that the service asked for, or None."""


class QuotaExceeded(ProviderError):
    """The day's quota is used up, or there is none for this model."""


class OutOfCredit(ProviderError):
    """The balance at the gateway is empty."""


class NoPicture(PromptkitError):
    """The model answered without a picture, however often it was asked; `text` is what it said last."""

    def __init__(self, sentence: str, *, text: str = "", reason: str | None = None, attempts: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(sentence)
        self.text, self.reason, self.attempts = text, reason, tuple(attempts)


class Refused(NoPicture):
    """The service refused for safety or policy; `message` is its own explanation."""

    def __init__(
        self,
        sentence: str,
        *,
        text: str = "",
        reason: str | None = None,
        attempts: Sequence[Mapping[str, Any]] = (),
        message: str = "",
    ) -> None:
        super().__init__(sentence, text=text, reason=reason, attempts=attempts)
        self.message = message


class BudgetExceeded(PromptkitError):
    """The next request could cost more than is left of the budget; it was not sent."""


class CostError(PromptkitError, ValueError):
    """A cost that is no single number of USD: something in it has no known price, or is in another currency."""


class LineageError(PromptkitError):
    """A session folder, or a file in it, that cannot be used; `path` says which, `newer` whether a later promptkit wrote it."""

    def __init__(self, message: str, *, path: Path | None = None, newer: bool = False) -> None:
        super().__init__(message)
        self.path, self.newer = path, newer


class StepNotFound(LineageError, KeyError):
    """No such step; `near` holds what looks like it."""

    def __init__(self, message: str, *, near: Sequence[str] = (), path: Path | None = None) -> None:
        super().__init__(message, path=path)
        self.near = tuple(near)


def warn(message: str) -> None:
    """A PromptkitWarning at the line of whoever called into promptkit."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(OWN_FILES):
        level, frame = level + 1, frame.f_back
    warnings.warn(printable(message, keep="\n"), PromptkitWarning, stacklevel=level)


def brief_path(path: Path) -> str:
    """The path as a person would write it: a template that comes along by its name, else from here, or from home."""
    for where, sign in ((_shipped, ""), (_checked_out, ""), (Path.cwd, "./"), (Path.home, "~/")):
        try:
            return f"{sign}{path.relative_to(where()).as_posix()}"
        except (ValueError, OSError, RuntimeError):  # elsewhere; or the folder is gone, or nobody's home is known
            continue
    return str(path)


def _shipped() -> Path:
    return PACKAGE / "_templates"


def _checked_out() -> Path:
    return PACKAGE.parent / "templates"


LIKE_A_KEY = re.compile(r"(?:sk-|AIza|AQ\.|Bearer\s)[\w.-]{8}|\b(?=[\w-]{0,31}\d)(?=[\w-]{0,31}[A-Za-z])[\w-]{32}")


def is_like_a_key(value: object) -> bool:
    """Whether a value of a caller's may be a key that was put into the wrong place."""
    return bool(LIKE_A_KEY.search(str(value)[:500]))


def shown(value: object) -> str:
    """A value of a caller's for a sentence, at most 60 characters of it; what looks like a key is not quoted."""
    return "one that looks like a key, which belongs into api_key= or a variable" if is_like_a_key(value) else f"{value!r:.60}"


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """The known words that look most like `word`, best first, three at most; among many or long words none is looked for."""
    short = [one for one in itertools.islice(known, MANY) if len(one) <= LONG]
    return difflib.get_close_matches(word, short, n=3, cutoff=0.6) if len(word) <= LONG else []


def listed(words: Iterable[object]) -> str:
    """The words in a row, with how many more there are where they are many."""
    shown = list(map(str, words))
    more = [f"and {len(shown) - SHOWN:,} more"] if len(shown) > SHOWN else []
    return ", ".join([*shown[:SHOWN], *more])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint to append to a sentence: ` (did you mean 'sticker'?)`, or nothing where no known word is close."""
    near = nearest(word, known)
    return f" (did you mean {near[0]!r}?)" if near else ""
