"""Pictures as the bytes that they came as: hashed, typed by content, decoded only when their pixels are asked for."""

from __future__ import annotations

import hashlib
import io
import os
import re
import threading
import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeAlias

from promptkit import atomic, markup
from promptkit.errors import PictureError, PromptkitError, warn
from promptkit.images.formats import complete, has_credentials, has_exif, media_type, suffix_of
from promptkit.kernel import show_inline
from promptkit.values import is_url

if TYPE_CHECKING:
    from PIL import Image

    from promptkit.images.metadata import ToolMetadata
    from promptkit.images.thumbnails import Thumbnail

__all__ = ["Picture", "PictureSource", "check_name", "decodes", "is_picture", "no_overwriting", "save_all", "to_rgb"]

SAME_SUFFIX = {".jpeg": ".jpg", ".jpe": ".jpg", ".jfif": ".jpg", ".tiff": ".tif", ".apng": ".png"}
UNDECODED = ("image/heic", "image/heif")  # what phones make and Pillow cannot read; the service can
OPAQUE = ("JPEG", "MPO", "PPM", "PCX", "EPS", "PDF")
SENDABLE = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")  # Google's image guide, 2026-11
ORIENTATION = 0x0112  # EXIF's tag
QUALITY = {"JPEG": {"quality": 95, "subsampling": 0}}  # of what is converted: no step should be seen
CARD_PIXELS = 320
CARD_BYTES = 14_000  # with the JPEG beside it 35 kB in a notebook's file
JPEG_BYTES = 12_000
JPEG_PIXELS = 480
REDUCED = ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr")
MOST_TURNS = 1000  # pictures of which this process remembers how they are turned
TURNS: dict[str, int] = {}  # by sha256: what an edit starts from was looked at when it came, and its file is not read once more
# what a picture can be opened from
PictureSource: TypeAlias = "str | os.PathLike[str] | bytes | IO[bytes] | Picture | Image.Image | Array"


class Array(Protocol):
    """An array of numpy, or of a library whose arrays become numpy's."""

    def __array__(self) -> Any: ...


