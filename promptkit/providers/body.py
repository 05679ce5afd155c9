"""What stands in the body of an answer: JSON however it is wrapped or cut short, and pictures wherever they are. Pure.

Services and the relays before them send one object, a list, lines, server-sent events, an unlabelled gzip, and bodies that break off. All
of it is read as far as it goes. Whatever came, reading takes a time that grows with its length only, and nothing is raised.
"""

from __future__ import annotations

import binascii
import json
import re
import secrets
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from promptkit.images.formats import complete, media_type
from promptkit.images.picture import Picture, decodes

__all__ = ["Encoded", "Read", "base64_bytes", "encoded_in", "get", "read_body", "strings_in", "unpacked"]

UNPACKED = 256_000_000  # bytes that a compressed body may become
DEPTH = 100  # levels of nesting that are kept; what lies deeper is left out
DIGITS = 300  # of a whole number; a longer one is kept as a text
LONG_TEXT = 1 << 14  # bytes; of those that are twice as long each is read apart
SHORTEST = 64  # letters of base64 in a text that may be a picture
ECHOES = ("contents", "request", "input", "inputs", "prompt")  # what a relay repeats of the question: its pictures are no answer


# From bytes to values


class Read(NamedTuple):
    """The values that a body holds, one after the other, and whether the last one broke off."""

    values: list[Any]
    is_cut: bool


def unpacked(body: bytes) -> bytes:
    """The body without a compression that nobody labelled, as far as it came."""
    wbits = 31 if body[:2] == b"\x1f\x8b" else 15 if body[:2] in (b"x\x01", b"x\x9c", b"x\xda") else None
    if wbits is None:
        return body
    try:
        return zlib.decompressobj(wbits).decompress(body, UNPACKED) or body
    except zlib.error:
        return body


def read_body(body: bytes) -> Read:
    """The JSON values in a body that is unpacked; none where it is no JSON at all."""
    if values := _values_apart(body):
        return Read(values, is_cut=False)
    text = _as_text(body)
    if text[:1] in ("{", "["):
        return _values(text)
    if re.match(r"(?:data|event|id|retry)?:", text):
        return _events(text)
    return Read([], not text)


def _as_text(body: bytes) -> str:
    # a byte that is no UTF-8, or a bare line break inside a text, must not lose a picture that was paid for
    return body.decode("utf-8-sig", "replace").strip().removeprefix(")]}'").lstrip()


def _values_apart(body: bytes) -> list[Any] | None:
    """The values of a body of strict JSON with long texts, which are read apart: a picture's letters are then copied once, and not looked
    at one by one. None for any other body, and where a text is not found again as a whole value.
    """
    rest, texts = _long_texts(body)
    if not texts or (said := _as_text(rest))[:1] not in ("{", "["):
        return None
    try:
        values = list(_strict_values(said))
    except (ValueError, RecursionError):
        return None
    return values if _put_back(values, texts) == len(texts) else None


def _long_texts(body: bytes) -> tuple[bytes, dict[str, str]]:
    """The body with a name in place of each long text in ASCII without an escape, and the texts by name. Nobody can foresee the names."""
    texts: dict[str, str] = {}
    rest: list[bytes] = []
    view = memoryview(body)  # of which a part is no copy
    name, start, at = secrets.token_hex(8), 0, 0
    while (end := body.find(b'"', at)) >= 0:
        if end - at < LONG_TEXT:  # a text that is twice as long is met in its middle
            at += LONG_TEXT
            continue
        begin, at = body.rfind(b'"', 0, at) + 1, end + 1
        if begin and body.find(b"\\", begin, end) < 0 and (text := _ascii(view[begin:end])):
            texts[key := f"{name}-{len(texts)}"] = text
            rest += (body[start:begin], key.encode())
            start = end
    return b"".join([*rest, body[start:]]) if texts else b"", texts


def _ascii(data: memoryview) -> str | None:
    try:
        return str(data, "ascii")
    except UnicodeDecodeError:
        return None


