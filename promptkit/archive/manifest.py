"""What a session's folder holds when it travels: which names there are, and how they are written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from promptkit.images.formats import SUFFIXES
from promptkit.lineage.forgotten import NOTE_NAME
from promptkit.lineage.head_and_tags import TAG_FILE, head_bytes
from promptkit.lineage.layout import MARKER, frame
from promptkit.lineage.marks import MARK_FILE
from promptkit.lineage.record import RECORD_NAME
from promptkit.lineage.references import REFERENCE_FILE

__all__ = [
    "Contents",
    "digest_in",
    "first_of",
    "framed",
    "kind_of",
    "plain_name",
    "portable_name",
]

ANY_SUFFIX = "|".join(re.escape(s) for s in sorted({*SUFFIXES.values(), ".img"}))
NAMES = {  # where a name holds a hash, or its beginning, that is its last group
    "record": RECORD_NAME,
    "picture": re.compile(rf"\d{{4,}}-[\w.]+-([0-9a-f]{{10}})(?:{ANY_SUFFIX})"),
    "source": re.compile(rf"sources/([0-9a-f]{{64}})(?:{ANY_SUFFIX})"),
    "template": re.compile(r"templates/([0-9a-f]{64})\.json"),
    "extra": re.compile(r"extra/([0-9a-f]{64})"),
    "forgotten": NOTE_NAME,
    "tag": TAG_FILE,
    "reference": REFERENCE_FILE,
    "mark": MARK_FILE,
    "head": re.compile("head"),
    "marker": re.compile(re.escape(MARKER)),
}
DEVICE = re.compile(r"con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]", re.IGNORECASE)  # whatever their suffix

Contents = dict[str, Path | bytes]  # by name within the session's folder


# Names


def kind_of(name: str) -> str | None:
    """What a file of that name within a session's folder is; None where it is nothing that travels."""
    return next((kind for kind, pattern in NAMES.items() if pattern.fullmatch(name)), None)


def digest_in(name: str) -> str:
    """The hash that a file's name holds, or the beginning of it; nothing where it holds none."""
    match = NAMES[kind_of(name) or "head"].fullmatch(name)
    return match[match.re.groups] if match and match.re.groups else ""


def plain_name(name: str) -> str:
    """The name without what a folder's cannot hold on some system."""
    plain = "".join(c if c.isprintable() and c not in '\\/:*?"<>|' else "_" for c in name).strip(". ")
    return plain or "session"


def portable_name(name: str) -> str:
    """The name as a folder can have it on any system: plain, composed (NFC), and none of Windows' devices, such as CON or aux.zip."""
    stem, dot, rest = unicodedata.normalize("NFC", plain_name(name)).partition(".")
    return f"{stem}{'_' if DEVICE.fullmatch(stem.strip()) else ''}{dot}{rest}"


def first_of(lost: Sequence[str]) -> str:
    """The first of several things, and how many more there are."""
    return lost[0] + (f", and {len(lost) - 1} more" if len(lost) > 1 else "")


# Files


def framed(position: Sequence[str]) -> Contents:
    """What every session's folder has, and the head where there is one."""
    return {**frame(), **({"head": head_bytes(position)} if position else {})}
