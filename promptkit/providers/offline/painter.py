"""Draws drafts: the creatures, things, colours and lettering that the words of a prompt name, or a change to a given picture.

Whatever the words leave open is drawn from a digest, so equal requests give equal bytes. Sizes are in pixels, (width, height); figures are
drawn in units of their own, from -1 to 1 around their middle, at twice the size and then reduced: Pillow's edges are not smooth.
"""

from __future__ import annotations

import io
import math
import os
import random
import re
import threading
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from promptkit.providers.offline.detail import Detail, detail_in

if TYPE_CHECKING:  # Pillow is imported where a picture is made, so that importing the service stays cheap
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

__all__ = ["QUOTED", "Size", "Unreadable", "Words", "fold", "paint", "size_of"]

Size = tuple[int, int]
RGB = tuple[int, int, int]
Colours = Mapping[str, RGB]
WHITE: RGB = (255, 255, 255)
NIGHT: RGB = (24, 30, 66)
LARGEST = 20_000_000  # pixels; the real services' 4K pictures stay below
WORK = 1_100_000  # pixels; a larger new picture is painted this large and scaled up: it is a draft
ONE_AT_A_TIME = threading.Lock()  # what catches warnings is not for several threads at once

if hasattr(os, "register_at_fork"):  # a fork waits for who paints just now, so that its child finds nobody painting
    os.register_at_fork(before=ONE_AT_A_TIME.acquire, after_in_parent=ONE_AT_A_TIME.release, after_in_child=ONE_AT_A_TIME.release)

QUOTED = re.compile(
    r"""(?<!=)(?:“([^”\n]{1,60})”|«([^»\n]{1,60})»|「([^」\n]{1,60})」|『([^』\n]{1,60})』|‘([^’\n]{1,60})’"""
    r"""|"([^"\n]{1,60})"|(?<![A-Za-z])'([^'\n]{1,60})'(?![A-Za-z]))(?!\s*:)"""
)


class Unreadable(ValueError):
    """Bytes that hold no picture, or only half of one."""


# What the words mean


def fold(text: str) -> str:
    """`text` without what spelling leaves open: case, width, Latin accents, the composition of Devanagari."""
    apart = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", apart))


