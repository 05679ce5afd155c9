"""Channels: the pictures that one step is made into, each with its size and options; as a mapping, or as a set with a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptkit import config
from promptkit.errors import SettingsError, did_you_mean, listed, shown
from promptkit.images.channels import channel_operation
from promptkit.images.operations import Operation
from promptkit.prompts.library import folders_of, templates
from promptkit.prompts.library_file import NAME, channel_sets
from promptkit.values import built_in

__all__ = ["channels_of"]

EXPECTED = 'a mapping such as {"story": "9:16", "post": (1080, 1080)}, or the name of a set'


def channels_of(given: object, options: Mapping[str, Any]) -> dict[str, Operation]:
    """The operation for each channel, by name. `given` is a mapping, or the name of a set; a channel's own options win over `options`.

    SettingsError where there is no such set, or none is named, and with the channel for a value that it cannot have.
    """
    given = built_in(given)
    channels = _named(given) if isinstance(given, str) else given
    if not isinstance(channels, Mapping) or not channels:
        raise SettingsError(f"for_channels takes {EXPECTED}, not {shown(given)}.")
    return dict(channel_operation(name, wanted, options) for name, wanted in channels.items())


def _named(name: str) -> Mapping[str, Any]:
    """The set of that name: the config file's, else one of a library's."""
    sets = {**channel_sets(folders_of(templates)), **config.channels()}
    if name in sets:
        return sets[name]
    said = f"There is no set of channels {name!r:.60}{did_you_mean(name, sets)}; known are {listed(sets) or 'none'}"
    raise SettingsError(f"{said}: name one in {NAME} beside your templates, or in {config.config_file()} as [channels.NAME].")
