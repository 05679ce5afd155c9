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
from typing import Any, ClassVar, Self, SupportsFloat

from promptkit.json_objects import flat_object
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
    """Something that a person should know and that stops nothing; `in_shell` says it in the command line's words where these differ."""

    in_shell: str | None = None


class PromptkitError(Exception):
    """What all errors of promptkit have in common: one sentence, and the step that failed where one was recorded.

    The sentence is printable, whatever stranger's words stand in it: shells and notebooks show it as it is.
    """

    step: Any = None
    in_shell: str | None = None  # the sentence in the command line's words, where these differ
    advice: ClassVar[str] = "Read the message, and correct what it names."
    asked: bool | None = None  # False where such an error comes before anything is sent
    keeps: ClassVar[str] = ""  # of the characters that are not printable

    def __init__(self, *args: object) -> None:
        super().__init__(*(printable(arg, self.keeps) if isinstance(arg, str) else arg for arg in args))

    def also(self, *, in_shell: str | None) -> Self:
        """The same error, with the sentence that the command line says in its place."""
        self.in_shell = in_shell
        return self

    def __str__(self) -> str:  # a KeyError would quote its message
        return printable(str(self.args[0]), self.keeps) if self.args else ""  # anew, for args can be set

    @property
    def charged(self) -> bool | None:
        """Whether a service charged for what failed: True, False, or None where that is not known."""
        if self.step is None or self.step.reused:
            return False if self.step is not None or self.asked is False else None
        cost = self.step.cost
        return True if any(cost.amounts.values()) else None if cost.unpriced else False

    def to_dict(self) -> dict[str, Any]:
        """As one flat object, as --json prints it (promptkit.error/1): `error` is the class, `advice` what helps against its kind,
        `code` and `status` are the service's, `charged` is true, false or null, `step` the number of the failed step.
        """
        had = {name: getattr(self, name, None) for name in ("code", "reason", "status", "file", "path", "line", "retry_after")}
        return flat_object(
            "error",
            error=type(self).__name__,
            message=str(self),
            advice=self.advice,
            code=had["code"] or had["reason"],
            status=had["status"] or None,
            charged=self.charged,
            step=getattr(self.step, "number", None),
            file=had["file"] or had["path"],
            line=had["line"],
            near=_several(getattr(self, "near", None)),
            problems=_several(getattr(self, "problems", None)),
            retry_after_seconds=had["retry_after"],
        )

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