@dataclass(frozen=True)
class Words:
    """A table of words (`_` for a space): whole ones, or with a plural s, where spaces part them; in Han and kana any part of a text."""

    table: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What finds the words, longest first, in a folded text."""
        every = sorted({re.escape(w.replace("_", " ")) for w in fold(self.table).split()}, key=lambda w: (-len(w), w))
        spaced = [w for w in every if re.match("[a-z\u0900-\u097f]", w)]
        letter = "[a-z0-9\u0900-\u0963\u0966-\u097f]"
        whole = [f"(?<!{letter})(?:{'|'.join(spaced)})s?(?!{letter})"] if spaced else []
        return re.compile("|".join(whole + [w for w in every if w not in spaced]))

    def within(self, text: str) -> list[str]:
        """The words that a text holds, in its order."""
        return self.pattern.findall(fold(text))


def _table(rows: Mapping[str, str]) -> dict[str, Words]:
    return {key: Words(words) for key, words in rows.items()}


def _spans(table: Mapping[str, Words], text: str) -> list[tuple[int, int, str]]:
    """Where a folded text names which entry, in its order."""
    return sorted((*m.span(), key) for key, words in table.items() for m in words.pattern.finditer(text))


COLOURS = _table(
    {
        "#e5484d": "red crimson scarlet rojo roja 赤 红 紅 लाल",
        "#f28c38": "orange naranja anaranjado 橙 オレンジ नारंगी",
        "#f5c542": "yellow golden gold amarillo amarilla dorado dorada 黄 金色 पीला पीली पीले सुनहरा सुनहरी",
        "#4fae6b": "green verde 緑 绿 綠 हरा हरी हरे",
        "#3f7fd9": "blue azul azules 青 蓝 藍 नीला नीली नीले",
        "#35b0ab": "teal turquoise cyan turquesa 水色 ターコイズ 青绿 फ़िरोज़ी",
        "#8e5bd0": "purple violet lavender morado morada violeta 紫 बैंगनी",
        "#f28bb0": "pink rosa rosado ピンク 桃色 粉色 粉红 गुलाबी",
        "#8b5e3c": "brown marron 茶色 棕 褐 भूरा भूरी भूरे",
        "#2b2b33": "black negro negra 黒 黑 काला काली काले",
        "#ffffff": "white blanco blanca 白 सफ़ेद",
        "#9aa0a8": "gray grey silver gris plateado 灰 グレー 銀 银 स्लेटी",
        "#f4e3c8": "beige cream crema ベージュ 米色",
    }
)
# For prompts that name no colour: two accents, a paper, an ink.
PALETTES = (
    "#ff8a5b #3aa6a0 #fff1e0 #3b2c3f",
    "#5b8def #ffb84d #eef4ff #27304a",
    "#e56b8c #6fbf8b #fdeef2 #40283a",
    "#8a6fd1 #f2c14e #f3effc #2f2850",
    "#4fa37a #f28c6a #eef7ee #23402f",
    "#e0a030 #4d7ea8 #fdf6e3 #3d3325",
)
# Ears, mouth, markings, coat and second colour of each creature. A panda is looked for before a bear: 熊猫 holds 熊.
BEASTS = _table(
    {
        "point muzzle brows #c9602f #fff1df": "red_panda panda_rojo レッサーパンダ 小熊猫 红熊猫 लाल_पांडा",
        "round muzzle patches #fbfaf6 #33313b": "panda パンダ 熊猫 पांडा",
        "large smile plain #9aa3ad #eef0f2": "koala elephant mouse hamster elefante raton コアラ ゾウ ネズミ 考拉 大象 老鼠 仓鼠 हाथी चूहा",
        "round muzzle plain #b27a4a #f3dcc0": "bear teddy oso osito クマ くま 熊 भालू",
        "bumps grin plain #6fbf5e #e6f5c9": "frog rana カエル 青蛙 मेंढक",
        "none beak mask #47566e #fbf6ec": "owl penguin buho pinguino フクロウ ペンギン 猫头鹰 企鹅 उल्लू पेंगुइन",
        "none beak plain #f7cf4f #fff3c9": "bird chick duck pajaro pato pollito 鳥 ひよこ 鸟 鸭 小鸡 चिड़िया पक्षी बतख",
        "point smile stripes #f0a860 #fff3e4": "cat kitten kitty gato gata gatito 猫 ねこ ネコ 貓 बिल्ली",
        "round muzzle stripes #f29b3f #fff4e2": "tiger tigre トラ 虎 बाघ",
        "round muzzle mane #f0b955 #fff0d6": "lion leon ライオン 狮 शेर",
        "point smile mask #ea7a3c #fff6ec": "fox wolf zorro lobo キツネ 狐 狼 लोमड़ी भेड़िया",
        "flop muzzle plain #d9a566 #fff4e3": "dog puppy perro perrito 犬 いぬ イヌ 狗 कुत्ता",
        "flop snout plain #f6a9b8 #fbd3da": "pig piglet cerdo cerdito ブタ 豚 猪 豬 सूअर",
        "long smile plain #f4ede6 #f7b6c2": "rabbit bunny conejo うさぎ ウサギ 兔 खरगोश",
        "tall smile wool #fbf5ea #f6dcc8": "alpaca llama sheep lamb oveja アルパカ 羊 羊驼 羊駝 ひつじ अल्पाका अलपाका भेड़",
        "tall smile horn #f6f0fb #f5c6dc": "unicorn horse unicornio caballo ユニコーン 馬 独角兽 马 घोड़ा",
        "bumps smile plain #7fb8a4 #f0f7ea": "animal creature monster robot mascot dragon mascota criatura 動物 怪獣 动物 怪物 जानवर",
    }
)
THINGS = _table(
    {
        "hat": "hat cap crown gorro sombrero corona 帽子 帽 王冠 टोपी",
        "bamboo": "bamboo bambu 竹 बाँस",
        "moon": "moon luna 月 चाँद",
        "flower": "flower rose flor flores 花 फूल",
        "heart": "heart love corazon ハート 心 दिल",
        "star": "star estrella 星 तारा तारे",
        "cup": "coffee cup tea cafe taza コーヒー 咖啡 茶碗 茶杯 चाय कॉफ़ी",
        "tree": "tree arbol 木 树 पेड़",
    }
)
# What an edit does: the word that comes first decides.
EDITS = _table(
    {
        "add": """add put place give insert wear wearing beside agrega agregar anade anadir pon ponle ponga coloca coloque
        添加 加 放 戴 追加 足し 置 かぶ 乗せ जोड़ो जोड़ें जोड़ जोड़िए लगाओ लगाएँ रखें रखो पहनाओ पहनाएँ""",
        "remove": """remove erase delete take_away quita quitar elimina eliminar borra borrar
        移除 删除 去掉 去除 擦除 消し 消す 削除 取り除 हटाओ हटाएँ हटा मिटाओ मिटाएँ मिटा""",
        "ground": "background backdrop fondo 背景 पृष्ठभूमि बैकग्राउंड",
        "style": """style woodblock ukiyo-e watercolor watercolour sketch pencil pixel painting cartoon anime estilo acuarela boceto
        xilografia 風 スタイル 浮世絵 水彩 版画 スケッチ 风格 水墨 素描 像素 शैली जलरंग""",
        "night": "night nighttime midnight dark noche nocturno nocturna oscuro 夜 晚 रात",
    }
)
LOOKS = _table(
    {
        "wash": "watercolor watercolour acuarela 水彩 水墨 जलरंग",
        "pencil": "sketch pencil charcoal boceto lapiz スケッチ 鉛筆 素描 铅笔 रेखाचित्र",
        "pixels": "pixel lego minecraft ピクセル ドット 像素 पिक्सेल",
        "print": "woodblock ukiyo-e print poster comic cartoon anime xilografia 浮世絵 浮世绘 版画 漫画 アニメ 动漫",
    }
)
STICKER = Words("sticker pegatina calcomania ステッカー シール 贴纸 貼紙 स्टिकर")
LOGO = Words("logo emblem icon badge logotipo icono insignia ロゴ アイコン 标志 徽标 图标 लोगो चिह्न आइकन")
PERSON = Words(
    """portrait person people man woman girl boy child artist chef ceramicist retrato persona hombre mujer chica nina nino anciano 肖像 人物
    ポートレート 男性 女性 女の子 少年 少女 陶芸家 男人 女人 男孩 女孩 老人 व्यक्ति आदमी औरत महिला लड़का लड़की"""
)
SCENE = Words(
    """photo photograph photorealistic scene landscape forest mountain hill beach sea garden sunset sunrise meadow valley city sky park
    foto fotografia escena paisaje bosque montana playa mar jardin atardecer ciudad cielo 写真
    風景 森 山 海 空 街 夕日 照片 风景 场景 天空 城市 日落 दृश्य जंगल पहाड़ समुद्र बगीचा शहर सूर्यास्त फोटो"""
)
WHITE_GROUND = re.compile(
    "white background|background[a-z ]{0,24} white|fondo[a-z ]{0,16} blanco|背景[^。、,;]{0,4}白色?い?|白色?い?の?背景"
    + fold("|सफ़ेद (?:पृष्ठभूमि|बैकग्राउंड)|(?:पृष्ठभूमि|बैकग्राउंड)[^।,]{0,12}सफ़ेद")
)
KEPT = re.compile(  # in a clause, what should stay as it is names no change
    r"\b(?:keep|preserv|ensur|maintain|match|without chang|do not|don't|manten|conserv|sin cambi).*"
    r"|\A.*(?:保持|不变|そのまま|維持|変えず|बनाए रख).*"
)

# Figures as rows of: shape, numbers, colour; `+` gives it an outline, a leading 2 its mirror image. oval: x y rx ry; arc: x y rx ry from to
# in degrees; poly: points.
PARTS = {
    "body": """oval .5 .62 .2 .15 coat+; 2oval .26 .93 .19 .12 limb+; oval 0 .6 .44 .42 coat+; oval 0 .7 .27 .26 belly;
        2oval .4 .55 .12 .2 limb+; poly -.33 .27 .33 .27 .24 .4 0 .44 -.24 .4 scarf+; poly .1 .36 .3 .36 .3 .66 .14 .6 scarf+""",
    "head": "oval 0 -.25 .64 .55 coat+",
    "cheeks": "2oval .43 -.08 .12 .075 cheek",
    "awake": "2oval .25 -.23 .085 .105 eye; oval -.22 -.27 .032 .036 white; oval .28 -.27 .032 .036 white",
    "glad": "2arc .25 -.2 .085 .09 190 350 eye",
    "round": "2oval .46 -.68 .2 .2 ear+; 2oval .46 -.66 .11 .12 inner",
    "large": "2oval .6 -.58 .3 .3 coat+; 2oval .6 -.56 .17 .18 inner",
    "long": "2oval .24 -.95 .14 .34 coat+; 2oval .24 -.93 .08 .2 inner",
    "tall": "2oval .4 -.8 .1 .24 coat+; 2oval .4 -.78 .055 .14 inner",
    "point": "2poly .62 -.4 .6 -1 .16 -.74 coat+; 2poly .54 -.55 .54 -.86 .3 -.72 inner",
    "bumps": "2oval .32 -.7 .17 .17 coat+",
    "flop over": "2oval .6 -.3 .14 .3 dark+",
    "patches": "2oval .28 -.2 .17 .19 second",
    "brows": "2oval .28 -.47 .12 .07 second; 2oval .42 -.04 .17 .14 second",
    "mask": "2oval .27 -.06 .27 .22 second",
    "mane behind": "oval 0 -.25 .8 .72 dark+",
    "wool": "2oval .26 -.66 .17 .15 pale; 2oval .1 -.78 .17 .15 pale; oval 0 -.66 .17 .15 pale",
    "horn": "poly -.08 -.72 0 -1.12 .08 -.72 #fad678+",
    "stripes": "poly -.03 -.72 .03 -.72 0 -.5 dark; 2poly .11 -.72 .17 -.72 .13 -.54 dark",
    "smile": "oval 0 -.1 .075 .055 ink; 2arc .07 -.03 .07 .075 10 170 ink",
    "muzzle": "oval 0 -.02 .25 .18 pale; oval 0 -.1 .075 .055 ink; 2arc .07 -.03 .07 .075 10 170 ink",
    "snout": "oval 0 -.02 .25 .18 inner+; 2oval .08 -.03 .035 .06 ink; arc 0 .16 .12 .1 20 160 ink",
    "beak": "poly -.13 -.1 .13 -.1 0 .08 #f49632+",
    "grin": "arc 0 -.12 .3 .2 20 160 ink",
    "person": """oval 0 -.3 .5 .56 hair+; oval 0 1.1 .95 .75 first+; poly -.42 .5 .42 .5 .55 1.5 -.55 1.5 second+; oval 0 .32 .17 .24 shade;
        oval 0 -.16 .4 .46 skin+; oval 0 -.53 .37 .19 hair; 2oval .26 0 .09 .06 cheek; 2arc .17 -.13 .07 .06 190 350 ink;
        arc 0 .06 .13 .09 20 160 ink""",
    "emblem": "oval 0 0 1 1 first; oval 0 0 .9 .9 white; oval 0 0 .84 .84 tint",
    "hat": "oval 0 .3 .9 .16 first+; poly -.75 .3 0 -.35 .75 .3 first+; poly -.36 .28 0 -.3 -.3 .28 ink; poly .36 .28 0 -.3 .3 .28 ink",
    "bamboo": """oval 0 .75 .09 .26 #70b25c+; oval 0 .25 .09 .26 #70b25c+; oval 0 -.25 .09 .26 #70b25c+; oval 0 -.72 .09 .24 #70b25c+;
        poly 0 -.5 .3 -.78 .62 -.72 .34 -.54 #549c54+; poly 0 -.05 -.3 -.33 -.62 -.27 -.34 -.09 #549c54+""",
    "moon": """poly .57 .57 .4 .69 .21 .77 0 .8 -.21 .77 -.4 .69 -.57 .57 -.69 .4 -.77 .21 -.8 0 -.77 -.21 -.69 -.4 -.57 -.57 -.4 -.69
        -.21 -.77 0 -.8 .21 -.77 .4 -.69 .57 -.57 .34 -.59 .14 -.59 -.06 -.52 -.22 -.39 -.32 -.21 -.36 0 -.32 .21 -.22 .39 -.06 .52
        .14 .59 .34 .59 #fce6a0+""",
    "flower": """poly -.03 0 .04 0 .08 .95 .01 .95 #58966c+; oval .26 .68 .2 .09 #58966c+; oval 0 -.6 .3 .3 first+;
        2oval .38 -.32 .3 .3 first+; 2oval .24 .12 .3 .3 first+; oval 0 -.2 .22 .22 #fad05a+""",
    "heart": """2oval .42 -.25 .46 .46 first+; poly -.757 .039 .757 .039 0 .92 first+; 2oval .42 -.25 .425 .425 first;
        poly -.744 .028 -.3 -.25 .3 -.25 .744 .028 0 .893 first; oval -.5 -.35 .14 .1 tint""",
    "star": "poly 0 -.9 .24 -.32 .86 -.28 .38 .12 .53 .73 0 .4 -.53 .73 -.38 .12 -.86 -.28 -.24 -.32 first+",
    "cup": """oval .55 .2 .26 .22 ink; oval .55 .2 .16 .12 white; poly -.6 -.2 .6 -.2 .42 .7 -.42 .7 first+;
        oval 0 -.2 .6 .14 #5c3c2c+; 2arc .16 -.6 .07 .2 110 250 ink""",
    "tree": """poly -.09 .9 .09 .9 .06 .2 -.06 .2 #7a543c+; 2oval .34 .05 .38 .38 #60a462+;
        oval 0 -.36 .46 .46 #60a462+; 2oval .3 .1 .3 .26 #60a462""",
}