def _put_back(values: list[Any], texts: Mapping[str, str]) -> int:
    """Puts the texts where their names stand as values; how many did."""
    todo: list[Any] = [values]
    count = 0
    while todo:
        one = todo.pop()
        for key, item in one.items() if isinstance(one, dict) else enumerate(one):
            if isinstance(item, dict | list):
                todo.append(item)
            elif isinstance(item, str) and item in texts:
                one[key] = texts[item]
                count += 1
    return count


def _events(text: str) -> Read:
    """What server-sent events hold, each a value; the lines of one event are one text."""
    values: list[Any] = []
    is_cut = False
    for event in re.split(r"\r?\n\r?\n", text):
        lines = [line[5:].removeprefix(" ") for line in event.splitlines() if line.startswith("data:")]
        said = "\n".join(lines).strip()
        if said[:1] in ("{", "["):
            read = _values(said)
            values += read.values
            is_cut = read.is_cut
    return Read(values, is_cut or not values)


def _strict_values(text: str) -> Iterator[Any]:
    start = 0
    while (start := _next_start(text, start)) < len(text):
        value, start = DECODER.raw_decode(text, start)
        yield value


def _values(text: str) -> Read:
    values: list[Any] = []
    start, is_strict = 0, True
    while (start := _next_start(text, start)) < len(text):
        try:
            if is_strict:
                value, start = DECODER.raw_decode(text, start)
                values.append(value)
                continue
        except (ValueError, RecursionError):
            is_strict = False  # each such error counts the lines before it
        parser = _Lenient(text, start)
        values.append(parser.value)
        if parser.is_cut:
            return Read(values, is_cut=True)
        start = parser.end
    return Read(values, is_cut=False)


def _next_start(text: str, start: int) -> int:
    """Where the next object or list begins: between two there may be commas, line breaks and the word data."""
    found = VALUE_START.search(text, start)
    return found.start() if found else len(text)


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= DIGITS else digits


VALUE_START = re.compile(r"[{\[]")
DECODER = json.JSONDecoder(parse_int=_whole_number, strict=False)
TOKEN = re.compile(r'\s*(?:([{}\[\],:])|"([^"\\]*(?:\\.[^"\\]*)*)("|\\?$)|([^\s{}\[\],:"]+))', re.DOTALL)
LITERALS: dict[str, Any] = {"true": True, "false": False, "null": None}


class _Lenient:
    """Reads JSON that breaks off, or is nested deeper than Python can follow, as far as it goes: what is open at its end is closed."""

    def __init__(self, text: str, start: int) -> None:
        self.value: Any = None
        self.end, self.is_cut = len(text), True
        self._open: list[Any] = []
        self._keys: list[str | None] = []
        self._read(text, start)

    def _read(self, text: str, start: int) -> None:
        while match := TOKEN.match(text, start):
            sign, said, closed, bare = match.groups()
            start = match.end()
            if sign is not None:
                self._sign(sign)
            elif said is not None:
                self._take(_text(said))
                if closed != '"':
                    return
            else:
                self._take(_literal(bare))
            if not self._open:
                self.end, self.is_cut = start, False
                return

    def _sign(self, sign: str) -> None:
        if sign in "{[":
            value: Any = {} if sign == "{" else []
            if len(self._open) < DEPTH:
                self._take(value)
            self._open.append(value)
            self._keys.append(None)
        elif sign in "}]":
            self._open.pop()
            self._keys.pop()

    def _take(self, value: Any) -> None:
        if not self._open:
            self.value = value
        elif isinstance(self._open[-1], list):
            self._open[-1].append(value)
        elif self._keys[-1] is None:
            self._keys[-1] = str(value)
        else:
            self._open[-1][self._keys[-1]] = value
            self._keys[-1] = None


def _text(said: str) -> str:
    if "\\" not in said:
        return said
    try:
        return str(json.loads(f'"{said}"', strict=False))
    except ValueError:  # half an escape at the end, or one that there is not
        return re.sub(r"\\(?:u[0-9a-fA-F]{0,4}|(.)|$)", r"\1", said)


def _literal(bare: str) -> Any:
    if bare in LITERALS:
        return LITERALS[bare]
    try:
        return _whole_number(bare) if bare.isdigit() else float(bare)
    except ValueError:
        return bare[:100]


