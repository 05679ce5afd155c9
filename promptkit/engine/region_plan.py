"""A step that edits a region: what of the base it edits, how that is asked for, and what its record holds of it.

The request shows a cut of the base and says so; the answer is laid into the base. A request is known by the base, the box or the mask, and
the rule by which the cut follows from them, never by the cut's own bytes, which depend on who encodes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from promptkit.errors import LineageError, PromptkitError, ProviderError, warn
from promptkit.images.picture import Picture
from promptkit.images.region import RULE, Cut, Region, cut_around, cut_out, is_too_small, region_in, scaled
from promptkit.images.still import pillow_version, refuse_unworkable, still_of
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.providers import models
from promptkit.providers.message import InputPicture, Reply

__all__ = ["RegionEdit", "SentCut", "kept_answers", "laid_into_base", "planned_region", "recorded_region"]


@dataclass(frozen=True)
class _Phrases:
    """How a language says that a picture is a detail, and which part of it is to be changed."""

    before: str
    after: str


PHRASES = {
    "en": _Phrases(
        "This picture is a detail of a larger picture, and will be set into it again.",
        "Change only what lies between {left}% and {right}% of its width and between {top}% and {bottom}% of its height. Keep all the "
        "rest, above all along the edges, exactly as it is: framing, position, size, light, colours and grain.",
    ),
    "es": _Phrases(
        "Esta imagen es un detalle de una imagen más grande, en la que volverá a encajar.",
        "Cambia solo lo que está entre el {left}% y el {right}% de su ancho y entre el {top}% y el {bottom}% de su alto. Deja todo lo "
        "demás, sobre todo los bordes, exactamente igual: encuadre, posición, tamaño, luz, colores y grano.",
    ),
    "ja": _Phrases(
        "この画像は、より大きな画像の一部分で、後で元の位置に戻します。",
        "変えるのは、幅の{left}%から{right}%、高さの{top}%から{bottom}%の範囲だけにしてください。それ以外、特に縁の部分は、"
        "構図、位置、大きさ、光、色、粒状感まで、すべて元のままにしてください。",
    ),
    "zh": _Phrases(
        "这张图片是一张更大图片的局部，之后会拼回原处。",
        "只修改宽度{left}%到{right}%、高度{top}%到{bottom}%之间的部分。其余部分，尤其是边缘，请与原图保持完全一致："
        "构图、位置、大小、光线、颜色和颗粒感都不变。",
    ),
    "hi": _Phrases(
        "यह तस्वीर एक बड़ी तस्वीर का एक हिस्सा है और बाद में उसी में वापस बैठाई जाएगी।",
        "सिर्फ़ वही बदलें जो चौड़ाई के {left}% से {right}% और ऊँचाई के {top}% से {bottom}% के बीच है। बाकी सब कुछ, खासकर किनारे, "
        "बिल्कुल वैसा ही रखें: फ़्रेमिंग, स्थिति, आकार, रोशनी, रंग और दाने।",
    ),
}


@dataclass(frozen=True)
class RegionEdit:
    """A region of the picture that a step edits."""

    region: Region
    base: Picture

    @property
    def recipe(self) -> dict[str, Any]:
        """What a step's recipe holds of it, beside the base."""
        mask = self.region.mask
        return {"rule": RULE, "mask": mask.sha256} if mask else {"rule": RULE, "box": list(self.region.box)}

    def sent(self, model: str) -> SentCut:
        """The cut as that model is sent it. PictureError where the base cannot be decoded."""
        cut = cut_around(self.region, _ratios(model))
        return SentCut(self, cut, cut_out(still_of(self.base), cut))


def planned_region(given: object, base: Picture) -> RegionEdit | None:
    """The region of the base that a caller gives; None, which is said, for a base that is too small and is edited whole.

    PictureError where it is no region of the base, or the base's pixels cannot be worked on.
    """
    refuse_unworkable(base)
    size = base.seen_size
    assert size is not None, "Pillow has read its header"
    if is_too_small(size):
        warn(f"The picture has {size[0]}×{size[1]} pixels, too few for a region with a margin: it is edited whole.")
        return None
    return RegionEdit(region_in(given, size), base)


def recorded_region(lineage: Lineage, record: Record, base: Picture | None = None) -> RegionEdit | None:
    """The region that a step edited; in another picture in its place, the same part of that. None where it had none."""
    fields = record.region
    if fields is None:
        return None
    mask = Picture(lineage.kept(fields.mask)) if fields.mask else None
    region = Region(fields.size, fields.box, mask)
    if base is None:
        return RegionEdit(region, lineage.source(record.sources[0]))
    refuse_unworkable(base)
    size = base.seen_size or fields.size
    return RegionEdit(region if size == fields.size else scaled(region, size), base)