def _rgb(code: str) -> RGB:
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def _mix(one: RGB, other: RGB, part: float) -> RGB:
    r, g, b = (round(a + (z - a) * part) for a, z in zip(one, other, strict=True))
    return r, g, b


class Plan:
    """What the words ask for; what they leave open, the dice decide."""

    def __init__(self, prompt: str, digest: bytes, *, is_detail: bool = False) -> None:
        self.is_detail = is_detail
        self.dice = random.Random(digest)  # noqa: S311, for drawing and not for secrets
        self.lettering = next((w.strip() for found in QUOTED.findall(prompt) for w in found if re.fullmatch(r"\s*[^{}=<>\\]{1,40}", w)), "")
        text = fold(QUOTED.sub(" ", prompt))
        self.white = bool(WHITE_GROUND.search(text))
        self.text = WHITE_GROUND.sub(" ", text)
        self.beast = next((key for key, words in BEASTS.items() if words.pattern.search(self.text)), "")
        spare = BEASTS[self.beast].pattern.sub(" ", self.text) if self.beast else self.text  # a red panda is not red
        self.named = [_rgb(key) for key in dict.fromkeys(key for *_, key in _spans(COLOURS, spare))]
        *accents, self.paper, self.ink = map(_rgb, self.dice.choice(PALETTES).split())
        self.first, self.second = [*self.named, *accents][:2]
        self.things = list(dict.fromkeys(key for *_, key in _spans(THINGS, self.text)))

    def says(self, words: Words) -> bool:
        """Whether the prompt, lettering apart, holds one of the words."""
        return bool(words.pattern.search(self.text))

    @cached_property
    def coat(self) -> RGB:
        """The colour that stands beside the creature's name, or the one that it has by nature."""
        found = BEASTS[self.beast].pattern.search(self.text) if self.beast else None
        if not found:
            return self.first
        start, end = found.span()
        near = _spans(COLOURS, self.text[max(0, start - 14) : start]) or _spans(COLOURS, self.text[end : end + 10])
        return _rgb(near[-1][2] if near else self.beast.split()[3])

    @cached_property
    def colours(self) -> Colours:
        """What the colour names in PARTS stand for."""
        return {
            "first": self.first,
            "second": _mix(self.second, WHITE, 0.2),
            "ink": _mix(self.ink, (40, 28, 44), 0.3),
            "tint": _mix(self.first, WHITE, 0.82),
            "white": WHITE,
        }


