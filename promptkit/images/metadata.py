"""What other tools wrote into a picture about how it was made: AUTOMATIC1111 and its kin, ComfyUI, InvokeAI, NovelAI.

Read from the text parts of a PNG and from the EXIF of a PNG, JPEG or WebP, by their bytes and without decoding. All is bounded, and the
time grows with the file: a picture may come from a stranger.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from promptkit.images.formats import PNG_PARTS, WEBP_PARTS, jpeg_segments, media_type, parts
from promptkit.json_objects import flat_object

__all__ = ["LONGEST_TEXT", "ToolMetadata", "tool_metadata"]

LONGEST_TEXT = 2_000_000  # bytes of one field; what is longer is cut
MOST_TAGS = 500  # of one EXIF folder
A1111, COMFY, INVOKE, NOVEL = "AUTOMATIC1111", "ComfyUI", "InvokeAI", "NovelAI"
TOOLS: Mapping[str, str] = {  # by the keyword of a PNG's text
    "parameters": A1111,  # Forge, SD.Next and Fooocus write it too
    "prompt": COMFY,
    "workflow": COMFY,
    "invokeai_metadata": INVOKE,
    "invokeai_graph": INVOKE,
    "invokeai_workflow": INVOKE,
    "sd-metadata": INVOKE,
    "Dream": INVOKE,
    "Description": NOVEL,  # where Software says so
    "Comment": NOVEL,
}
MAKE, MODEL, EXIF_FOLDER, USER_COMMENT = 0x010F, 0x0110, 0x8769, 0x9286  # EXIF's tags
Order: TypeAlias = Literal["little", "big"]
ORDERS: Mapping[bytes, Order] = {b"II": "little", b"MM": "big"}
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}  # bytes of a value, by its type in EXIF
BEFORE_SETTINGS = ("\nNegative prompt:", "\nSteps:")


@dataclass(frozen=True)
class ToolMetadata:
    """One field: the tool that writes such fields ("" where that is not known), what the field is called, and its text.

    The text is as it stands in the file, cut at LONGEST_TEXT bytes.
    """

    tool: str
    name: str
    text: str

    @property
    def prompt(self) -> str | None:
        """The words that were asked for, where the field holds them as its tool writes them; None elsewhere."""
        found = _PROMPTS[self.tool](self.text) if self.tool in _PROMPTS else None
        return found.strip() or None if found else None

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.tool_metadata/1): `tool`, `name`, `text`, `prompt`."""
        return flat_object("tool_metadata", tool=self.tool or None, name=self.name, text=self.text, prompt=self.prompt)


def tool_metadata(data: bytes) -> tuple[ToolMetadata, ...]:
    """What other tools say in a picture's file of how it was made, in the order in which it stands there; each field once."""
    kind = media_type(data)
    texts = dict(_png_texts(data)) if kind == "image/png" else {}
    is_novel = "NovelAI" in texts.get("Software", "")
    names = [name for name in TOOLS if name in texts and (TOOLS[name] != NOVEL or is_novel)]
    found = [ToolMetadata(TOOLS[name], name, texts[name]) for name in names]
    return (*found, *_from_exif(_exif(data, kind)))


# What they hold


def _before_settings(text: str) -> str:
    ends = [place for mark in BEFORE_SETTINGS if (place := f"\n{text}".find(mark)) >= 0]
    return text[: max(min(ends) - 1, 0)] if ends else text


def _positive_prompt(text: str) -> str | None:
    """InvokeAI's words; its older releases have them in other places."""
    said = _object(text)
    image = said.get("image")
    found = said.get("positive_prompt", image.get("prompt") if isinstance(image, dict) else None)
    if isinstance(found, list) and found and isinstance(found[0], dict):
        found = found[0].get("prompt")
    return found if isinstance(found, str) else None


def _node_texts(text: str) -> str | None:
    """The texts that ComfyUI's nodes encode, each once; which is the negative one only the graph says."""
    nodes = [node for node in _object(text).values() if isinstance(node, dict) and "Encode" in str(node.get("class_type"))]
    inputs = [node["inputs"] for node in nodes if isinstance(node.get("inputs"), dict)]
    said = [value for one in inputs for key, value in one.items() if isinstance(value, str) and str(key).startswith(("text", "prompt"))]
    return "\n\n".join(dict.fromkeys(filter(None, map(str.strip, said))))


def _words_of_novel(text: str) -> str | None:
    found = _object(text).get("prompt", text if not text.startswith("{") else None)
    return found if isinstance(found, str) else None