def get(value: object, name: str) -> Any:
    """An object's entry by its camelCase name, in snake_case too; None where there is none."""
    if not isinstance(value, dict):
        return None
    found = value.get(name)
    return value.get(re.sub("([A-Z])", r"_\1", name).lower()) if found is None else found


# From values to pictures


class Encoded(NamedTuple):
    """Bytes that stood in an answer as base64, and the picture that they are: whole, or decoded in full without its container's end."""

    data: bytes
    picture: Picture | None
    is_endless: bool = False

    @classmethod
    def of(cls, data: bytes) -> Encoded:
        """What these bytes are."""
        if media_type(data) and complete(data):
            return cls(data, Picture(data))
        if len(data) >= SHORTEST and decodes(data):
            return cls(data, Picture(data), is_endless=media_type(data) is not None)
        return cls(data, None)


def base64_bytes(text: str) -> bytes | None:
    """The bytes of base64 as services write it: with a data: prefix, line breaks, URL-safe letters, without padding; else None."""
    if text[:100].lstrip()[:5].lower() == "data:":
        text = text.partition(",")[2]
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        pass
    plain = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    plain = plain[:-1] if len(plain) % 4 == 1 else plain  # one letter alone is no byte: it broke off there
    try:
        return binascii.a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
    except ValueError:
        return None


# what a picture begins with in base64: PNG, JPEG, RIFF, GIF, and a data: URL
START = re.compile(r"data:image/[\w.+-]{1,80};base64,|iVBORw0KGgo|/9j/|UklGR|R0lGOD", re.IGNORECASE)
LETTERS = re.compile(r"\s*([A-Za-z0-9+/_%-]*(?:\s{1,4}[A-Za-z0-9+/_%-]{16,})*\s{0,4}[A-Za-z0-9+/_%-]*={0,2})")
BEFORE, AFTER = re.compile(r"!\[[^\[\]]{0,500}\]\(\s{0,9}<?$"), re.compile(r">?\s{0,9}(?:\"[^\"]{0,500}\"\s{0,9})?\)?")


def encoded_in(text: str) -> tuple[list[Encoded], str]:
    """The pictures in a text, each as a data: URL (in Markdown or bare) or as base64 alone, and the text without them."""
    found: list[Encoded] = []
    rest: list[str] = []
    start = 0
    while match := START.search(text, start):
        is_url = match[0][:5].lower() == "data:"
        letters = _letters(text, match.end() if is_url else match.start())
        encoded = _encoded(text[slice(*letters)]) if is_url or letters[1] - letters[0] >= SHORTEST else None
        if encoded is None:
            rest.append(text[start : match.end()])
            start = match.end()
            continue
        before = text[start : match.start()]
        is_markdown = BEFORE.search(before[-520:])
        rest.append(before[: is_markdown.start() - len(before[-520:])] if is_markdown else before)
        start = letters[1]
        if is_markdown and (after := AFTER.match(text, start)):
            start = after.end()
        found.append(encoded)
    return found, "".join([*rest, text[start:]])


def _letters(text: str, start: int) -> tuple[int, int]:
    match = LETTERS.match(text, start)
    assert match is not None, "it matches nothing at all too"
    return match.span(1)


def _encoded(letters: str) -> Encoded | None:
    if "%" in letters:
        letters = unquote(letters)
    first = letters.split(None, 1)[0] if letters.strip() else ""
    for said in dict.fromkeys((letters, first)):  # words may follow that look like base64
        data = base64_bytes(said)
        if data and media_type(data):
            return Encoded.of(data)
    return None


def strings_in(value: Any) -> Iterator[tuple[str, str]]:
    """All texts in a value, each with its path; drafts and what repeats the question are left out."""
    todo = [("", value)]
    while todo:
        path, one = todo.pop()
        if isinstance(one, str):
            yield path, one
        elif isinstance(one, dict) and one.get("thought") is not True:
            todo += [(f"{path}.{_key(key)}"[-100:], item) for key, item in reversed(one.items()) if str(key).lower() not in ECHOES]
        elif isinstance(one, list):
            todo += [(f"{path}[{i}]"[-100:], item) for i, item in reversed(list(enumerate(one)))]


def _key(key: str) -> str:
    return re.sub(r"\W", "_", key[:40])