class Picture:
    """One picture: its bytes exactly as received, never encoded again.

    `sha256` is of those bytes, `mime_type` is what they say and not what a label said, `size` is (width, height) in pixels as stored, or
    None where Pillow cannot read it. Make one with `Picture.open`.
    """

    card_pixels, card_bytes = CARD_PIXELS, CARD_BYTES  # how large a notebook shows it, in CSS pixels and in bytes

    def __init__(self, data: bytes) -> None:
        self._read: Callable[[], bytes] = lambda: data
        self._thumbnails: dict[tuple[int, int | None], Thumbnail] = {}
        self._is_there: Callable[[], bool] = lambda: True
        self.is_known: Callable[[bytes], bool] = lambda _: False  # whether a session holds such bytes, so that a copy of them may go

    @classmethod
    def open(cls, source: PictureSource) -> Picture:
        """A picture of one's own, decoded once to see that it is whole. PictureError when it is not.

        From a path, bytes, a file that is open for bytes (from where it stands), a PIL image, or an array of whole numbers from 0 to 255
        and the shape (height, width), or that with 3 or 4 channels last. An address is not fetched.
        """
        if isinstance(source, Picture):
            return source
        if isinstance(source, bytes | bytearray | memoryview):
            return _checked(bytes(source), "What was given")
        if isinstance(source, str):
            source = str.__str__(source)
        if isinstance(source, str | os.PathLike):
            return _checked(_read_file(source), os.fsdecode(source))
        given: Any = source
        if hasattr(given, "save") and hasattr(given, "getbands"):
            return cls(_of_pillow(given))
        if callable(getattr(source, "read", None)):
            return _checked(_read_open_file(source), f"The file {getattr(source, 'name', 'that was given')!s:.80}")
        if _is_array(source):
            return cls(_of_pillow(_of_array(source)))
        said = "give a path, bytes, an open file, a PIL image, an array or a Picture"
        raise PictureError(f"A {type(source).__name__} is no picture; {said}.")

    @classmethod
    def recorded(
        cls,
        read: Callable[[], bytes],
        *,
        sha256: str,
        mime_type: str,
        size: tuple[int, int] | None,
        is_known: Callable[[bytes], bool] = lambda _: False,
        is_there: Callable[[], bool] = lambda: True,
    ) -> Picture:
        """A picture that a record describes; `read` brings its bytes, and is called when someone asks for them. `is_there` says without
        reading whether there is a file of that length.
        """
        picture = cls(b"")
        picture.is_known = is_known
        picture._read, picture._is_there = read, is_there
        picture.__dict__.update(sha256=sha256, mime_type=mime_type, **({} if size is None else {"size": size}))
        return picture

    @property
    def data(self) -> bytes:
        """The bytes. A recorded picture's are read anew each time, so that a long history does not fill the memory."""
        return self._read()

    @cached_property
    def sha256(self) -> str:
        """Of the bytes, 64 hex digits."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def mime_type(self) -> str:
        """By content, such as image/png."""
        return media_type(self.data) or _pillow_type(self.data) or "application/octet-stream"

    @cached_property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels, as stored; None where Pillow cannot read them."""
        try:
            with _opened(self.data) as image:
                return image.size
        except PromptkitError:
            return None

    @property
    def header(self) -> Image.Image:
        """A PIL image of which nothing but the header was read. PictureError where Pillow cannot read that."""
        return _opened(self.data, f"The picture {self.sha256[:10]}")

    @property
    def frames(self) -> int:
        """How many frames or pages the file has; 1 where that cannot be read."""
        with _quiet, suppress(Exception):  # whatever the format's code raises
            return int(getattr(self.header, "n_frames", 1))
        return 1

    @property
    def metadata(self) -> tuple[ToolMetadata, ...]:
        """What other tools (AUTOMATIC1111, ComfyUI, InvokeAI, NovelAI) wrote into the file about how it was made; read anew each time."""
        from promptkit.images.metadata import tool_metadata

        return tool_metadata(self.data)

    @property
    def image(self) -> Image.Image:
        """A PIL image, turned as its EXIF orientation means; decoded anew at each access, so that drawing on it changes nothing here."""
        return _upright(_decoded(self.data, f"The picture {self.sha256[:10]}"))

    def __copy__(self) -> Picture:
        return self

    def __deepcopy__(self, memo: object) -> Picture:
        return self

    def __reduce__(self) -> tuple[type[Picture], tuple[bytes]]:
        return type(self), (self.data,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Picture) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __repr__(self) -> str:
        size = f"{self.size[0]}×{self.size[1]}" if self.size else "unknown size"
        return f"<Picture {self.sha256[:10]} {self.mime_type} {size}>"

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        small = self.thumbnail(self.card_pixels, self.card_bytes)
        html = markup.figure(small, repr(self))
        return markup.mime_bundle(repr(self), html, include, exclude, jpeg=self.small_jpeg)

    def _mime_(self) -> tuple[str, str]:
        """For marimo, which shows a bundle of several forms as tabs."""
        return "text/html", self._repr_mimebundle_()["text/html"]

    def show(self) -> None:
        """Shows it: below the cell in a notebook, else in the system's viewer."""
        if not show_inline(self) and not self.view():
            warn(f"There is no viewer for pictures here; save(…) writes {self!r} to a file.")

    def view(self, title: str | None = None) -> bool:
        """Opens it in the system's viewer; False where there is none, or no screen."""
        from PIL import ImageShow

        from promptkit import config as settings

        return settings.has_screen() and ImageShow.show(self.image, title=title)

    def for_sending(self) -> Picture:
        """This picture where models take its type and it stands as people see it, else one that does: a JPEG of a JPEG, else a PNG."""
        return self if self.mime_type in SENDABLE and self._turn == 1 else self._converted

    @property
    def seen_size(self) -> tuple[int, int] | None:
        """Width and height as people see it: `size`, turned where its EXIF orientation means so."""
        return self.size[::-1] if self.size and self._turn in (5, 6, 7, 8) else self.size

    @property
    def is_upright(self) -> bool:
        """Whether it is stored as people see it: its EXIF orientation, if it has one, turns nothing."""
        return self._turn == 1

    @cached_property
    def _turn(self) -> int:
        """The EXIF orientation, 1 to 8; 1 where it has none."""
        if self.mime_type in UNDECODED:
            return 1
        turn = TURNS.get(self.sha256)
        if turn is None:
            if len(TURNS) >= MOST_TURNS:
                TURNS.clear()
            turn = TURNS[self.sha256] = _turn_of(self.data)
        return turn

    @cached_property
    def _converted(self) -> Picture:
        return Picture(_encoded(self.image, "JPEG" if self.mime_type == "image/jpeg" else "PNG"))

    @property
    def is_there(self) -> bool:
        """Whether its bytes can be had, as far as that is known without reading them."""
        return self._is_there()

    def reduced(self, pixels: int) -> Image.Image:
        """A PIL image of it, RGB or RGBA, upright, at most so many pixels wide and high, for which no more is decoded than it needs.

        PictureError where it cannot be decoded.
        """
        image, name = self.header, f"The picture {self.sha256[:10]}"
        with _quiet:
            try:
                image = image if _can_be_reduced(image) else _in_colour(image)
                image.thumbnail((pixels, pixels))
                return _upright(to_rgb(image))
            except Exception as error:  # Pillow's decoders raise whatever their format's code raises
                raise PictureError(f"{name} is truncated or damaged: {_reason(error)}.") from None

    def thumbnail(self, pixels: int, most: int | None = None) -> Thumbnail:
        """A data URI of it as WebP, to be shown at most `pixels` wide and high (it has up to twice as many, for sharp screens), in at most
        `most` bytes (64 for each pixel); an empty one where it cannot be decoded.
        """
        if (pixels, most) not in self._thumbnails:
            from promptkit.images.thumbnails import thumbnail

            self._thumbnails[pixels, most] = thumbnail(self, pixels, most)
        return self._thumbnails[pixels, most]

    def small_jpeg(self) -> str:
        """At most JPEG_PIXELS wide and high, and of JPEG_BYTES, in base64, for readers that have no HTML; "" where it cannot be decoded."""
        import base64

        from promptkit.images.thumbnails import encoded

        try:
            small = self.reduced(JPEG_PIXELS)
        except PromptkitError:
            return ""
        with _quiet:
            return base64.b64encode(encoded(_on_white(small) if small.mode == "RGBA" else small, JPEG_BYTES, "JPEG")).decode()

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Writes the exact bytes where the suffix fits them, converted (and said so) where it does not; adds one where there is none.

        Returns the path written. A file that is there is replaced, whole or not at all, where it is a copy of a recorded picture, and any
        other one only with `overwrite`. PictureError for such a file, and where the suffix is no picture's.
        """
        if not isinstance(path, str | os.PathLike):
            said = "picture.data are the bytes that file.write(…) takes"
            raise PictureError(f"A picture is saved under a path, and a {type(path).__name__} is none; {said}.")
        try:
            target = Path(path).expanduser()
            if target.is_dir():
                raise PictureError(f"{target} is a folder; give the name of a file in it.")
            own = suffix_of(self.mime_type)
            if not target.suffix:
                target = target.with_name(target.name + own)
            wanted = SAME_SUFFIX.get(target.suffix.lower(), target.suffix.lower())
            data = self.data if wanted == own else _converted(self, wanted, target)
            if not overwrite and not atomic.may_replace(target, data, self.is_known):
                raise no_overwriting(target)
            atomic.write_whole(target, data)
        except (OSError, ValueError, RuntimeError) as error:  # the latter two: a name that no file can have, a home that is not known
            raise PictureError(f"The picture cannot be saved as {os.fsdecode(path)}: {_reason(error)}; give another path.") from None
        return target


def save_all(pictures: Iterable[Picture], targets: Sequence[Path], *, overwrite: bool = False) -> list[Path]:
    """Writes each picture to its path, as Picture.save does; how many of them are conversions is said once."""
    converted = lost = 0
    paths: list[Path] = []
    for picture, target in zip(pictures, targets, strict=True):
        fitting = _fitting(picture, target)
        converted += fitting is not picture
        lost += fitting is not picture and has_credentials(picture.data)
        paths.append(fitting.save(target, overwrite=overwrite))
    if converted:
        bare = f", {lost} of them without their content credentials" if lost else ""
        warn(f"{converted} of {len(paths)} pictures are conversions{bare}; a pattern without a suffix saves the exact bytes.")
    return paths


def _fitting(picture: Picture, target: Path) -> Picture:
    """The picture in the format that the path's suffix names."""
    suffix = SAME_SUFFIX.get(target.suffix.lower(), target.suffix.lower())
    if not suffix or suffix == suffix_of(picture.mime_type):
        return picture
    made = Picture(_encoded_as(picture, suffix, target))
    made.is_known = picture.is_known
    return made


