"""What callers and files say of channels: for each its size and options of its own, as the operation that makes its picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptkit.errors import PictureError, SettingsError, did_you_mean, shown
from promptkit.images.operations import Operation, channel

__all__ = ["channel_operation"]

OWN = ("size", "fit", "focus", "fill", "type", "quality", "max_bytes")


def channel_operation(name: object, wanted: object, options: Mapping[str, Any]) -> tuple[str, Operation]:
    """A channel's name, and its operation; its own options win over `options`. SettingsError and PictureError name the channel and what it
    cannot have.
    """
    if not isinstance(name, str) or not name.strip():
        raise SettingsError(f"A channel is named by a text, which labels its step, not by {shown(name)}.")
    return str.__str__(name), _operation(name, wanted, options)


def _operation(name: str, wanted: object, options: Mapping[str, Any]) -> Operation:
    own: dict[str, Any] = {}
    if isinstance(wanted, Mapping):
        own = {str(key): value for key, value in wanted.items()}
        if unknown := next((key for key in own if key not in OWN), None):
            said = f"The channel {name!r} has no option {unknown!r}{did_you_mean(unknown, OWN)}"
            raise SettingsError(f"{said}; known are {', '.join(OWN)}.")
        wanted = own.pop("size", None)
    if own.get("fit") == "pad" and "focus" not in own:
        own["focus"] = None  # which the other channels crop around
    try:
        return channel(wanted, **{**options, **own})
    except (PictureError, SettingsError) as error:
        of = f"The channel {name!r}: "
        raise type(error)(f"{of}{error}").also(in_shell=error.in_shell and of + error.in_shell) from None