def _object(text: str) -> dict[str, Any]:
    """The JSON object that a text is, or an empty one."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


_PROMPTS: Mapping[str, Callable[[str], str | None]] = {
    A1111: _before_settings,
    COMFY: _node_texts,
    INVOKE: _positive_prompt,
    NOVEL: _words_of_novel,
}


# PNG


def _png_texts(data: bytes) -> Iterator[tuple[str, str]]:
    """The keyword and the text of the first part of each keyword that tools write; others are not unpacked."""
    seen: set[str] = set()
    for kind, begin, end in parts(data, PNG_PARTS):
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            keyword, nul, _ = data[begin : min(end, begin + 80)].partition(b"\0")
            name = keyword.decode("latin-1")
            if nul and (name in TOOLS or name == "Software") and name not in seen:
                seen.add(name)
                yield name, _decoded(_png_text(kind, memoryview(data)[begin + len(keyword) + 1 : end]))


def _png_text(kind: bytes, body: memoryview) -> bytes:
    """A part's text, behind its keyword: unpacked, and cut."""
    if kind == b"tEXt":
        return bytes(body[:LONGEST_TEXT])
    if kind == b"zTXt":
        return _unpacked(body[1:])
    is_packed, rest = bytes(body[:1]) == b"\1", bytes(body[2 : LONGEST_TEXT + 2])
    *_, text = rest.split(b"\0", 2)  # behind a language and a translated keyword
    return _unpacked(text) if is_packed else text


def _unpacked(packed: bytes | memoryview) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, LONGEST_TEXT)
    except zlib.error:
        return b""


def _decoded(text: bytes) -> str:
    """Many tools write UTF-8 where Latin-1 is due."""
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        is_cut = len(text) >= LONGEST_TEXT and error.start > len(text) - 4
        return text.decode(errors="ignore") if is_cut else text.decode("latin-1")


# EXIF


def _exif(data: bytes, kind: str | None) -> bytes:
    """The EXIF of a picture, without the name before it; empty where there is none."""
    if kind == "image/jpeg":
        found = (data[begin:end] for marker, begin, end in jpeg_segments(data) if marker == 0xE1 and data[begin : begin + 4] == b"Exif")
    elif kind in ("image/png", "image/webp"):
        wanted, layout = (b"eXIf", PNG_PARTS) if kind == "image/png" else (b"EXIF", WEBP_PARTS)
        found = (data[begin:end] for part, begin, end in parts(data, layout) if part == wanted)
    else:
        return b""
    return next(found, b"")[: 2 * LONGEST_TEXT].removeprefix(b"Exif\0\0")


def _from_exif(exif: bytes) -> Iterator[ToolMetadata]:
    order = ORDERS.get(exif[:2])
    if order is None:
        return
    top = _tags(exif, _number(exif, 4, 4, order), order)
    for tag in (MODEL, MAKE):  # ComfyUI writes "prompt:{…}" and "workflow:{…}" there, for WebP
        name, colon, text = _decoded(top.get(tag, b"").rstrip(b"\0")).partition(":")
        if colon and name.lower() in ("prompt", "workflow") and text.lstrip().startswith("{"):
            yield ToolMetadata(COMFY, name.lower(), text)
    below = _tags(exif, int.from_bytes(top.get(EXIF_FOLDER, b"")[:4], order), order)
    text = _comment(below.get(USER_COMMENT, b""), order).strip("\0 \n")
    if text:
        yield ToolMetadata(_tool_of(text), "UserComment", text)


def _tool_of(text: str) -> str:
    if "\nSteps: " in f"\n{text}":
        return A1111
    return COMFY if text.startswith("{") and '"class_type"' in text else ""


def _tags(exif: bytes, at: int, order: Order) -> dict[int, bytes]:
    """The values in one folder of tags, by tag: texts, bytes and whole numbers; what points outside is left out."""
    found: dict[int, bytes] = {}
    for entry in range(at + 2, at + 2 + 12 * min(_number(exif, at, 2, order), MOST_TAGS), 12) if at else ():
        tag, size = _number(exif, entry, 2, order), SIZES.get(_number(exif, entry + 2, 2, order), 0) * _number(exif, entry + 4, 4, order)
        start = entry + 8 if size <= 4 else _number(exif, entry + 8, 4, order)
        if tag in (MAKE, MODEL, EXIF_FOLDER, USER_COMMENT) and 0 < size <= len(exif) - start:
            found.setdefault(tag, exif[start : start + min(size, LONGEST_TEXT)])
    return found


def _number(exif: bytes, at: int, size: int, order: Order) -> int:
    return int.from_bytes(exif[at : at + size], order)


def _comment(value: bytes, order: Order) -> str:
    """A UserComment: eight bytes that name its characters, then these."""
    name, text = value[:8], value[8:]
    if name.startswith(b"UNICODE"):
        return text.decode(_utf_16(text, order), "replace")
    return _decoded(text) if name.startswith((b"ASCII", b"\0\0\0\0")) else _decoded(value)


def _utf_16(text: bytes, order: Order) -> str:
    """Which way it is written: by its mark, else by where the zeros of its Latin letters stand, else as the EXIF's numbers are."""
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    first, second = text[0::2].count(0), text[1::2].count(0)
    is_big = first > second if first != second else order == "big"
    return "utf-16-be" if is_big else "utf-16-le"
