"""A picture with its lineage inside: one iTXt chunk in a copy of a PNG, written chunk by chunk. The session's own bytes never change.

A picture that carries content credentials (C2PA) is not changed: its signature covers all other chunks, and it would read as tampered with.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptkit import atomic
from promptkit.errors import LineageError, PictureError, warn
from promptkit.images.formats import has_credentials, media_type, names_credentials
from promptkit.images.picture import Picture, no_overwriting
from promptkit.lineage.files import parsed, read_file, sources_digest
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage

__all__ = [
    "LARGEST",
    "Embedded",
    "has_embedded",
    "lineage_of",
    "read_embedded",
    "save_embedded",
    "with_embedded",
    "without_credentials",
    "without_embedded",
]

KEYWORD = b"promptkit\0"
FIELD = b"iTXt" + KEYWORD
CREDENTIALS = b"caBX"
TEXTS = (b"iTXt", b"tEXt")  # where XMP stands
LAYOUT = 1
LARGEST = 1_000_000  # bytes of text; Pillow refuses a PNG with more than 1,048,576 in one compressed field
SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Embedded:
    """The lineage that a picture brings along: records checked against their ids, parents first and the picture's own step last.

    `templates` holds template sources by digest and name, `omitted` is how many steps, the farthest back, did not fit or hold no words any
    more, `original` whether the rest of the file is byte for byte a picture that the step recorded.
    """

    records: tuple[Record, ...]
    templates: Mapping[str, Mapping[str, str]]
    omitted: int
    original: bool

    @property
    def record(self) -> Record:
        """The picture's own step."""
        return self.records[-1]


# What is embedded


def lineage_of(own: Record) -> dict[str, Any]:
    """What a step's picture is embedded with: its own record and those it came from, as they are on disk, with their template sources.

    No pictures, and at most LARGEST bytes as JSON: of those that do not fit, the steps farthest back, only the number is given, as
    `omitted`. LineageError where the step's own record does not fit, or one is damaged.
    """
    lineage = Lineage(own.path.parent)  # anew, for what was damaged since the session was opened must not travel
    trail = lineage.ancestors(lineage.get(own.id))
    entries: list[dict[str, Any]] = []
    templates: dict[str, Mapping[str, str]] = {}
    room = LARGEST - 300  # bytes; the rest of the JSON takes less than these
    for record in reversed(trail):
        if record.file_sha256 != record.id:  # its words were forgotten, and nothing would vouch for what is left of it
            break
        entry = {"file": record.path.name, "id": record.id, "record": _record_text(record)}
        added = {d: t for d, t in _template(lineage, record) if d not in templates}
        room -= len(_json(entry)) + len(_json(added)) + 2
        if room < 0:
            break
        entries.append(entry)
        templates |= added
    if not entries:
        said = f"Step {own.number} and its templates take more than the {LARGEST:,} bytes that a picture can hold in one field"
        raise LineageError(f"{said}; save it without its lineage, or export its trail.", path=own.path)
    omitted = len(trail) - len(entries)
    return {"layout": LAYOUT, "step": own.id, "records": entries[::-1], "templates": templates, "omitted": omitted}


def _template(lineage: Lineage, record: Record) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The record's template by its digest, where it has one and its sources are on disk as they were."""
    if digest := record.prompt.digest:
        sources = lineage.template_files(digest)
        if sources_digest(sources) == digest:
            yield digest, sources


def _record_text(record: Record) -> str:
    try:
        data = read_file(record.path)
        if hashlib.sha256(data).hexdigest() == record.id:
            return data.decode()
    except (OSError, ValueError):
        pass
    raise LineageError(f"The record {record.path} is missing or damaged; `verify` says how.", path=record.path)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def save_embedded(
    own: Record, picture: Picture, path: str | os.PathLike[str], *, drop_credentials: bool = False, overwrite: bool = False
) -> Path:
    """Writes a copy of a step's picture as a PNG with its lineage inside, prompts and inputs included; returns the path written.

    A PNG's other bytes stay as they are, a picture of another type is converted, and said so. A file that is there is replaced as by
    Picture.save. A PNG that carries content credentials is refused, or loses them with `drop_credentials`, and that is said. PictureError
    too for a suffix other than .png (none: it is added) and for a path in the session's folder.
    """
    target = _png_path(path)
    folder = own.path.parent
    try:
        if target.resolve().is_relative_to(folder.resolve()):
            raise PictureError(f"{target} lies in the session's own folder, whose files stay as they were recorded; save it elsewhere.")
        payload = lineage_of(own)
        if payload["omitted"]:
            held, omitted = len(payload["records"]), payload["omitted"]
            why = f"{omitted} did not fit, or hold no words any more"
            warn(f"{target.name} holds the last {held} steps of its lineage; {why}. An exported trail holds all.")
        copy = _as_png(picture, target)
        data = with_embedded(copy, _json(payload), drop_credentials=drop_credentials)
        if has_credentials(copy.data):
            warn(f"{target.name} lost its content credentials, which a lineage inside would make false; save it without for these.")
        if not overwrite and not atomic.may_replace(target, data, lambda there: _is_known_copy(there, picture, copy)):
            raise no_overwriting(target)
        atomic.write_whole(target, data)
    except (OSError, ValueError, RuntimeError) as error:  # the latter two: a name that no file can have
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise PictureError(f"The picture cannot be saved as {target}: {reason}; give another path.") from None
    return target