# Figures


@dataclass(frozen=True)
class Brush:
    """Draws on a sheet where (0, 0) is at (x, y) and one is `unit` long, both in pixels; `side` -1 looks the other way."""

    draw: ImageDraw
    x: float
    y: float
    unit: float
    side: int = 1

    def at(self, x: float, y: float, size: float) -> Brush:
        """A brush for a figure within the figure."""
        return Brush(self.draw, self.x + x * self.unit * self.side, self.y + y * self.unit, self.unit * size, self.side)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: RGB | int, ink: RGB | None = None) -> None:
        """An ellipse around (x, y)."""
        mx, my, u = self.x + x * self.unit * self.side, self.y + y * self.unit, self.unit
        self.draw.ellipse((mx - rx * u, my - ry * u, mx + rx * u, my + ry * u), fill, ink, round(0.035 * u) if ink else 0)

    def poly(self, numbers: Sequence[float], fill: RGB, ink: RGB | None = None) -> None:
        """A polygon of x, y, x, y …"""
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        self.draw.polygon([(self.x + x * self.unit * self.side, self.y + y * self.unit) for x, y in points], fill)
        if ink:
            self.line([*points, points[0]], ink)

    def line(self, points: Sequence[tuple[float, float]], ink: RGB | int, width: float = 0.035) -> None:
        """A line of `width` with round joints and ends."""
        path = [(self.x + x * self.unit * self.side, self.y + y * self.unit) for x, y in points]
        self.draw.line(path, ink, max(1, round(width * self.unit)), joint="curve")
        for x, y in (points[0], points[-1]):
            self.oval(x, y, width / 2, width / 2, ink)

    def arc(self, x: float, y: float, rx: float, ry: float, start: float, end: float, ink: RGB, width: float = 0.035) -> None:
        """A part of an ellipse's edge, from `start` to `end` in degrees."""
        turns = [math.radians(start + (end - start) * n / 12) for n in range(13)]
        self.line([(x + rx * math.cos(a), y + ry * math.sin(a)) for a in turns], ink, width)

    def parts(self, rows: str, colours: Colours) -> None:
        """A figure of PARTS."""
        for row in filter(None, map(str.split, rows.split(";"))):
            kind, numbers, name = row[0], [float(n) for n in row[1:-1]], row[-1].rstrip("+")
            fill = _rgb(name) if name.startswith("#") else colours[name]
            ink = colours["ink"] if row[-1].endswith("+") else None
            self._part(kind.lstrip("2"), numbers, fill, ink)
            if kind.startswith("2"):
                Brush(self.draw, self.x, self.y, self.unit, -self.side)._part(kind[1:], numbers, fill, ink)

    def _part(self, kind: str, numbers: list[float], fill: RGB, ink: RGB | None) -> None:
        if kind == "oval":
            x, y, rx, ry = numbers
            self.oval(x, y, rx, ry, fill, ink)
        elif kind == "arc":
            x, y, rx, ry, start, end = numbers
            self.arc(x, y, rx, ry, start, end, fill)
        else:
            self.poly(numbers, fill, ink)


Drawing = Callable[[Brush], None]


