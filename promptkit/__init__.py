"""Prompt templates for image models, and sessions that refine one picture step by step and remember how it came to be.

    from promptkit import Session, templates

    bear = Session("bear", endpoint="offline")
    panda = bear.generate(templates.sticker(subject="happy red panda"))
    pair = panda.edit("Put a small white alpaca beside it, facing it")

The names below are imported when they are first used, so that `import promptkit` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptkit.archive.import_zip import import_session
    from promptkit.cost import Cost
    from promptkit.errors import (
        BudgetExceeded,
        CostError,
        InputError,
        KeyRejected,
        LineageError,
        ModelNotFound,
        NoPicture,
        NotRecorded,
        OutOfCredit,
        PictureError,
        PromptkitError,
        PromptkitWarning,
        ProviderError,
        QuotaExceeded,
        RateLimited,
        Refused,
        RegionUnavailable,
        ServiceUnavailable,
        SettingsError,
        StepNotFound,
        TemplateError,
        TemplateNotFound,
        TransportError,
    )
    from promptkit.images.picture import Picture
    from promptkit.lineage.marks import Mark
    from promptkit.lineage.record import Problem
    from promptkit.prompts.inputs import Input
    from promptkit.prompts.library import Library, add_library, templates
    from promptkit.prompts.template import Prompt, Template
    from promptkit.providers.endpoints import Endpoint
    from promptkit.providers.keys import ask_key
    from promptkit.providers.message import Request, Response
    from promptkit.providers.transport import FunctionTransport, RequestsTransport, Transport
    from promptkit.runs.run import Run, run
    from promptkit.search.search import find, sessions, which
    from promptkit.session.references import Reference
    from promptkit.session.session import Session
    from promptkit.session.step import Step, Steps

__version__ = "0.1.0"

__all__ = [
    "BudgetExceeded",
    "Cost",
    "CostError",
    "Endpoint",
    "FunctionTransport",
    "Input",
    "InputError",
    "KeyRejected",
    "Library",
    "LineageError",
    "Mark",
    "ModelNotFound",
    "NoPicture",
    "NotRecorded",
    "OutOfCredit",
    "Picture",
    "PictureError",
    "Problem",
    "Prompt",
    "PromptkitError",
    "PromptkitWarning",
    "ProviderError",
    "QuotaExceeded",
    "RateLimited",
    "Reference",
    "Refused",
    "RegionUnavailable",
    "Request",
    "RequestsTransport",
    "Response",
    "Run",
    "ServiceUnavailable",
    "Session",
    "SettingsError",
    "Step",
    "StepNotFound",
    "Steps",
    "Template",
    "TemplateError",
    "TemplateNotFound",
    "Transport",
    "TransportError",
    "add_library",
    "ask_key",
    "find",
    "import_session",
    "run",
    "sessions",
    "templates",
    "which",
]

_HOMES = {
    "runs.run": ("Run", "run"),
    "search.search": ("find", "sessions", "which"),
    "archive.import_zip": ("import_session",),
    "cost": ("Cost",),
    "prompts.library": ("Library", "add_library", "templates"),
    "images.picture": ("Picture",),
    "lineage.marks": ("Mark",),
    "lineage.record": ("Problem",),
    "session.references": ("Reference",),
    "session.session": ("Session",),
    "session.step": ("Step", "Steps"),
    "prompts.inputs": ("Input",),
    "prompts.template": ("Prompt", "Template"),
    "providers.transport": ("FunctionTransport", "RequestsTransport", "Transport"),
    "providers.endpoints": ("Endpoint",),
    "providers.keys": ("ask_key",),
    "providers.message": ("Request", "Response"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_RENAMED: dict[str, str] = {}  # old name: the one that stands for it; an entry stays for one release


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        import_module("promptkit.renamed").say_renamed(f"promptkit.{name}", f"promptkit.{_RENAMED[name]}")
        return getattr(import_module("promptkit"), _RENAMED[name])
    if name not in __all__:
        raise AttributeError(f"module 'promptkit' has no attribute {name!r}")
    value = getattr(import_module(f"promptkit.{_HOME_OF.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