def _is_known_copy(there: bytes, picture: Picture, copy: Picture) -> bool:
    """Whether a file holds a recorded picture, with a lineage inside or without, or this one as a PNG."""
    plain = without_embedded(there) if has_embedded(there) else there
    return plain == copy.data or picture.is_known(plain)


def _png_path(path: str | os.PathLike[str]) -> Path:
    try:
        target = Path(path).expanduser()
        is_folder = target.is_dir()
    except (OSError, ValueError, RuntimeError) as error:
        raise PictureError(f"The picture cannot be saved as {os.fsdecode(path)!r:.80}: {error}; give another path.") from None
    if is_folder:
        raise PictureError(f"{target} is a folder; give the name of a file in it.")
    if not target.suffix:
        target = target.with_name(f"{target.name}.png")
    if target.suffix.lower() != ".png":
        raise PictureError(f"{target.name} cannot hold a lineage, only a PNG can: save it as {target.with_suffix('.png').name}.")
    return target


def _as_png(picture: Picture, target: Path) -> Picture:
    if media_type(picture.data) == "image/png":
        return picture
    lost = " without its content credentials" if has_credentials(picture.data) else ""
    said = f"{target.name} is a conversion of {picture.mime_type}{lost}, for only a PNG can hold a lineage"
    warn(f"{said}; save it without for the exact bytes.")
    return Picture.open(picture.image)


# Chunks


def with_embedded(picture: Picture | bytes, payload: bytes | str, *, drop_credentials: bool = False) -> bytes:
    """The bytes of a PNG with that text (bytes: UTF-8) in one iTXt field, in place of an earlier one of ours; all others are unchanged.

    PictureError for another type than PNG, a damaged one, a text of more than LARGEST bytes, or one with content credentials, unless
    `drop_credentials` leaves these out.
    """
    data = picture.data if isinstance(picture, Picture) else bytes(picture)
    text = payload.encode(errors="replace") if isinstance(payload, str) else bytes(payload)
    if len(text) > LARGEST:
        raise PictureError(f"A picture can hold {LARGEST:,} bytes of text, and this has {len(text):,}; export the trail as a zip instead.")
    bare = _free_to_change(data, drop_credentials)
    first = next(_chunks(bare))[1]
    # the flag and the method say zlib; language and translated keyword are empty
    field = _chunk(b"iTXt", KEYWORD + b"\x01\x00" + b"\0" + b"\0" + zlib.compress(text, 9))
    return bare[:first] + field + bare[first:]


def has_embedded(data: bytes) -> bool:
    """Whether it is a PNG that may hold promptkit's field: quick, and never wrong where it says no."""
    return data.startswith(SIGNATURE) and FIELD in data


def without_embedded(data: bytes) -> bytes:
    """The bytes of a PNG without the field that promptkit put in. PictureError for another type than PNG, or a damaged one."""
    return _without(data, lambda begin, _end: _is_ours(data, begin))


def without_credentials(data: bytes) -> bytes:
    """The bytes of a PNG without content credentials, and without XMP that says where they are. PictureError as `without_embedded`."""
    return _without(data, lambda begin, end: data.startswith(CREDENTIALS, begin + 4) or _is_naming_text(data, begin, end))


def _is_naming_text(data: bytes, begin: int, end: int) -> bool:
    return data[begin + 4 : begin + 8] in TEXTS and names_credentials(data[begin:end])


def _free_to_change(data: bytes, drop_credentials: bool) -> bytes:
    """The PNG without our field, and without credentials that a change would make false."""
    bare = without_embedded(data)
    if not has_credentials(data):
        return bare
    if drop_credentials and not has_credentials(free := without_credentials(bare)):
        return free
    said = "The picture carries content credentials, which would read as tampered with if a lineage were put inside"
    ways = "save it without (no embed), and its trail beside it with export"
    raise PictureError(f"{said}; {ways}, or give them up: drop_credentials=True.")


