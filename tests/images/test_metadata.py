"""What other tools wrote into a picture: read from real files of each type, bounded, and kept with a picture that is added."""

from __future__ import annotations

import io
import json
import zlib
from pathlib import Path

import pytest
from kit.effort import effort
from PIL import Image, PngImagePlugin

from promptkit import Picture, Session
from promptkit.images.metadata import LONGEST_TEXT, tool_metadata

A1111 = "a red fox, снег, 狐\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, Seed: 7, Size: 512x512"
NODES = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 1, "text": "no words of a prompt"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry"}},
    "8": {"class_type": "CLIPTextEncode", "inputs": {"text": ["9", 0]}},
}
COMFY = json.dumps(NODES)


def png(*texts: tuple[str, str], packed: bool = False) -> bytes:
    """A PNG with these texts; in Latin-1 as tEXt or zTXt, others as iTXt."""
    info = PngImagePlugin.PngInfo()
    for name, text in texts:
        info.add_text(name, text, zip=packed)
    return saved("PNG", pnginfo=info)


def saved(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, kind, **options)
    return file.getvalue()


def comment(value: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0131] = "a tool"  # Pillow writes none into a PNG where the first folder is empty
    exif.get_ifd(0x8769)[0x9286] = value
    return exif


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)


def with_chunks(*chunks: bytes) -> bytes:
    """A PNG with these chunks before its pixels."""
    data = saved("PNG")
    return data[:33] + b"".join(chunks) + data[33:]


# Tools


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("name", "text", "tool", "prompt"),
    [
        ("parameters", A1111, "AUTOMATIC1111", "a red fox, снег, 狐"),
        ("parameters", "a fox\nSteps: 4", "AUTOMATIC1111", "a fox"),
        ("parameters", "Negative prompt: a\nSteps: 4", "AUTOMATIC1111", None),
        ("parameters", "a fox", "AUTOMATIC1111", "a fox"),
        ("prompt", COMFY, "ComfyUI", "a red fox\n\nblurry"),
        ("workflow", '{"nodes": []}', "ComfyUI", None),
        ("invokeai_metadata", '{"positive_prompt": "a fox", "seed": 1}', "InvokeAI", "a fox"),
        ("sd-metadata", '{"image": {"prompt": [{"prompt": "a fox", "weight": 1}]}}', "InvokeAI", "a fox"),
        ("invokeai_metadata", "[" * 100_000, "InvokeAI", None),
        ("prompt", '{"a": [1], "b": {"class_type": "TextEncode", "inputs": 3}}', "ComfyUI", None),
    ],
)
def test_a_png_says_which_tool_made_it(name: str, text: str, tool: str, prompt: str | None, packed: bool) -> None:
    """The fields of each tool are found by their names, as they stand, and the prompt in them; packed or not, in any script."""
    (found,) = tool_metadata(png(("Title", "mine"), (name, text), packed=packed))
    assert (found.tool, found.name, found.text, found.prompt) == (tool, name, text, prompt)


def test_novelai_is_told_by_its_name() -> None:
    """Description and Comment are anybody's; where Software says NovelAI they are its own."""
    texts = (("Description", "a fox"), ("Comment", '{"prompt": "a fox", "steps": 28}'))
    assert tool_metadata(png(*texts)) == ()
    found = tool_metadata(png(("Software", "NovelAI"), *texts))
    assert [(f.tool, f.name, f.prompt) for f in found] == [("NovelAI", "Description", "a fox"), ("NovelAI", "Comment", "a fox")]


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
@pytest.mark.parametrize("code", ["utf-16-be", "utf-16-le", "utf-16"])
def test_a_comment_in_exif_is_read(kind: str, code: str) -> None:
    """The UserComment of a JPEG, WebP or PNG is read whichever way its UTF-16 is written."""
    (found,) = tool_metadata(saved(kind, exif=comment(b"UNICODE\0" + A1111.encode(code))))
    assert (found.tool, found.name, found.text, found.prompt) == ("AUTOMATIC1111", "UserComment", A1111, "a red fox, снег, 狐")


@pytest.mark.parametrize(
    ("value", "tool", "text"),
    [
        (b"ASCII\0\0\0a note", "", "a note"),
        (b"\0" * 8 + b"a note\0", "", "a note"),
        (b"ASCII\0\0\0" + COMFY.encode(), "ComfyUI", COMFY),
    ],
)
def test_any_comment_is_shown(value: bytes, tool: str, text: str) -> None:
    """A comment that no tool is known by is shown as one."""
    assert [(f.tool, f.text) for f in tool_metadata(saved("JPEG", exif=comment(value)))] == [(tool, text)]


def test_comfyui_in_webp_is_read() -> None:
    """ComfyUI writes its prompt and workflow into two other tags of a WebP; a camera's make and model are no such fields."""
    exif = Image.Exif()
    exif[0x0110], exif[0x010F] = f"prompt:{COMFY}", "workflow:{}"
    assert [(f.tool, f.name, f.text) for f in tool_metadata(saved("WEBP", exif=exif))] == [
        ("ComfyUI", "prompt", COMFY),
        ("ComfyUI", "workflow", "{}"),
    ]
    exif[0x0110], exif[0x010F] = "EOS: 5D", "Canon"
    assert tool_metadata(saved("JPEG", exif=exif)) == ()


def test_utf_8_where_latin_1_is_due() -> None:
    """Tools that write UTF-8 into tEXt are read as they meant it; Latin-1 is read, too."""
    body = b"parameters\0"
    assert tool_metadata(with_chunks(chunk(b"tEXt", body + "狐".encode())))[0].text == "狐"
    assert tool_metadata(with_chunks(chunk(b"tEXt", body + "café".encode("latin-1"))))[0].text == "café"


# Strangers' pictures


def test_what_is_unpacked_is_bounded() -> None:
    """A small file that unpacks to gigabytes is cut; a field that stands there again is not unpacked again."""
    bomb = chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b"x" * 50_000_000, 9))
    (found,) = tool_metadata(with_chunks(*[bomb] * 100))
    assert len(found.text) == LONGEST_TEXT
    assert effort(lambda: tool_metadata(with_chunks(*[bomb] * 100))) < 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_damage_is_passed_over(kind: str) -> None:
    """Whatever is cut off or overwritten in a file, what is left is read, or nothing; it never raises."""
    data = saved(kind, exif=comment(b"UNICODE\0" + A1111.encode("utf-16-be")))
    for at in range(0, len(data), 3):
        tool_metadata(data[:at])
        tool_metadata(data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :])
        tool_metadata(data[:at] + b"\0\0\0\0" + data[at + 4 :])


@pytest.mark.parametrize("data", [b"", b"x", b"II*\0", *(saved(kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP"))])
def test_a_picture_without_any_has_none(data: bytes) -> None:
    """What no tool wrote into, and what is no picture, has no fields."""
    assert tool_metadata(data) == ()


# Kept


def test_it_stays_with_a_picture_that_is_added(tmp_path: Path) -> None:
    """The bytes that were added are those that are kept, with what they hold; the record says nothing of it."""
    data = png(("parameters", A1111))
    session = Session(tmp_path / "s", endpoint="offline")
    step = session.add(data)
    assert step.picture.metadata == Picture.open(data).metadata == tool_metadata(data)
    assert step.picture.metadata[0].prompt == "a red fox, снег, 狐"
    assert not [path for path in session.folder.glob("*.json") if "Sampler" in path.read_text(encoding="utf-8")]