def _ratios(model: str) -> Sequence[str]:
    """Those that the model has; of one that is not known, those of the default one."""
    for name in (model, models.default_model()):
        if (known := models.known_model(name)) and known.ratios:
            return known.ratios
    return ("1:1",)


# One request


@dataclass(frozen=True)
class SentCut:
    """The cut of a region that one request shows."""

    edit: RegionEdit
    cut: Cut
    picture: Picture

    def words(self, prompt: str, lang: str) -> str:
        """The prompt as it is asked: that the picture is a detail, and which part of it is to be changed."""
        phrases = PHRASES.get(lang.replace("_", "-").split("-")[0].lower(), PHRASES["en"])
        return "\n\n".join([phrases.before, prompt.strip(), phrases.after.format_map(self._shares())])

    def _shares(self) -> dict[str, int]:
        """Where the region lies in the cut, in hundredths."""
        x, y = self.cut.box[:2]
        wide, high = self.cut.size
        left, top, right, bottom = self.edit.region.box
        sides = {"left": (left - x) / wide, "right": (right - x) / wide, "top": (top - y) / high, "bottom": (bottom - y) / high}
        return {name: round(100 * share) for name, share in sides.items()}

    def pictures(self, planned: Sequence[InputPicture]) -> tuple[InputPicture, ...]:
        """The pictures of the request: the cut stands for the base."""
        return tuple(replace(p, picture=self.picture) if p.role == "base" else p for p in planned)

    def keep(self, lineage: Lineage) -> list[str]:
        """Puts the cut and the mask beside the records; returns their sha256."""
        mask = self.edit.region.mask
        return [lineage.keep_extra(p.data) for p in (self.picture, mask) if p is not None]

    def fields(self) -> dict[str, Any]:
        """What the record holds of the region and of the cut."""
        region, cut = self.edit.region, self.cut
        sent = {"box": list(cut.box), "ratio": cut.ratio, "sha256": self.picture.sha256, "size": list(cut.sent)}
        mask = region.mask.sha256 if region.mask else None
        box, size = list(region.box), list(region.size)
        return {"box": box, "size": size, "mask": mask, "rule": RULE, "cut": sent, "answers": [], "pillow": pillow_version()}


@dataclass(frozen=True)
class LaidIn:
    """A reply whose pictures were laid into the base: `answers` is what the record holds of each, `warnings` what a person should know."""

    reply: Reply
    answers: tuple[Mapping[str, Any], ...]
    warnings: tuple[str, ...]


def laid_into_base(sent: SentCut, reply: Reply, left: Sequence[Picture]) -> LaidIn:
    """Each picture of a reply laid into the base; those that are `left`, for which there was no room, stay behind them. An answer that
    cannot be laid in is an error of the service's.
    """
    try:
        done = [_laid_in(sent, picture) for picture in reply.pictures]
    except Exception as error:  # whatever Pillow's decoders raise: what was paid for is recorded
        return LaidIn(_not_fitted(reply, error), (), ())
    pictures = (*(picture for picture, _, _ in done), *left)
    warnings = tuple(dict.fromkeys(said for *_, all_said in done for said in all_said))
    return LaidIn(replace(reply, pictures=pictures), tuple(fields for _, fields, _ in done), warnings)


def kept_answers(pictures: Sequence[Picture], lineage: Lineage) -> tuple[list[str], list[Picture]]:
    """Puts a service's pictures beside the records, byte for byte: their sha256, and those for which there was no room."""
    kept: list[str] = []
    left: list[Picture] = []
    for picture in pictures:
        try:
            kept.append(lineage.keep_extra(picture.data))
        except LineageError:
            left.append(picture)
    return kept, left


def _laid_in(sent: SentCut, answer: Picture) -> tuple[Picture, dict[str, Any], list[str]]:
    from promptkit.images.region_fit import laid_in, measured
    still, region = still_of(sent.edit.base), sent.edit.region
    fit, warnings = measured(still, region, sent.cut, answer)
    size = list(answer.size) if answer.size else None
    fields = {"sha256": answer.sha256, "mime_type": answer.mime_type, "size": size, **fit.to_fields()}
    return laid_in(still, region, sent.cut, answer, fit), fields, warnings


def _not_fitted(reply: Reply, error: Exception) -> Reply:
    why = str(error).rstrip(".") if isinstance(error, PromptkitError) else type(error).__name__
    said = f"The answer could not be laid into the picture ({why}); what came is kept in the session's folder, in extra/."
    failed = ProviderError(said, status=reply.status or 0, message=said)
    return replace(reply, outcome="error", pictures=(), reason="NOT_FITTED", message=said, error=failed)