def _without(data: bytes, is_left_out: Callable[[int, int], bool]) -> bytes:
    kept, start = [], 0
    for begin, end in _chunks(data):
        if is_left_out(begin, end):
            kept.append(data[start:begin])
            start = end
    return b"".join((*kept, data[start:]))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _chunks(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each chunk begins and ends, from IHDR to IEND."""
    if data[:8] != SIGNATURE:
        found = media_type(data) or "no picture"
        raise PictureError(f"Only a PNG can hold a lineage, and this is {found}: save it as .png first.")
    start = len(SIGNATURE)
    while True:
        kind, end = data[start + 4 : start + 8], start + 12 + int.from_bytes(data[start : start + 4])
        if end > len(data) or (start == len(SIGNATURE) and kind != b"IHDR"):
            raise PictureError("The PNG is truncated or damaged: its chunks do not reach to its end.")
        yield start, end
        if kind == b"IEND":
            return
        start = end


def _is_ours(data: bytes, begin: int) -> bool:
    return data.startswith(FIELD, begin + 4)


# Reading


def read_embedded(source: str | os.PathLike[str] | bytes) -> Embedded | None:
    """The lineage inside a picture file, or its bytes; None where it holds none, whatever its type.

    What is read is bounded and each record is checked against its id. PictureError where the file cannot be read, or holds a lineage that
    is damaged or was changed; LineageError where what fits its id is no record all the same, or a newer promptkit wrote it.
    """
    data, name = _read(source)
    if data[:8] != SIGNATURE:
        return None
    ours = [data[begin + 8 : end - 4] for begin, end in _chunks(data) if _is_ours(data, begin)]
    if not ours:
        return None
    return _checked(_payload(ours[0], name), hashlib.sha256(without_embedded(data)).hexdigest(), name)


def _read(source: str | os.PathLike[str] | bytes) -> tuple[bytes, str]:
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source), "The picture"
    try:
        return Path(source).expanduser().read_bytes(), os.fsdecode(source)
    except (OSError, ValueError, RuntimeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise PictureError(f"The picture {os.fsdecode(source)!s:.200} cannot be read: {reason}; give the path of a picture file.") from None


def _payload(body: bytes, name: str) -> Mapping[str, Any]:
    try:
        is_packed, _method, *rest = body[len(KEYWORD) :]
        _language, _translated, text = bytes(rest).split(b"\0", 2)
        value = parsed(_unpacked(text, name) if is_packed else text[: LARGEST + 1])
    except (zlib.error, ValueError):
        raise _damaged(name) from None
    if not isinstance(value, dict):
        raise _damaged(name)
    return value


def _unpacked(packed: bytes, name: str) -> bytes:
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(packed, LARGEST + 1)
    if len(text) > LARGEST:
        raise PictureError(f"{name} holds a lineage of more than {LARGEST:,} bytes, which promptkit never writes; it is not read.")
    if not unpacking.eof:
        raise _damaged(name)
    return text


def _damaged(name: str) -> PictureError:
    return PictureError(f"{name} holds a lineage that is damaged or was changed; the session that it came from has the whole one.")


def _checked(payload: Mapping[str, Any], sha256: str, name: str) -> Embedded:
    layout = payload.get("layout")
    if isinstance(layout, int) and layout > LAYOUT:
        said = f"{name} holds a lineage of layout {layout}, and this promptkit knows {LAYOUT}: upgrade promptkit to read it."
        raise LineageError(said, newer=True)
    try:
        records = tuple(_records(payload["records"], name))
        templates = {d: dict(t) for d, t in payload["templates"].items()}
        texts = [text for sources in templates.values() for text in sources.values()]
        is_whole = layout == LAYOUT and records[-1].id == payload["step"] and all(sources_digest(t) == d for d, t in templates.items())
        is_whole = is_whole and all(isinstance(t, str) for t in texts) and isinstance(payload["omitted"], int)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError):
        raise _damaged(name) from None
    if not is_whole:
        raise _damaged(name)
    return Embedded(records, templates, payload["omitted"], any(o.sha256 == sha256 for o in records[-1].outputs))


def _records(entries: Iterable[Mapping[str, Any]], name: str) -> Iterator[Record]:
    for entry in entries:
        data = entry["record"].encode()
        digest, path = hashlib.sha256(data).hexdigest(), Path(Path(entry["file"]).name)
        record = Record.of(path, digest, parsed(data))
        if digest != entry["id"] or not record.is_itself:
            raise _damaged(name)
        yield record