def is_picture(value: object) -> bool:
    """Whether a value stands for one picture, as `Picture.open` takes it, and not for several."""
    kinds = (str, os.PathLike, bytes, bytearray, memoryview, Picture)
    return isinstance(value, kinds) or hasattr(value, "getbands") or callable(getattr(value, "read", None)) or _is_array(value)


def no_overwriting(target: Path) -> PictureError:
    """The error for a file that is there and that no session knows."""
    said = f"{target} is there already, and no session knows it"
    return PictureError(f"{said}: give another name, or overwrite=True to replace it.")


def check_name(path: str | os.PathLike[str] | None) -> None:
    """PictureError for a path that no picture can be saved under, a folder or another suffix, so that none is paid for in vain."""
    from PIL import Image

    target = Path(path or "picture").expanduser()
    known = Image.registered_extensions()
    if target.is_dir() or (target.suffix and known.get(target.suffix.lower()) not in Image.SAVE):
        raise PictureError(f"A picture cannot be saved as {target}; give a file name that ends in .png, .jpg or .webp, or in no suffix.")


def _in_colour(image: Image.Image) -> Image.Image:
    """RGB or RGBA, the latter also where one colour of RGB stands for what is transparent."""
    return image.convert("RGBA") if image.mode == "RGB" and "transparency" in image.info else to_rgb(image)