def _several(value: str | Sequence[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _users_line(error: BaseException) -> list[str]:
    """The last line before promptkit's own: below it stand the libraries that it uses."""
    frames = ((f.f_code.co_filename, line) for f, line in traceback.walk_tb(error.__traceback__))
    before = itertools.takewhile(lambda frame: not frame[0].startswith(OWN_FILES), frames)
    own = [(name, line) for name, line in before if "IPython" not in name]
    source = linecache.getline(*own[-1]).strip() if own else ""
    return [f"line {own[-1][1]}: {source}"] if source else []


class SettingsError(PromptkitError):
    """No key, an unknown endpoint, a keyword that does not exist or is missing in another thread than the head's, or a bad config file."""

    advice = "Correct the setting or the argument that the message names."
    asked = False

    keeps = "\n"  # some show lines to paste into the config file


class NotRecorded(SettingsError):
    """Nothing is to be sent (send=False), and what was asked for is not on record. `near` is the id of the recorded step that is nearest
    to it, None where none is near; `cost` what one request may cost, a Cost, None where no price is known."""

    advice = "Send it (leave out send=False and PROMPTKIT_SEND), or ask for what is on record."

    def __init__(self, message: str, *, near: str | None = None, cost: SupportsFloat | None = None) -> None:
        super().__init__(message)
        self.near, self.cost = near, cost


class TemplateError(PromptkitError):
    """A template that cannot be read or rendered; `file` and `line` say where."""

    advice = "Correct the template; `promptkit templates check` finds what else is wrong."
    asked = False

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        shown = brief_path(Path(file)) if file else ""
        where = f"{shown}:{line}: " if file and line else f"{shown}: " if file else ""
        super().__init__(where + message)
        self.file, self.line = file, line


class TemplateNotFound(TemplateError, AttributeError):
    """No template of that `name`; `near` holds the names that look like it."""

    advice = "Use one of the names that `promptkit templates` lists."

    def __init__(self, message: str, *, name: str = "", near: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.name, self.near = name, tuple(near)

    def __reduce__(self) -> tuple[type[TemplateNotFound], tuple[object, ...], dict[str, Any]]:
        return type(self), self.args, {**vars(self), "name": self.name}  # which AttributeError keeps elsewhere


class InputError(TemplateError):
    """`problems` names every missing, unknown and invalid input at once. Those of a table's rows stand on lines of their own."""

    advice = "Give each required input, by the names and types that `promptkit templates NAME` shows."
    lines: tuple[str, ...] = ()

    def __init__(self, message: str, *, problems: Sequence[str] = (), file: str | None = None, lines: Sequence[str] = ()) -> None:
        super().__init__(message, file=file)
        self.problems, self.lines = tuple(map(printable, problems)), tuple(map(printable, lines))

    def __str__(self) -> str:
        return "\n  ".join((super().__str__(), *self.lines))


class PictureError(PromptkitError):
    """Not a picture, half of one, or one that is too large."""

    advice = "Give a whole picture file of a known type, as a path that exists."
    asked = False


class TransportError(PromptkitError):
    """Nothing came back, or half of it; `sent` says whether the service may have seen, and charged, the request, and `came` is
    the part of a response that did come, else None."""

    advice = "Ask again: what was answered meanwhile is found on record, and the rest may pass."

    def __init__(self, message: str, *, sent: bool = False, came: Any = None) -> None:
        super().__init__(message)
        self.sent, self.came = sent, came
        self.asked = None if sent else False


class ProviderError(PromptkitError):
    """The service answered, and said no; `message` and `details` are its own."""

    advice = "Read what the service said; a request that it calls wrong fails again as it is."

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

    advice = "Set a valid key for this endpoint."


class RegionUnavailable(ProviderError):
    """The service does not serve this country."""

    advice = "Use an endpoint that serves this country."


class ModelNotFound(ProviderError):
    """The endpoint has no such model, or no longer has it."""

    advice = "Name a model that the endpoint has."


class ServiceUnavailable(ProviderError):
    """The service is busy or broken; later may do."""

    advice = "Ask again later."


class RateLimited(ProviderError):
    """Too many requests; `retry_after` is the wait in seconds that the service asked for, or None."""

    advice = "Wait retry_after_seconds, or a minute where it is null, then ask again."


class QuotaExceeded(ProviderError):
    """The day's quota is used up, or there is none for this model."""

    advice = "Ask again after the quota is renewed, or raise it with the service."


class OutOfCredit(ProviderError):
    """The balance at the gateway is empty."""

    advice = "Top up the balance at the gateway, then ask again."


class NoPicture(PromptkitError):
    """The model answered without a picture, however often it was asked; `text` is what it said last."""

    advice = "Say plainly what the picture shall show, then ask again."

    def __init__(self, sentence: str, *, text: str = "", reason: str | None = None, attempts: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(sentence)
        self.text, self.reason, self.attempts = text, reason, tuple(attempts)


class Refused(NoPicture):
    """The service refused for safety or policy; `message` is its own explanation."""

    advice = "Ask for something else: the same words are refused again."

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

    advice = "Raise the budget or max_requests, or stop."
    asked = False


class CostError(PromptkitError, ValueError):
    """A cost that is no single number of USD: something in it has no known price, or is in another currency."""

    advice = "Read .amounts and .unpriced instead of one number."
    asked = False


class LineageError(PromptkitError):
    """A session folder, or a file in it, that cannot be used; `path` says which, `newer` whether a later promptkit wrote it."""

    advice = "Look at the folder with `verify`, and at the name of the session."

    def __init__(self, message: str, *, path: Path | None = None, newer: bool = False) -> None:
        super().__init__(message)
        self.path, self.newer = path, newer


class StepNotFound(LineageError, KeyError):
    """No such step; `near` holds what looks like it."""

    advice = "Use the number, a tag or the beginning of the id of a step that is there."
    asked = False

    def __init__(self, message: str, *, near: Sequence[str] = (), path: Path | None = None) -> None:
        super().__init__(message, path=path)
        self.near = tuple(near)


def warn(message: str, *, in_shell: str | None = None) -> None:
    """A PromptkitWarning at the line of whoever called into promptkit; `in_shell` is what the command line says instead."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(OWN_FILES):
        level, frame = level + 1, frame.f_back
    warning = PromptkitWarning(printable(message, keep="\n"))
    warning.in_shell = in_shell
    warnings.warn(warning, stacklevel=level)


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
