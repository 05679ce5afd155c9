"""Channels: the pictures that one step is made into, each with its size and options; as a mapping, or as a set with a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptkit import config
from promptkit.errors import PictureError, SettingsError, did_you_mean, listed, shown
from promptkit.images.operations import Operation, channel
from promptkit.prompts.library import folders_of, templates
from promptkit.prompts.library_file import NAME, channel_sets
from promptkit.values import built_in

__all__ = ["channels_of"]

OWN = ("size", "fit", "focus", "fill", "type", "quality", "max_bytes")
EXPECTED = 'a mapping such as {"story": "9:16", "post": (1080, 1080)}, or the name of a set'


def channels_of(given: object, options: Mapping[str, Any]) -> dict[str, Operation]:
    """The operation for each channel, by name. `given` is a mapping, or the name of a set; a channel's own options win over `options`.

    SettingsError where there is no such set, or none is named, and with the channel for a value that it cannot have.
    """
    given = built_in(given)
    channels = _named(given) if isinstance(given, str) else given
    if not isinstance(channels, Mapping) or not channels:
        raise SettingsError(f"for_channels takes {EXPECTED}, not {shown(given)}.")
    return {_name(name): _operation(_name(name), wanted, options) for name, wanted in channels.items()}


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise SettingsError(f"A channel is named by a text, which labels its step, not by {shown(name)}.")
    return str.__str__(name)


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


def _named(name: str) -> Mapping[str, Any]:
    """The set of that name: the config file's, else one of a library's."""
    sets = {**channel_sets(folders_of(templates)), **config.channels()}
    if name in sets:
        return sets[name]
    said = f"There is no set of channels {name!r:.60}{did_you_mean(name, sets)}; known are {listed(sets) or 'none'}"
    raise SettingsError(f"{said}: name one in {NAME} beside your templates, or in {config.config_file()} as [channels.NAME].")