def _can_be_reduced(image: Image.Image) -> bool:
    """Whether fewer pixels can be made of it before its colours are: a colour that is transparent would be mixed with its neighbours."""
    return image.mode in REDUCED and "transparency" not in image.info


# Reading


def _read_file(source: str | os.PathLike[str]) -> bytes:
    if isinstance(source, str) and is_url(source):
        what = "The data: address" if source[:5].lower() == "data:" else f"The address {source:.80}"
        raise PictureError(f"{what} is not fetched: get the picture, and give its bytes or the path of a file.")
    try:
        data = Path(source).expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError) as error:  # the latter two: a name that no file can have, a home that is not known
        said = f"The picture {os.fsdecode(source)} cannot be read: {_reason(error)}; give the path of a picture file."
        raise PictureError(said) from None
    if not data:
        raise PictureError(f"The picture {os.fsdecode(source)} is an empty file; give the path of a picture file.")
    return data


def _read_open_file(file: Any) -> bytes:
    """The bytes from where an open file stands."""
    try:
        data = file.read()
    except Exception as error:  # whatever the file's own class raises
        raise PictureError(f"The file cannot be read: {_reason(error)}; give the path of a picture file.") from None
    if not isinstance(data, bytes | bytearray | memoryview):
        raise PictureError('The file is open for reading text; open it for bytes: open(path, "rb").')
    if not data:
        raise PictureError("The file is at its end; go to its beginning with seek(0), or give the path.")
    return bytes(data)