def _stamp(image: Image, x: float, y: float, unit: float, drawing: Drawing, rim: bool = False) -> None:
    """Draws around (x, y); with `rim` it lies there as a die-cut sticker, white-edged, with a shadow."""
    from PIL import Image, ImageDraw

    half = max(2, math.ceil(unit * 1.35))
    sheet = Image.new("RGBA", (4 * half, 4 * half))
    drawing(Brush(ImageDraw.Draw(sheet), 2 * half, 2 * half, 2 * unit))
    sheet = sheet.reduce(2)
    left, top = round(x) - half, round(y) - half
    if rim:
        edge = _grown(sheet.getchannel("A"), 0.05 * unit)
        image.paste((40, 34, 60), (left, top + max(1, round(0.03 * unit))), edge.point([v * 2 // 7 for v in range(256)]))
        image.paste(WHITE, (left, top), edge)
    image.paste(sheet, (left, top), sheet)


def _overlay(image: Image, drawing: Drawing) -> None:
    """Draws over the whole picture; one is half of its shorter side."""
    from PIL import Image, ImageDraw

    times = 2 if image.width * image.height < 4 * WORK else 1  # a 4K picture is smooth enough, and large enough
    sheet = Image.new("RGBA", (times * image.width, times * image.height))
    drawing(Brush(ImageDraw.Draw(sheet), sheet.width / 2, sheet.height / 2, min(sheet.size) / 2))
    sheet = sheet.reduce(times)
    image.paste(sheet, (0, 0), sheet)


def _grown(mask: Image, radius: float) -> Image:
    """The mask, larger by about `radius` pixels on each side, with smooth edges."""
    from PIL import ImageFilter

    small = mask.reduce(2).filter(ImageFilter.GaussianBlur(max(0.5, radius * 0.375)))
    return small.resize(mask.size).point([min(255, max(0, (v - 30) * 10)) for v in range(256)])


def _creature(plan: Plan) -> Drawing:
    """The creature that the prompt names, sitting, in a scarf of the colour to spare."""
    ears, mouth, mark, *_ = plan.beast.split()
    happy, side = plan.dice.random() < 0.4, plan.dice.choice((-1, 1))
    colours = _fur(plan, mark, happy)
    order = ("body", f"{mark} behind", ears, "head", mark, f"{ears} over", "cheeks", "glad" if happy else "awake", mouth)
    rows = ";".join(PARTS.get(name, "") for name in order)
    held = next((thing for thing in plan.things if thing != "hat"), "")
    straw = (222, 190, 120) if held == "bamboo" else colours["scarf"]

    def drawing(b: Brush) -> None:
        b = Brush(b.draw, b.x, b.y, b.unit, side)
        b.parts(rows, colours)
        if "hat" in plan.things:
            b.at(0, -0.84, 0.76).parts(PARTS["hat"], {**colours, "first": straw})
        elif held:
            b.at(-0.58, 0.5, 0.36).parts(PARTS[held], {**colours, "first": colours["scarf"]})

    return drawing


def _fur(plan: Plan, mark: str, happy: bool) -> Colours:
    """What the colour names in a creature's PARTS stand for."""
    coat, second, blush, patched = plan.coat, _rgb(plan.beast.split()[4]), (246, 100, 125), mark == "patches"
    ink = _mix(_mix(coat, plan.ink, 0.55), (30, 20, 36), 0.6)
    return {
        **plan.colours,
        "coat": coat,
        "second": second,
        "ink": ink,
        "scarf": next((c for c in (*plan.named, plan.first, plan.second) if c not in (coat, WHITE)), plan.second),
        "belly": coat if patched or mark == "wool" else second,
        "limb": second if patched else coat,
        "ear": second if patched else coat,
        "inner": second if patched or mark == "brows" else _mix(coat, blush, 0.4),
        "pale": _mix(coat, WHITE, 0.7),
        "dark": _mix(coat, ink, 0.4),
        "cheek": _mix(coat, blush, 0.55),
        "eye": WHITE if patched and happy else (38, 28, 40),
    }


def _figure(plan: Plan, name: str, **more: RGB) -> Drawing:
    return lambda brush: brush.parts(PARTS[name], {**plan.colours, **more})


def _subject(plan: Plan) -> Drawing:
    return _creature(plan) if plan.beast else _figure(plan, plan.things[0]) if plan.things else _composition(plan)


def _emblem(plan: Plan) -> Drawing:
    motif = _subject(plan)

    def drawing(b: Brush) -> None:
        _figure(plan, "emblem")(b)
        motif(b.at(0, 0.03, 0.56))

    return drawing


def _person(plan: Plan) -> Drawing:
    skin = _rgb(plan.dice.choice(("#f3c9a5", "#d99f74", "#a86b45", "#efb990")))
    hair = _rgb(plan.dice.choice(("#3a2c2a", "#5b4034", "#e9e4df", "#8a5a3c")))
    return _figure(plan, "person", skin=skin, hair=hair, shade=_mix(skin, plan.ink, 0.2), cheek=_mix(skin, (240, 90, 100), 0.4))


def _composition(plan: Plan) -> Drawing:
    """Nothing in particular, well arranged: discs, arcs and dots on a grid of nine."""
    colours = [plan.first, plan.second, _mix(plan.first, WHITE, 0.5), _mix(plan.second, plan.ink, 0.35), plan.ink]
    dice, spots = plan.dice, [(x, y) for x in (-0.62, 0, 0.62) for y in (-0.62, 0, 0.62)]
    cells = [(x, y, dice.randrange(4), dice.randrange(5), dice.choice((0, 90, 180, 270))) for x, y in spots]

    def drawing(b: Brush) -> None:
        for x, y, kind, colour, turn in cells:
            cell, fill = b.at(x, y, 0.29), colours[colour]
            if kind == 0:
                cell.oval(0, 0, 1, 1, fill)
                cell.oval(0, 0, 0.4, 0.4, colours[colour - 1])
            elif kind == 1:
                box = (cell.x - cell.unit, cell.y - cell.unit, cell.x + cell.unit, cell.y + cell.unit)
                cell.draw.pieslice(box, turn, turn + 180 + 90 * (colour % 2), fill)
            elif kind == 2:
                for r in (0.9, 0.6, 0.3):
                    cell.arc(0, 0, r, r, turn, turn + 180, fill, 0.16)
            else:
                for n in range(9):
                    cell.oval(n % 3 * 0.7 - 0.7, n // 3 * 0.7 - 0.7, 0.17, 0.17, fill)

    return drawing


# New pictures


def _new(plan: Plan, size: Size) -> Image:
    shrink = min(1.0, math.sqrt(WORK / (size[0] * size[1])))
    width, height = max(64, round(size[0] * shrink)), max(64, round(size[1] * shrink))
    image, short, rim = _ground(plan, (width, height)), min(width, height), plan.says(STICKER)
    room = 0.82 if plan.lettering else 1.0
    if plan.says(LOGO):
        _stamp(image, width / 2, height / 2 * room, short * 0.27, _emblem(plan))
    elif plan.says(PERSON) and not plan.beast:
        _stamp(image, width / 2, height - short * 0.42, short * 0.5, _person(plan))
    elif plan.beast or plan.things or not plan.says(SCENE):
        _stamp(image, width / 2, height / 2 * (room + 0.06 * bool(plan.beast)), short * 0.41 * room, _subject(plan), rim)
    if plan.lettering:
        _letter(image, plan, 0.88)
    return image if image.size == size else image.resize(size)


def _ground(plan: Plan, size: Size) -> Image:
    from PIL import Image

    if plan.white:
        return Image.new("RGB", size, WHITE)
    if plan.says(SCENE) or (plan.says(PERSON) and not plan.says(LOGO)):
        return _landscape(plan, size)
    return _clouds(plan, size, NIGHT if plan.says(EDITS["night"]) else plan.paper)


def _clouds(plan: Plan, size: Size, paper: RGB) -> Image:
    """Soft round clouds of colour: a few discs on a tiny sheet, scaled up."""
    from PIL import Image, ImageDraw, ImageFilter

    tiny = Image.new("RGB", (48, 48), paper)
    brush = Brush(ImageDraw.Draw(tiny), 24, 24, 24)
    for n in range(5):
        r = plan.dice.uniform(0.25, 0.6)
        brush.oval(plan.dice.uniform(-1, 1), plan.dice.uniform(-1, 1), r, r, _mix(paper, (plan.first, plan.second)[n % 2], 0.32))
    return tiny.filter(ImageFilter.GaussianBlur(5)).resize(size)


def _landscape(plan: Plan, size: Size) -> Image:
    """A sky, a sun or a moon, and three rows of hills."""
    from PIL import Image

    dark, dice, wide = plan.says(EDITS["night"]), plan.dice, size[0] / min(size)
    low = (92, 84, 150) if dark else _mix(plan.first, (255, 244, 224), 0.7)
    near = (30, 34, 72) if dark else _mix(plan.first, (60, 90, 70), 0.45)
    column = Image.new("RGB", (1, 3), low)
    column.putpixel((0, 0), NIGHT if dark else _mix(plan.second, WHITE, 0.45))
    image = column.resize(size, Image.Resampling.BICUBIC)
    x, y, phase = dice.uniform(-0.6, 0.6) * wide, dice.uniform(-0.62, -0.4), dice.uniform(0, 6.3)
    _glow(image, x, y)

    def drawing(b: Brush) -> None:
        b.oval(x, y, 0.16, 0.16, (253, 240, 200) if dark else (255, 236, 170))
        for n in range(3):
            crest = [(v, 0.18 + 0.27 * n + 0.1 * math.sin(2.1 * v + phase * (n + 1)) + 0.04 * math.sin(5.3 * v - n)) for v in _across(wide)]
            b.poly([*(c for point in crest for c in point), wide, 9, -wide, 9], _mix(low, near, 0.35 + 0.3 * n))

    _overlay(image, drawing)
    return image


def _across(wide: float) -> list[float]:
    return [(n / 24 - 1) * wide for n in range(49)]


def _glow(image: Image, x: float, y: float) -> None:
    from PIL import Image

    half = min(image.size) / 2
    light = Image.radial_gradient("L").point([max(0, 150 - v * 5 // 4) for v in range(256)]).resize((max(2, round(half * 1.2)),) * 2)
    image.paste((255, 240, 200), (round(image.width / 2 + (x - 0.6) * half), round(image.height / 2 + (y - 0.6) * half)), light)


# Lettering


def _letter(image: Image, plan: Plan, height: float) -> None:
    """The prompt's lettering, as large as fits on one line or two, centred at `height` (a part of the picture's own)."""
    words, middle = plan.lettering.split(), round(image.height * height)
    half = (len(words) + 1) // 2
    lines = [" ".join(words[:half]), " ".join(words[half:])] if len(plan.lettering) > 16 and half < len(words) else [plan.lettering]
    tall = max(8, round(min(image.size) * 0.16 / len(lines)))
    colour = plan.ink if plan.first == WHITE else _mix(plan.first, plan.ink, 0.35)
    for n, line in enumerate(lines):
        mask = _ink(line, tall)
        mask.thumbnail((round(image.width * 0.9), image.height))
        corner = ((image.width - mask.width) // 2, round(middle + (n - len(lines) / 2) * tall * 1.3))
        image.paste(WHITE, corner, _grown(mask, tall * 0.09))
        image.paste(colour, corner, mask)


def _ink(text: str, tall: int) -> Image:
    """The text as a mask, with a margin for its outline."""
    from PIL import Image

    glyphs = [_glyph(ch, tall) for ch in unicodedata.normalize("NFC", text) if not unicodedata.category(ch).startswith(("M", "C"))]
    pad = max(1, tall // 5)
    line, x = Image.new("L", (sum(g.width for g in glyphs) + 2 * pad, round(tall * 1.25) + 2 * pad)), pad
    for glyph in glyphs:
        line.paste(glyph, (x, pad))
        x += glyph.width
    return line


def _glyph(ch: str, tall: int) -> Image:
    """One character. Pillow's own font holds little more than ASCII: accents are added by brush, ¿ and ¡ turned over, others brushed."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(tall)
    base, *accents = list(unicodedata.normalize("NFD", {"¿": "?", "¡": "!"}.get(ch, ch)))
    known = base.isascii() or base in "“”‘’…"
    glyph = Image.new("L", (math.ceil(font.getlength(base)) if known else tall, round(tall * 1.25)))
    draw = ImageDraw.Draw(glyph)
    if known:
        draw.text((0, 0), base, 255, font)
    else:
        _strokes(Brush(draw, tall / 2, tall * 0.65, tall * 0.42), ch)
    top = Brush(draw, glyph.width / 2, tall * (0.22 if ch.islower() else 0.08), tall * 0.14)
    for accent in accents if known else ():
        top.line([(-0.8, 0), (0.8, 0)] if accent == "\u0303" else [(-0.4, 0.3), (0.4, -0.3)], 255, 0.5)
    return glyph.rotate(180) if ch in "¿¡" else glyph


def _strokes(brush: Brush, ch: str) -> None:
    dice = random.Random(ord(ch))  # noqa: S311, the same strokes for the same character
    for y in dice.sample((-0.8, -0.35, 0.1, 0.6), 3):
        reach = dice.uniform(0.45, 0.8)
        brush.line([(-reach, y + 0.04), (reach, y - 0.04)], 255, 0.2)
    x = dice.uniform(-0.35, 0.35)
    brush.line([(x, -0.9), (x + dice.uniform(-0.2, 0.2), 0.9)], 255, 0.2)


# Changes to a picture


def _changed(plan: Plan, image: Image) -> Image:
    clauses = re.split("[.,;:。、।\n]", plan.text)  # folded: full-width marks are plain ones
    first = next((kind for *_, kind in _spans(EDITS, ".".join(KEPT.sub("", c) for c in clauses))), "")
    changes = {"add": _add, "remove": _remove, "ground": _reground, "style": _restyle, "night": _nightfall}
    if not plan.lettering or plan.beast or plan.things:
        image = changes.get(first, _ribbon)(plan, image)
    if plan.lettering:
        _letter(image, plan, 0.88)
    return image


def _add(plan: Plan, image: Image) -> Image:
    short, dice = min(image.size), plan.dice
    if not plan.beast and plan.things[:1] == ["hat"]:
        _stamp(image, image.width / 2, image.height * 0.1, short * 0.36, _figure(plan, "hat"), True)
        return image
    drawing = _subject(plan) if plan.beast or plan.things else _figure(plan, dice.choice(("star", "heart", "flower")))
    x, y, unit = dice.choice((0.17, 0.8)) + dice.uniform(-0.03, 0.03), dice.uniform(0.66, 0.74), 0.22
    if plan.is_detail:  # the part is where it belongs
        x, y, unit = 0.5, 0.5, 0.34
    _stamp(image, image.width * x, image.height * y, short * unit, drawing, True)
    return image


def _remove(plan: Plan, image: Image) -> Image:
    """A soft patch over the middle, where the subject tends to be."""
    from PIL import Image, ImageDraw, ImageFilter

    soft = image.resize((6, 6), Image.Resampling.BOX).resize(image.size, Image.Resampling.BICUBIC)
    mask = Image.new("L", (64, 64))
    Brush(ImageDraw.Draw(mask), 32, 32, 32).oval(plan.dice.uniform(-0.2, 0.2), 0, 0.55, 0.65, 255)
    return Image.composite(soft, image, mask.filter(ImageFilter.GaussianBlur(3)).resize(image.size))


def _reground(plan: Plan, image: Image) -> Image:
    """Another background wherever the picture looks like its corner, or else all around its middle."""
    from PIL import Image, ImageChops

    corner = image.resize((1, 1), box=(0, 0, 1, 1)).resize(image.size)
    mask = ImageChops.difference(image, corner).convert("L").point([max(0, 255 - v * 9) for v in range(256)])
    if sum(mask.resize((8, 8)).tobytes()) < 64 * 60:
        mask = Image.radial_gradient("L").point([min(255, max(0, (v - 90) * 3)) for v in range(256)]).resize(image.size)
    return Image.composite(_ground(plan, image.size), image, mask)


def _nightfall(plan: Plan, image: Image) -> Image:
    dark = image.convert("RGB", (0.30, 0.04, 0.02, 0, 0.04, 0.34, 0.06, 2, 0.08, 0.08, 0.52, 24))
    dice, wide, high = plan.dice, image.width / min(image.size), image.height / min(image.size)
    stars = [(dice.uniform(-wide, wide), dice.uniform(-high, 0.1), dice.uniform(0.004, 0.012)) for _ in range(60)]
    x, y = 0.68 * wide * dice.choice((-1, 1)), -0.66 * high
    _glow(dark, x, y)

    def drawing(b: Brush) -> None:
        for sx, sy, r in stars:
            b.oval(sx, sy, r, r, (255, 250, 222))
        _figure(plan, "moon")(b.at(x, y, 0.17))

    _overlay(dark, drawing)
    return dark


def _restyle(plan: Plan, image: Image) -> Image:
    from PIL import Image, ImageChops, ImageFilter, ImageOps

    look = next((key for *_, key in _spans(LOOKS, plan.text)), "") or plan.dice.choice(("print", "wash"))
    if look == "pixels":
        small = image.resize([max(1, n // 14) for n in image.size], Image.Resampling.BOX).quantize(24, dither=Image.Dither.NONE)
        return small.convert("RGB").resize(image.size, Image.Resampling.NEAREST)
    grey = ImageOps.grayscale(image).filter(ImageFilter.GaussianBlur(1.5))
    edges = ImageOps.invert(grey.filter(ImageFilter.FIND_EDGES)).point([max(0, 255 - (255 - v) * 5) for v in range(256)])
    threads = (10, 16) if look == "wash" else (5, 64)  # blots, or the lines of a wood block
    grain = Image.frombytes("L", threads, plan.dice.randbytes(threads[0] * threads[1])).resize(image.size)
    if look == "pencil":
        shade = ImageChops.multiply(edges, grey.point([170 + v // 3 for v in range(256)]))
        return ImageOps.colorize(shade, (52, 48, 60), (252, 249, 240))
    if look == "wash":
        wet = image.filter(ImageFilter.GaussianBlur(min(image.size) / 130))
        flat, line = wet.convert("RGB", (0.8, 0.05, 0, 44, 0.03, 0.8, 0.03, 44, 0, 0.05, 0.8, 46)), (165, 155, 175)
    else:
        flat, line = image.quantize(9, dither=Image.Dither.NONE).convert("RGB"), (44, 56, 96)
        flat = flat.convert("RGB", (0.82, 0.1, 0, 22, 0.04, 0.8, 0.02, 18, 0, 0.1, 0.72, 8))
    paper = ImageOps.colorize(grain, (222, 222, 222), WHITE)
    return ImageChops.multiply(ImageChops.multiply(flat, paper), ImageOps.colorize(edges, line, (255, 249, 234)))


def _ribbon(plan: Plan, image: Image) -> Image:
    """A change that the words do not tell: a tint of their colours, and a ribbon across a corner."""
    from PIL import Image

    tinted = Image.blend(image, Image.new("RGB", image.size, plan.first), 0.22)
    wide, high = image.width / min(image.size), image.height / min(image.size)
    side, low = plan.dice.choice((-1, 1)), plan.dice.uniform(0.35, 0.6)

    def drawing(b: Brush) -> None:
        curve = [(side * (0.075 * n - wide), low - high + 0.12 * math.sin(n / 2.2) - 0.064 * n) for n in range(-2, 15)]
        b.line(curve, plan.first, 0.13)
        b.line([(x, y - 0.02) for x, y in curve], _mix(plan.first, WHITE, 0.5), 0.025)
        _figure(plan, "star", first=plan.second)(b.at(side * (0.3 - wide), 0.3 - high, 0.14))

    _overlay(tinted, drawing)
    return tinted


def _beside(image: Image, others: Sequence[Image], dice: random.Random) -> None:
    """The other pictures, as small prints along the top."""
    from PIL import Image, ImageOps

    side = max(8, round(min(image.size) * min(0.26, 0.85 / max(1, len(others)))))
    for n, other in enumerate(others):
        framed = ImageOps.expand(ImageOps.fit(other, (side, side)), max(1, side // 14), WHITE).convert("RGBA")
        small = framed.rotate(dice.uniform(-7, 7), Image.Resampling.BICUBIC, expand=True)
        image.paste(small, (round(image.width * 0.03 + n * side * 1.1), round(image.height * 0.03)), small)


# The whole


def paint(prompt: str, pictures: Sequence[bytes], size: Size | None, digest: bytes) -> bytes:
    """A draft as PNG: a new picture, or the first one changed and the others shown in it; `size` is in pixels, None keeps the first's."""
    opened = [_opened(picture) for picture in pictures]
    detail = detail_in(prompt) if opened else None
    image = _retouched(detail, opened, size, digest) if detail else _whole(Plan(prompt, digest), opened, size)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=2)
    return out.getvalue()


def _whole(plan: Plan, opened: Sequence[Image], size: Size | None) -> Image:
    image = _changed(plan, _fitted(opened[0], size)) if opened else _new(plan, size or (1024, 1024))
    _beside(image, opened[1:], plan.dice)
    _sign(image)
    return image


def _retouched(detail: Detail, opened: Sequence[Image], size: Size | None, digest: bytes) -> Image:
    """A detail of a larger picture, of which only a part was changed, and signed."""
    plan, image = Plan(detail.words, digest, is_detail=True), _fitted(opened[0], size)
    box = detail.box(image.size)
    part = _changed(plan, image.crop(box))
    _beside(part, opened[1:], plan.dice)
    _sign(part)
    image.paste(part, box)
    return image


def size_of(data: bytes) -> Size:
    """The size in pixels of a picture held upright."""
    return _opened(data).size


def _opened(data: bytes) -> Image:
    from PIL import Image, ImageOps

    try:
        with ONE_AT_A_TIME, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files are no business of who asked for a change
            with Image.open(io.BytesIO(data)) as found:
                if found.width * found.height > 5 * LARGEST:
                    raise Unreadable(f"{found.width} × {found.height} pixels")
                upright = ImageOps.exif_transpose(found).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Unreadable(str(error)) from error
    sheet = Image.new("RGB", upright.size, WHITE)
    sheet.paste(upright, (0, 0), upright)
    return sheet


def _fitted(image: Image, size: Size | None) -> Image:
    from PIL import ImageOps

    shrink = min(1.0, math.sqrt(LARGEST / (image.width * image.height)))
    size = size or (round(image.width * shrink), round(image.height * shrink))
    return image if size == image.size else ImageOps.fit(image, size)


def _sign(image: Image) -> None:
    """Says that this is a draft, on an opaque plate that hides the plate of the picture before."""
    from PIL import Image, ImageDraw, ImageFont

    short = min(image.size)
    tall, gap = max(10, round(short * 0.021)), short // 64
    font = ImageFont.load_default(tall)
    plate = Image.new("RGB", (math.ceil(font.getlength("offline draft")) + tall, round(tall * 1.7)), (250, 249, 246))
    draw = ImageDraw.Draw(plate)
    draw.rectangle((0, 0, plate.width - 1, plate.height - 1), outline=(120, 116, 128))
    draw.text((tall / 2, plate.height / 2), "offline draft", (70, 66, 80), font, anchor="lm")
    plate.thumbnail((max(1, image.width * 3 // 5), max(1, image.height // 3)))
    image.paste(plate, (image.width - plate.width - gap, image.height - plate.height - gap))