def _is_array(value: Any) -> bool:
    """Whether it is an array of one picture's pixels; several stand in one of another number of dimensions."""
    return callable(getattr(value, "__array__", None)) and len(getattr(value, "shape", ())) in (2, 3)


def _of_array(value: Any) -> Image.Image:
    from PIL import Image

    try:
        array = value.__array__()
        kind, shape = str(array.dtype), tuple(array.shape)
    except Exception as error:  # of a library whose arrays lie on a graphics card, for example
        raise PictureError(f"The array cannot be read: {_reason(error)}; give it as numpy's, on the processor.") from None
    if kind not in ("uint8", "bool") or 0 in shape or (len(shape) == 3 and shape[2] not in (1, 3, 4)):
        said = "whole numbers from 0 to 255 (uint8), and the shape (height, width) or (height, width, 3 or 4)"
        raise PictureError(f"An array of {kind} and the shape {shape} is no picture; expected {said}.")
    pixels = array.astype("uint8") * 255 if kind == "bool" else array
    return Image.fromarray(pixels[:, :, 0] if len(shape) == 3 and shape[2] == 1 else pixels)


def _reason(error: Exception) -> str:
    return ((error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__).rstrip(".")


def _checked(data: bytes, name: str) -> Picture:
    if media_type(data) in UNDECODED:
        if not complete(data):
            raise PictureError(f"{name} is truncated: its last part is missing.")
        return Picture(data)
    _decoded(data, name)
    return Picture(data)


class _Quiet:
    """Silences Pillow's warnings about large pictures (it refuses at twice that size) and odd metadata.

    catch_warnings changes the filters of the whole process and restores those that it found, so of several threads the first enters it and
    the last leaves it.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """With nobody inside, as a forked child begins too."""
        self._lock, self._inside, self._filters = threading.Lock(), 0, warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.filterwarnings("ignore", module="PIL")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._filters.__exit__(None, None, None)


_quiet = _Quiet()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_quiet.begin)


def _opened(data: bytes, name: str = "The picture") -> Image.Image:
    from PIL import Image, UnidentifiedImageError

    with _quiet:
        try:
            return Image.open(io.BytesIO(data))
        except UnidentifiedImageError:
            raise PictureError(f"{name} is not a picture that Pillow can read; give a PNG, JPEG or WebP.") from None
        except Image.DecompressionBombError as error:
            raise PictureError(_too_large(name, str(error))) from None
        except Exception as error:  # Pillow's decoders raise whatever their format's code raises
            raise PictureError(f"{name} cannot be opened as a picture: {_reason(error)}.") from None


def _too_large(name: str, said: str) -> str:
    from PIL import Image

    pixels, most = re.search(r"\d{1,18}", said), 2 * (Image.MAX_IMAGE_PIXELS or 0)
    has = f"has {int(pixels[0]) / 1e6:,.0f} megapixels" if pixels else "has too many pixels"
    return f"{name} {has}, and a picture may have {most / 1e6:,.0f}: make it smaller, or cut out the part that matters, and give that."


def _decoded(data: bytes, name: str) -> Image.Image:
    image = _opened(data, name)
    with _quiet:
        try:
            image.load()
        except Exception as error:
            raise PictureError(f"{name} is truncated or damaged: {_reason(error)}.") from None
    return image


def _turn_of(data: bytes) -> int:
    if not has_exif(data):  # decoding costs far more
        return 1
    try:
        with _opened(data) as image, _quiet:
            found = image.getexif().get(ORIENTATION)
    except Exception:  # metadata that cannot be read turns nothing
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


JPEG_END = b"\xff\xd9"
JPEG_FILLERS = (b"", b"\x5a\xa5\x3c\x96" * 64)


def decodes(data: bytes) -> bool:
    """Whether all pixels are there, though the container's end may be missing. Of a JPEG a decoder makes up what is missing: its pixels are
    all there where they do not depend on what follows.
    """
    try:
        if media_type(data) == "image/jpeg":
            one, other = (_decoded(data + filler + JPEG_END, "It").tobytes() for filler in JPEG_FILLERS)
            return one == other
        _decoded(data, "It")
    except PictureError:
        return False
    return True


def _pillow_type(data: bytes) -> str | None:
    from PIL.ImageFile import ImageFile

    try:
        with _opened(data) as image:
            return image.get_format_mimetype() if isinstance(image, ImageFile) else None
    except PictureError:
        return None


# Converting


def _of_pillow(image: Image.Image) -> bytes:
    try:
        return _encoded(_upright(image.copy()), "PNG")
    except Exception as error:  # read from a file that is damaged, closed, of no pixels at all
        raise PictureError(f"The PIL image cannot be read: {_reason(error)}; give another one.") from None


def _upright(image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    with _quiet, suppress(Exception):  # an orientation that cannot be read counts as none
        ImageOps.exif_transpose(image, in_place=True)
    return image


def to_rgb(image: Image.Image) -> Image.Image:
    """A PIL image as RGB or RGBA, with the colours that it shows. Pillow's own errors where it cannot be converted."""
    if image.mode in ("RGB", "RGBA"):
        return image
    with _quiet:
        if image.mode.startswith(("I", "F")):
            image = _eight_bits(image)
        if image.mode not in ("P", "PA", "RGBX"):
            image.info.pop("icc_profile", None)  # it describes greys or inks, not what they become
        transparent = "A" in image.getbands() or "transparency" in image.info
        return image.convert("RGBA" if transparent else "RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Greys of more than 8 bits, scaled; Pillow would cut them off at 255, which is white."""
    high: Any = 65535 if image.mode.startswith("I;16") else image.getextrema()[1]  # a number: there is one band
    top = next((t for t in (1, 255, 65535) if high <= t), high)
    if image.mode not in ("I;16", "I", "F"):
        image = image.convert("I")
    return image.convert("F").point(lambda value: value * (255 / top) + 0).convert("L")


def _on_white(image: Image.Image) -> Image.Image:
    from PIL import Image

    ground = Image.new("RGBA", image.size, "white")
    ground.alpha_composite(image)
    return ground.convert("RGB")


def _encoded(image: Image.Image, kind: str) -> bytes:
    """The file's bytes; what is transparent becomes white where the type knows no transparency."""
    buffer = io.BytesIO()
    with _quiet:
        image = to_rgb(image)
        (_on_white(image) if image.mode == "RGBA" and kind in OPAQUE else image).save(buffer, kind, **QUALITY.get(kind, {}))
    return buffer.getvalue()


def _converted(picture: Picture, suffix: str, target: Path) -> bytes:
    """The picture as that suffix has it, which is said."""
    own = suffix_of(picture.mime_type)
    data = _encoded_as(picture, suffix, target)
    lost = ", without its content credentials" if has_credentials(picture.data) else ""
    warn(f"{target.name} is a conversion of {picture.mime_type}{lost}; save with {own} for the exact bytes.")
    return data


def _encoded_as(picture: Picture, suffix: str, target: Path) -> bytes:
    from PIL import Image

    kind = Image.registered_extensions().get(suffix)
    own = suffix_of(picture.mime_type)
    if kind is None or kind not in Image.SAVE:
        raise PictureError(f"{target.name} has the suffix {suffix}, which is no picture's; use {own} for the exact bytes.")
    try:
        return _encoded(picture.image, kind)
    except PromptkitError:
        raise
    except Exception as error:  # Pillow's encoders raise whatever their format's code raises
        raise PictureError(f"The picture cannot be converted for {target.name}: {_reason(error)}; use {own}.") from None
