"""The words that the rules for prompts look for, in tables by language: English, Spanish, Chinese, Japanese, Hindi.

Patterns only; prompt_rules judges by them. A further language is one more entry in RULES and one in KEEPING.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["KEEPING", "OTHER_AFTER", "OTHER_BEFORE", "RULES", "SHAPE_AFTER", "SHAPE_BEFORE", "Keeping", "Rules"]

# Every repetition in a pattern is bounded, or at work in one place of the text only: time grows with the text and not with its square.


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


@dataclass(frozen=True)
class Rules:
    """What the rules for writing prompts look for in one language."""

    lettering: re.Pattern[str]  # asks for words in the picture, which stand behind it: "a sign that says …"
    written: re.Pattern[str]  # the same, where they stand before it
    mention: re.Pattern[str]  # asks for lettering and leaves its words open
    denied: re.Pattern[str]  # just before one of these: it is not asked for
    forbids: re.Pattern[str]  # a sentence says what shall not be,
    asks: re.Pattern[str]  # unless one of its clauses says what shall
    keeps: re.Pattern[str]  # says that something stays as it is
    sentence: re.Pattern[str]  # the end of a sentence,
    clause: re.Pattern[str]  # and of a clause


NEVER = re.compile(r"(?!)")
SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n")
FULL_STOP = re.compile(r"(?<=[。！？!?…।॥])|(?<=\.)\s+|\n")
CLAUSE = re.compile(r"[,;:—，；：、]")
COLON = r"[ \t]{0,3}[:：][ \t]{0,3}(?=[\w¡¿])"
LINE_START = r"(?:^|(?<=[.!?;\n。！？；।]))[\s\-*•・]{0,4}"


# English

# What follows "the text" and is not the text itself: where it stands, what it looks like, what is done with it.
# A capital letter outweighs it.
EN_ABOUT = (
    r"(?:in|on|at|of|to|as|is|are|be|by|for|from|into|and|or|but|with|that|which|should|must|can|will|may|has|have|it|its|so|if|you|i|we|they|he|she"
    r"|above|below|under|over|inside|around|across|along|near|between|behind|beneath|against|within|per|only|all|also|very|not|exactly|there|this|these"
    r"|well|large|larger|small|smaller|big|bigger|bold|clear|clean|legible|readable|crisp|sharp|visible|horizontal|vertical|same|unchanged|intact"
    r"|black|white|gold|golden|red|blue|green|yellow|here|color|colour|size|fonts?|design|art|layout|style|effects?|sequence|editor|track|role|layer"
    r"|box|boxes|bubbles?|overlays?|areas?|blocks?|elements?|panels?|page|bar|cards?|messages?|fields?|\w+(?:ed|ing|ly))\b"
)
EN_CONTENT = rf"\s+(?=[\w¡¿#@&])(?:(?=(?-i:[A-Z0-9]))|(?!{EN_ABOUT}))"
EN_TEXT = r"(?:text|words?|phrase|slogan|tagline|caption|title|headline|inscription|message|motto|name|lettering)"
EN_SIGN = (
    r"(?:signs?|banner|label|poster|text|lettering|caption|headline|title|inscription|plaque|placard|note|neon|letters|billboard|bubble"
    r"|flag|cover|card)"
)

ENGLISH = Rules(
    lettering=_any(
        rf"\bwith (?:the|a|an|its) (?:[\w-]{{1,20}} ){{0,2}}?{EN_TEXT}{EN_CONTENT}",
        rf"\b(?:add|put|write|place|include|print|paint|display|engrave|carve|insert) the {EN_TEXT}{EN_CONTENT}",
        r"\bthe (?:text|words|phrase|slogan|tagline|caption|inscription|lettering)\s+(?=(?-i:[A-Z]))(?!(?-i:I ))",
        rf"\b(?:that|which) (?:says?|reads?){EN_CONTENT}",
        rf"\b{EN_SIGN},? (?:says?|saying|reads?|reading){EN_CONTENT}",
        rf"\b(?:letters|lettering|balloons|lights|candles)(?: that)? spell(?:s|ing)?(?: out)?{EN_CONTENT}",
        rf"\btitled{EN_CONTENT}",
        rf"{LINE_START}text{COLON}(?!none\b|no\b|n/a)",
    ),
    written=NEVER,
    mention=_any(
        r"\b(?:with|add|featuring|include|including|has|have)(?: (?!no\b|not\b)[\w-]{1,20},?){0,4} lettering\b"
        r"(?! (?:style|art|artist|design))"
    ),
    denied=_any(
        r"\b(?:no|not|without|never|avoid|free of|remove|erase|delete|n['’]t|instead of|about|exclude|cover|hide)\b[^.!?\n]{0,25}$",
        r"\b(?:expression|look|smile|face|gaze|pose|eyes)\b[^.!?\n]{0,25}$",
    ),
    forbids=_any(
        r"^\W{0,5}(?:please |also |and |or )?(?:do not|don['’]?t|not(?! only)|never|avoid|exclude)\b",
        r"^\W{0,5}no\b(?![.-]| (?:matter|longer|less|one|smoking|entry|parking|trespassing)\b)",
        r"^\W{0,5}without (?:any|a|text|people|changing|adding|altering|modifying|using)\b",
    ),
    asks=_any(
        r"\b(?:but|instead|only|just|rather|except|unless|until)\b",
        r"^\W{0,5}(?:and |then |please )?(?:make|add|put|turn|change|draw|paint|create|generate|show|render|use|keep|give|replace"
        r"|set|place|let|fill|remove|wear|preserve|match|convert|move|leave|have|it|he|she|they|there|an?"
        r"|the \w+ (?:is|are|should|must)|this)\b(?!\W*$)",
    ),
    keeps=_any(
        r"\b(?:keep|keeps|keeping|kept|preserv\w+|retain\w*|maintain\w*|unchanged|unaltered|untouched|unmodified|intact|remain\w*|stays?|leave)\b",
        r"\b(?:match(?:es|ing)?|identical|consistent|faithful\w*|as before|as (?:it|they) (?:is|are|was|were)|as in the original)\b",
        r"\bexactly the same\b|\bthe same \w+ (?:as|and|of)\b|(?:\bnot|n['’]t|\bwithout) (?:chang|alter|modif|touch|mov)\w*",
        r"\b(?:nothing|everything|anything) else\b|\bthe rest\b|\b(?:only|just) change\b|\bchange only\b",
    ),
    sentence=SENTENCE,
    clause=CLAUSE,
)


# Spanish

ES_ABOUT = (
    r"(?:en|de|del|con|sin|que|y|e|o|a|al|por|para|sobre|bajo|es|son|está|están|debe|deben|sea|sean|se|como|si|muy|más|pero|tal|donde|junto|entre|hasta|ni"
    r"|grandes?|pequeñ[oa]s?|clar[oa]s?|legibles?|visibles?|blanc[oa]s?|negr[oa]s?|roj[oa]s?|dorad[oa]s?|azul(?:es)?|principal|central|superior|inferior|arriba"
    r"|abajo|original|exact[oa]|correspondiente|completo|intacto|igual|alternativo|adicional|necesario|mucho|todo|lo|\w+(?:ad|id)[oa]s?|\w+mente|\w+[aei]ndo)\b"
)
ES_CAPITAL = r"\s+(?=(?-i:[A-ZÁÉÍÓÚÑ0-9¡¿]))"
ES_CONTENT = rf"(?:{ES_CAPITAL}|\s+(?=[\w#@&])(?!{ES_ABOUT}))"
ES_TEXT = r"(?:textos?|palabras?|frase|lema|eslogan|título|titular|inscripción|leyenda|rótulo|mensaje|nombre|letrero)"
ES_SIGN = (
    r"(?:letrero|cartel|rótulo|pancarta|etiqueta|póster|afiche|texto|tarjeta|camiseta|taza|pastel|placa|valla|bocadillo|globo|nota|neón)"
)

SPANISH = Rules(
    lettering=_any(
        rf"\bcon (?:el|la|las|los|su) {ES_TEXT}{ES_CONTENT}|\bcon una? {ES_TEXT}{ES_CAPITAL}",
        rf"\b(?:añade|agrega|escribe|pon|coloca|incluye|inserta|muestra) (?:el|la|las|los) {ES_TEXT}{ES_CONTENT}",
        rf"\b(?:que|donde) (?:dice|diga|digan|dicen|reza|rece|ponga){ES_CAPITAL}",
        rf"\b{ES_SIGN}(?: \w{{1,20}}){{0,3}} que (?:dice|diga|digan|dicen|reza|rece|ponga){ES_CONTENT}",
        rf"\b(?:que|donde|cual) se (?:lee|lea|leen|lean){ES_CONTENT}",
        rf"\b(?:el texto|las palabras|la frase|el lema|el eslogan|la inscripción|la leyenda){ES_CAPITAL}",
        rf"\btitulad[oa]s?{ES_CONTENT}",
        rf"{LINE_START}texto{COLON}(?!ningun|sin\b|no\b|nada)",
    ),
    written=NEVER,
    mention=_any(
        r"\b(?:con|añade|agrega|incluye|lleva)(?: (?:una|unas|las|la))?(?: [\w-]{1,20})?"
        r" (?:rotulación|caligrafía|letras (?:grandes|dorad\w+|de neón|manuscritas))\b"
    ),
    denied=_any(
        r"\b(?:no|sin|nunca|evita|evite|ni|quita|elimina|borra|en lugar de|en vez de|sobre|acerca de)\b[^.!?\n]{0,25}$",
        r"\b(?:expresión|mirada|sonrisa|gesto|rostro|cara|pose)\b[^.!?\n]{0,25}$",
    ),
    forbids=_any(
        r"^\W{0,5}(?:por favor,? |y |ni |tampoco )?(?:no(?! solo| sólo| obstante)|nunca|jamás|evit[ae]r?|ni|ningun[oa]?|ningún|nada de)\b",
        r"^\W{0,5}sin (?:ningún|ninguna|texto|gente|personas|cambiar|modificar|alterar|agregar|añadir|marcas?|logos?)\b",
    ),
    asks=_any(
        r"\b(?:pero|sino|solo|sólo|solamente|únicamente|excepto|salvo|hasta)\b",
        r"^\W{0,5}(?:y |luego |entonces )?(?:haz|hazl[oa]|añad\w+|agreg\w+|pon\w*|pint\w+|dibuj\w+|crea|genera|muestra|usa|mant[eé]n\w*"
        r"|conserva|cambia|convierte|deja|reemplaza|sustituye|coloca|rellena|quita|elimina|da|transforma|un|una|hay|que)\b(?!\W*$)",
    ),
    keeps=_any(
        r"\b(?:mant[eé]n\w*|conserv\w+|preserv\w+|respet\w+|intact[oa]s?|igual|idéntic\w+|fiel|permane\w+|mism[oa]s? \w+|coincid\w+)\b",
        r"\b(?:combin\w+ con|acorde|de acuerdo con|tal (?:y )?como|todo lo demás|lo demás|el resto)\b",
        r"\b(?:solo cambi\w+|dej[ae]\w* (?:todo|el|la|los|las|lo))\b",
        r"\bsin (?:cambi|modific|alter|tocar)|\bno (?:cambi|modifi|alter|toqu|muev)",
    ),
    sentence=SENTENCE,
    clause=CLAUSE,
)


# Chinese

CHINESE = Rules(
    lettering=_any(
        r"(?<![在正])写[着有](?=\w)(?!作业|字|信|日记|论文|代码|文字|一些|几个|什么|毛笔|书法|名字|文章|笔记|的)",
        r"(?:标题|题目|文案|标语|字样|文字内容|文本内容|文字|文本)(?:是|为|写着)(?=\w)"
        r"(?!了|主|辅|中文|英文|繁体|简体|手写|粗体|大|小|无|空|竖|横|清晰|[黑白金红蓝绿黄])",
        r"题为(?=\w)",
        r"(?:添加|加上|配上|加入|写上|写下|印上)(?:文字|标题|字样|标语|文案)(?=\w)"
        r"(?!说明|标注|描述|效果|注释|解释|内容|信息|排版|元素|框|说|[等和与在到于以并的为是])",
        rf"{LINE_START}(?:文字|文本){COLON}(?!无|没有|不|除)",
    ),
    written=_any(r"字样(?!为|是|[:：])"),
    mention=NEVER,
    denied=_any(r"(?:不要|不需要?|不加|不含|不带|不得|不能|不可|无|没有|别|勿|禁止|避免|去除|去掉|删除|移除|擦除|而非|任何|关于)[^。！？，,\n]{0,8}$"),
    forbids=_any(
        r"^\W{0,5}(?:请|也|并且?|和|或)?(?:不要|别(?![墅致样具针])|请?勿|切勿|避免|不得|不可以?|不能|不(?=添加|改变|出现|含|带|需要|允许|包含|使用))",
        r"^\W{0,5}(?:禁止(?![^，。]{0,8}(?:的|标志|牌))|没有(?![^，。]{0,20}的)|无(?=任何|文字|水印|人物|背景|字|标志|噪点|边框|杂物|其他)(?![^，。]{0,8}的))",
    ),
    asks=_any(
        r"但|而是|只要|只有|仅|除了|除非|改为|改成",
        r"^\W{0,5}(?:请|并|再|然后)?(?:添加|加上|加入|画|绘制|生成|制作|创建|让|把|将|换|使用|用|保持|保留|变成|转换|设置|放|展示|一[只个位张幅])",
    ),
    keeps=_any(
        r"保持|保留|不变|不[要得可能]?(?:改[变动]|更改|修改|变动)|勿[改更修变]|维持|原样|一致|相同|匹配|其余|其他(?:部分|内容|所有|一切)|别动|不动|协调|相符",
        r"融合|[只仅](?:改变?|修改|更改)",
    ),
    sentence=FULL_STOP,
    clause=CLAUSE,
)


# Japanese

JAPANESE = Rules(
    lettering=_any(rf"{LINE_START}(?:文字|テキスト|文言|キャッチコピー|見出し){COLON}(?!な[しい]|無し|不要|入れ|含め|使わ)"),
    written=_any(
        r"(?:など|等)?と(?:大きく|小さく|手書きで|英語で|日本語で|\w{1,8}[にで])?(?:書かれ|書い[たて]|記され|印字され|印刷され|刻まれ)(?!ていな|てな|ずに|て?いません)",
        r"という(?:文字|テキスト|タイトル|見出し|文言|キャッチコピー|メッセージ|題名)(?=[がをのはで入])",
    ),
    mention=NEVER,
    denied=_any(r"(?:何も|なに[もか]|誰か|どれも|もの|こと|人|ペン|筆|色|字)$"),
    forbids=_any(
        r"(?:しない|れない|かない|えない|わない|さない|たない|らない|めない|せない|べない)(?:で(?:ください|下さい|くれ|ね|ほしい|欲しい)?|こと|ように(?:してください|する)?)\W*$",
        r"(?:な[しい]で(?:お願いします|ください)?|なし|無し|禁止|不要|厳禁)(?:です|とする|でお願いします)?\W*$",
        r"避け(?:て(?:ください|下さい)?|る(?:こと)?)\W*$",
    ),
    asks=_any(
        r"ではなく|だけ(?!は)|のみ|代わりに|かわりに",
        r"(?:追加|生成|作成|作っ|描い|描き|配置|加え(?!な)|塗[りっ]|着せ(?!な)|表示|変更|使用|使っ|維持|保[ちっ]|残し|置い|置き|変え(?!な|ず)|させて)"
        r"(?!しない|せず|しな|は?禁止|は?な[しい]|されない)",
    ),
    keeps=_any(
        r"保[ちっつたと持存]|維持|そのまま|変え(?:ず|ない)|変更(?:しない|せず|なし|はしない)|残[しすっ]|同じ|合わせ|一致|崩さ|損な|損ね|キープ|不変|馴染|なじ|調和|統一",
        r"以外は|他の部分|その他|だけを?(?:変|編集)|のみを?(?:変|編集)",
    ),
    sentence=FULL_STOP,
    clause=CLAUSE,
)


# Hindi, whose vowel signs are no \w: words end before a space

HI_VERB = r"(?:करें|जोड़ें|बनाएँ|बनाएं|बनाओ|दिखाएँ|दिखाएं|बदलें|रखें|डालें|लिखें|हटाएँ|हटाएं|दें|पहनाएँ|पहनाएं|रंगें|करना|बदलना|जोड़ना|हों|हो)(?!\w)"

HINDI = Rules(
    lettering=_any(
        rf"{LINE_START}(?:टेक्स्ट|पाठ){COLON}(?!कोई|नहीं|न |बिना)",
        rf"(?:शब्दों|टेक्स्ट|संदेश|नारे|शीर्षक)\s+के\s+साथ{COLON}",
    ),
    written=_any(
        r"(?:लिखा|लिखी|लिखे|अंकित|उकेरा)\s+(?:हुआ\s+|हुई\s+|हुए\s+)?(?:हो|है|हों|हैं|जाए)(?!\w)",
        r"शीर्षक\s+(?:वाला|वाली|वाले)(?!\w)",
    ),
    mention=NEVER,
    denied=_any(
        r"(?<!\S)(?:न|नहीं|ना|मत|कुछ|भी|से|में|द्वारा|जैसा|साफ़|साफ|स्पष्ट|सही|बड़ा|छोटा)\s*$",
        r"(?<!\S)(?:कोई|बिना|कुछ)\s[^।.!?\n]{0,25}$",
    ),
    forbids=_any(
        r"^\W{0,5}(?:कृपया\s+)?बिना\s.*\sके\W*$",
        r"^\W{0,5}(?:कृपया\s+)?कोई\s.*\s(?:नहीं|न\s+हों?)(?:\s+(?:होना\s+)?चाहिए)?\W*$",
        rf"(?<!\S)(?:न|मत|ना|नहीं)\s+{HI_VERB}",
        r"(?<!\S)से\s+(?:बचें|बचना|परहेज)",
    ),
    asks=_any(
        r"(?<!\S)(?:लेकिन|बल्कि|सिर्फ़?|केवल|मगर|किंतु|परंतु)\s",
        r"(?<!न )(?<!मत )(?<!ना )(?<!नहीं )(?:बनाएँ|बनाएं|बनाओ|जोड़ें|दिखाएँ|दिखाएं|रखें|बदलें|करें|डालें|लिखें|हटाएँ|हटाएं|दें|पहनाएँ|पहनाएं|रंगें)(?!\w)",
    ),
    keeps=_any(
        r"बनाए\s+रख|बरकरार|(?:वैस|जैस)[ाेी]\s+(?:ही|का|की|के|है|हैं|था|थी|थे)|ज्यों|जस\s+का|यथावत|सुरक्षित|संरक्षित|कायम|अपरिवर्तित|समान|मेल|बाकी|बाक़ी|वही|अछूता",
        r"(?<!\S)(?:न|ना|मत|नहीं)\s+(?:बदल|छेड़)|बदले\s+बिना|बिना\s+(?:बदले|बदलाव)|बदलाव\s+(?:न|नहीं|मत|के\s+बिना)|(?:केवल|सिर्फ़?)\s+\S{1,20}\s+बदल",
    ),
    sentence=FULL_STOP,
    clause=CLAUSE,
)


RULES = {"en": ENGLISH, "es": SPANISH, "zh": CHINESE, "ja": JAPANESE, "hi": HINDI}


# Ratios, in all five languages

SHAPE_BEFORE = _any(
    r"(?:aspect|(?<!contrast )(?<!mixing )(?<!lighting )(?<!zoom )(?<!golden )\bratio|\bformat|relación de aspecto|\bproporción|\bformato"
    r"|(?:宽高|长宽|纵横|画幅|画面)比例?|比例|アスペクト比?|縦横比|अनुपात|फ़ॉर्मेट|फॉर्मेट)"
    r"(?: (?:of|is|de|es|in|should be|must be)| की| के| का)?[\s:：=为是はを]{0,4}$",
)
SHAPE_AFTER = _any(
    r"[\s\-的のに]{0,2}(?:aspect|(?:vertical |horizontal )?(?:format|ratio)\b|(?:de )?(?:relación de aspecto|formato)"
    r"|(?:宽高|长宽|纵横|画幅)比|アスペクト|縦横比|(?:के\s+)?(?:आस्पेक्ट|अनुपात))",
)
# a time, a scale, a likeness or a score is no shape of a picture
OTHER_BEFORE = _any(
    r"(?:\b(?:scale|score|at|clock|time|escala|a las|marcador|hora)|(?:contrast|mixing|lighting|zoom) ratio"
    r"|比分|时间|缩放|スケール|時刻|समय)(?: of| is| de)?[\s:：]*$"
)
OTHER_AFTER = _any(
    r"\s*(?:am|pm|a\.m|p\.m|h\b|hrs|o['’]clock|scale|replica|copy|match|likeness|mixture|odds|escala|réplica)",
    r"\s*(?:复刻|还原|复制|再现|比例模型|手办|模型|スケール|再現|बजे|पैमाने)",
)


# What asks to keep the rest


class Keeping(NamedTuple):
    """What one language says where an edit asks to keep the rest of a picture."""

    rest: re.Pattern[str]  # what is not named stays
    only: re.Pattern[str]  # nothing but what is named changes
    whole: re.Pattern[str]  # all of the picture changes: its style, its light, what is behind it, how it is seen


EN_PICTURE = r"(?:picture|image|photo\w*|scene|drawing|sketch|painting|illustration)"
EN_OWNER = r"(?:the|his|her|its|their|my|this|that|these|those|[\w-]+['’]s)"
EN_LOCAL = r"(?:change|alter|modify|edit|replace|recolou?r|remove|erase|delete|swap|fix|retouch|adjust)"
EN_ANEW = r"(?:redraw|repaint|render|restyle|reimagine|recreate|transform|convert|turn|make|paint|draw)"
EN_FRAMED = r"(?:crop|rotate|flip|mirror|upscale|extend|expand|restore)"
EN_OTHERWISE = (
    r"(?:chang|alter|modif|edit|replac|redraw|repaint|restyl|paint|render|mak|turn|let|nothing|none|no|not|never|but|while|as)\w*\b"
)
EN_OTHER_ELSE = r"(?! (?:about|of (?:his|her|its|their)|blank|empty|white|black|transparent)\b)"  # nothing that stays as it is
EN_ELSE = rf"(?:(?:everything|anything|all) else|(?:all )?the rest)\b{EN_OTHER_ELSE}"
EN_STAYS = (
    r"(?:same|stays?|remains?|unchanged|untouched|unaltered|unmodified|intact|identical|alone|as-is|as before"
    r"|as (?:it|they) (?:is|are|was|were))\b"
)
EN_ART = (
    r"(?:sketch|drawing|painting|watercolou?r|cartoon|anime|manga|comic|illustration|print|engraving|mosaic|collage|photograph|photo|poster)\b"
)
EN_ALL_OVER = (
    r"(?:style|lighting|light|weather|season|time of day|mood|atmosphere|colou?rs|colou?r (?:palette|grading|scheme)|palette|tone|contrast"
    r"|brightness|exposure|saturation|background|backdrop|setting|surroundings|scenery|perspective|camera angle|angle|viewpoint|resolution"
    r"|medium)\b(?! of\b)"
)
EN_LOOK = (
    r"(?:night\w*|day\w*|dusk|dawn|evening|morning|noon|sunset|sunrise|winter\w*|summer|spring|autumn|fall|rain\w*|snow\w*|fogg?\w*|mist\w*"
    r"|storm\w*|sunn\w*|cloudy|overcast|dark\w*|bright\w*|light\w*|warm\w*|cool\w*|cold\w*|sharp\w*|black and white|monochrome|gr[ae]yscale"
    r"|sepia|vintage|(?:photo)?real\w*|wider|taller|square)\b"
)
ENGLISH_KEEPING = Keeping(
    rest=_any(
        rf"(?<!not )(?<!n['’]t )\b(?:keep|leav|preserv|retain|maintain)\w*(?: (?!{EN_OTHERWISE})[\w'’-]+){{0,8}}? {EN_ELSE}",
        rf"\b{EN_ELSE}(?:,? (?!{EN_OTHERWISE})[\w'’-]+){{0,6}}? {EN_STAYS}",
        rf"\b(?:keep|leav|preserv)\w* (?:everything|all)(?: exactly)? (?:except|but|apart from|other than|(?:the )?{EN_STAYS})",
        rf"\b(?:keep|leav)\w* the (?:original )?background(?: exactly)?(?: the)? {EN_STAYS}",
        r"\bnothing else (?:changes|moves|(?:should|may|must|can|is to)\b(?: be)? (?:chang|alter|mov|differ|touch)\w*)",
        r"\b(?:do not|don['’]?t|never|without) (?:chang|alter|modif|edit|touch)\w* (?:anything|any other|the rest|the background)\b",
        r"\b(?:no|without(?: any)?) (?:other|further|additional) (?:change|edit|modification|alteration)s?\b",
        r"\b(?:change|alter|modify|edit|touch) nothing(?! of)\b",
    ),
    only=_any(
        rf"\b{EN_LOCAL} only\b|\b{EN_LOCAL} {EN_OWNER}(?: [\w'’-]+){{1,6}} only(?=\W*$|[.,;!])",
        rf"(?<!not )(?<!the )(?<!if )\bonly (?:{EN_LOCAL}|add(?= an?\b)|(?:make|turn|paint|add)(?= {EN_OWNER}\b))\b",
        rf"\bjust {EN_LOCAL} {EN_OWNER}\b",
    ),
    whole=_any(
        rf"\b(?:whole|entire) {EN_PICTURE}\b",
        rf"\b(?:{EN_ANEW}|change|changing|making|turning|replace|rework|redo) (?:it all|all of it|everything(?! else))\b",
        rf"\b(?:{EN_ANEW}|{EN_FRAMED}) (?:(?:the|this|my|our) (?:[\w-]+ ){{0,2}}?{EN_PICTURE}\b|(?:it|this|that) (?:into|in|as|to|look)\b)",
        rf"\b(?:make|turn) (?:it|this|that|day|the scene) (?:[\w-]+ ){{0,2}}?{EN_LOOK}|\b(?:at|to|into|by) night\b",
        rf"\b(?:into|as) an? (?:[\w-]+ ){{0,4}}?{EN_ART}|\b(?:in|into) (?:the|an?|this) (?:[\w-]+ ){{0,3}}?style\b",
        r"\bin (?:watercolou?rs?|oils?|ink|pencil|pastels?|charcoal|black and white|gr[ae]yscale|pixel art)\b",
        rf"(?<!not )(?<!n['’]t )(?<!never )\b(?:{EN_LOCAL}|blur|improve|only make)(?: only| just)?"
        rf"(?: the| its| this)? (?:[\w-]+ )?{EN_ALL_OVER}",
        r"\b(?:colou?rize|relight|denoise|sharpen|upscale|outpaint|zoom (?:in|out)|(?:move|shift|tilt|pan) the (?:camera|view\w*|frame))\b",
        r"\bfrom (?:above|below|behind|(?:an?|another) (?:[\w-]+ )?angle)\b",
    ),
)

ES_PICTURE = r"(?:imagen|foto\w*|escena|cuadro|dibujo|boceto|ilustración)\b"
ES_KEEP = r"(?:mant[eé]n\w*|conserv\w+|preserv\w+|dej[ae]\w*|respet\w+)"
ES_ELSE = r"(?:todo lo demás|lo demás|(?:todo )?el resto)\b(?! (?:en blanco|en negro|vací|transparente|borroso))"
ES_ONLY = r"(?:solo|sólo|solamente|únicamente)\b"
ES_LOCAL = r"(?:cambi|modific|modifiqu|edit|alter|reemplac|reemplaz|sustitu|pint|pon|quit|elimin|borr|añad|agreg|retoc|ajust)\w*"
ES_ANEW = r"(?:convi[eé]rt|transf[oó]rm|redib[uú]j|rep[ií]nt|recre|gir|rot|recort|ampl[ií])\w*"
ES_ALL_OVER = (
    r"(?:estilo|iluminación|luz|luces|clima|estación|hora|ambiente|atmósfera|colores|paleta|tono|contraste|brillo|fondo|escenario"
    r"|perspectiva|ángulo)\b(?! de)"
)
SPANISH_KEEPING = Keeping(
    rest=_any(
        rf"(?<!no ){ES_KEEP}(?: (?!no\b|pero\b|{ES_LOCAL})\w+){{0,4}}? {ES_ELSE}",
        rf"\b{ES_ELSE}(?: (?!no\b|{ES_LOCAL})\w+){{0,6}}?"
        r" (?:igual|idéntic|intact|tal (?:y )?como|como está|sin (?:cambi|modific|alter|tocar))\w*",
        rf"\b{ES_ELSE} (?:debe )?(?:no (?:debe )?(?:cambi|modifi)\w+|(?:se )?(?:queda\w*|permane\w+|mantiene\w*))",
        r"\b(?:no (?:cambi|modifi|alter|toqu|edit)\w+|sin (?:cambiar|modificar|alterar|tocar))"
        r" (?:nada|(?:ninguna )?otra cosa|el resto|lo demás|el fondo)\b",
        r"\b(?:sin|no hagas) (?:ningún |hacer )?(?:otros?|más) cambios?\b|\bnada más (?:debe )?cambi\w+",
    ),
    only=_any(rf"\b{ES_LOCAL} {ES_ONLY}|(?<!no )\b{ES_ONLY} (?:{ES_LOCAL}|haz (?:el|la|los|las|su))\b"),
    whole=_any(
        rf"\btod[ao] (?:la|el|esta|este|mi) {ES_PICTURE}|\b{ES_PICTURE} (?:enter|complet)[ao]\b",
        rf"\b(?:{ES_ANEW}|(?:cambi|haz|rehaz|pint|reemplaz|represent)\w*) (?:absolutamente )?todo\b(?! lo demás)",
        rf"\b{ES_ANEW} (?:la|esta|el|este|mi) (?:primera )?{ES_PICTURE}",
        r"\b(?:convi[eé]rtel|transf[oó]rmal|redib[uú]jal|rep[ií]ntal|p[ií]ntal|hazl)[ao] (?:en|como|de|a|al|más)\b",
        r"\b(?:al|en(?: el| un)?|con(?: el| un)?|a) estilo\b|\bde noche\b|\ben blanco y negro\b",
        r"\b(?:en|como) (?:un |una )?(?:[\w-]+ ){0,2}?(?:boceto|acuarela|óleo|caricatura|cómic|pintura|anime|manga|carboncillo|lápiz)\b",
        rf"(?<!no )\b{ES_LOCAL}(?: {ES_ONLY})? (?:el|la|los|las) {ES_ALL_OVER}",
    ),
)

ZH_TO = r"[^。！？!?；，,\n]"  # up to the end of a clause
ZH_ELSE = r"(?:其余|其餘|其他|其它|别的|別的)"
ZH_NOT = r"不没沒别別勿无無"
ZH_STAYS = (
    r"(?:不变|不變|一致|原[状狀样樣]|不动|不動|[别別勿][变變动動改]|不要(?:再)?[变變改动動]|不改|不做(?:任何)?(?:改|修)|相同|保留)"
)
ZH_LEAVE = r"(?:保留|不要?(?:改变|改變|改动|改動|更改|修改|动|動)|[别別勿](?:改变|改變|改|动|動|变|變))"
ZH_DO = r"(?:把|将|將|修改|更改|改变|改變|改|替换|替換|更换|更換|换|換|调整|調整|移除|去掉|[删刪]除?|添加|加上)"
ZH_ART = r"(?:风格|風格|画风|畫風|素描|草图|草圖|油画|油畫|水彩|水墨|漫画|漫畫|动漫|動漫|卡通|插画|插畫|版画|版畫|线稿|線稿|黑白)"
ZH_LIT = r"(?:夜晚|夜间|夜間|黑夜|夜景|晚上|白天|黄昏|黃昏|清晨|日落|冬天|冬季|夏天|夏季|春天|春季|秋天|秋季|雪景|雨天)"
ZH_ALL_OVER = (
    r"(?:光线|光線|光照|灯光|燈光|色调|色調|色彩|颜色|顏色|亮度|对比度|對比度|天气|天氣|时间|時間|季节|季節|背景|风格|風格|画风|畫風|视角|視角|氛围|氛圍)"
)
CHINESE_KEEPING = Keeping(
    rest=_any(
        rf"{ZH_ELSE}[^。！？!?；\n重換换画畫变變改{ZH_NOT}]{{0,20}}{ZH_STAYS}",
        rf"(?<![{ZH_NOT}要用需]){ZH_LEAVE}{ZH_TO}{{0,12}}?{ZH_ELSE}(?:{ZH_TO}{{0,12}}{ZH_STAYS})?",
        rf"(?<![{ZH_NOT}要用需])(?:保持|维持|維持){ZH_TO}{{0,12}}?{ZH_ELSE}{ZH_TO}{{0,12}}{ZH_STAYS}",
        rf"{ZH_ELSE}[^。！？!?；\n重換换画畫变變改{ZH_NOT}]{{0,8}}(?:保持|维持|維持)(?:原|不|现|現)",
        rf"(?:背景|画面|畫面)[^。！？!?；，,、\n{ZH_NOT}]{{0,4}}(?:别|別|不要|请勿|請勿|勿|不能|不)再?[变變动動改换換]",
        r"(?:不要?|别|別|勿)(?:改变|改變|改动|改動|更改|更换|更換|修改|动|動|换|換|改)背景",
    ),
    only=_any(rf"(?<![一二两兩三四五六七八九十几幾这這那每多半\d])[只仅僅]{ZH_DO}"),
    whole=_any(
        rf"(?:全部|都){ZH_TO}{{0,4}}(?:重|改|换|換|画|畫|变|變)|[整全][张張个個幅]?(?:图|圖|画面|畫面|照片|场景|場景|幅)|整体|整體|重[画畫绘繪]",
        rf"[成为為用換换改变變转轉作][^。！？!?，,；、\n]{{0,10}}?(?:{ZH_ART}|{ZH_LIT})",
        rf"{ZH_DO}(?:一下|了|掉)?(?:整体|整體|画面|畫面|图片|圖片|照片)?的?{ZH_ALL_OVER}(?![中里裡上内內的])",
    ),
)

JA_TO = r"[^。！？!?、\n]"
JA_STAYS = r"(?:まま|変え(?:ない|ず)|変更(?:しない|せず|なし|は不要)|維持|残し|触らな|いじらな|動かさな|同じ(?!色|よう))"
JA_OTHERWISE = r"(?:変え[てるた]|変更[しす](?!な)|描[いき]|塗[りっ]|にし[てた])"
JA_LOCAL = (
    r"(?:く(?:し|変|塗|染)|変え|変更|替え|置き換え|塗[りっ]|染め|編集|修正|直[しせ]|消[しせ]|削除|取り除|追加|加え|足し|[にへ](?:し|変|替|置き))"
)
JA_ART = (
    r"(?:風|スタイル|タッチ|テイスト|スケッチ|デッサン|水彩画?|油絵|油彩画?|アニメ調?|漫画|イラスト|線画|版画|モノクロ|白黒"
    r"|夜|夜景|夕方|朝|昼|冬|夏|春|秋)"
)
JAPANESE_KEEPING = Keeping(
    rest=_any(
        rf"以外(?:の{JA_TO}{{0,12}})?は(?:(?!{JA_OTHERWISE})[^。！？!?\n]){{0,60}}?{JA_STAYS}",
        rf"(?:他|ほか|残り|その他)(?:の(?!人|色|画像|絵|写真){JA_TO}{{1,8}})?は(?:(?!{JA_OTHERWISE})[^。！？!?\n]){{0,40}}?{JA_STAYS}",
        r"背景(?:は(?:その)?まま|[はを](?:一切)?(?:変え(?:ない|ず)|変更(?:しない|せず)|維持|いじらな|触らな))",
    ),
    only=_any(rf"(?<![るた])だけ[をはに]?(?!で|の)(?:(?!残|切り抜|表示|描){JA_TO}){{0,24}}?{JA_LOCAL}", r"のみを?(?:変|編集|修正)"),
    whole=_any(
        r"(?:すべて|全て|全部|丸ごと)(?:を|描|変え|塗)|(?:画像|画面|絵|写真|シーン)全体|全体[をに的が]",
        rf"{JA_ART}[にへで](?:し|変|描|塗|仕上|なる|なっ|だけ)",
        rf"(?:画風|スタイル|色味|明るさ|背景|構図|光|照明)(?:だけ)?を{JA_TO}{{0,12}}?(?:変え[てる]|変更し|替え)",
    ),
)

HI_TO = r"[^।.!?\n]"
HI_PICTURE = r"(?:तस्वीर|चित्र|छवि|दृश्य|फ\u093c?ोटो|\u095eोटो|इमेज)"
HI_NOT = r"(?:न|ना|मत|नहीं)\s+"
HI_STAYS = (
    r"(?:(?:वैस|जैस)[ाेी]\s+(?:ही|का|की|के|है|हैं|था|थी|थे)|ज्यों|जस\s+का|यथावत|अपरिवर्तित|समान|वही|बरकरार\s+रख|बनाए\s+रख"
    rf"|{HI_NOT}(?:बदल|छेड़|छुए)|(?:कोई\s+)?बदलाव\s+(?:न|नहीं|मत))"
)
HI_ALL_OVER = r"(?:शैली|रंग|रंगों|रोशनी|लाइटिंग|प्रकाश|पृष्ठभूमि|बैकग्राउंड|मौसम|समय|माहौल)"
HINDI_KEEPING = Keeping(
    rest=_any(
        rf"(?<!\S)(?:बा(?:क\u093c?|\u0958)ी|शेष)\s(?:(?!बदल|बनाएँ|बनाएं|रंग\s*दें|न\s+रख){HI_TO}){{0,60}}?{HI_STAYS}",
        rf"(?<!\S)(?:और\s+कुछ|कुछ\s+और|पृष्ठभूमि(?:\s+को)?|बैकग्राउंड|के\s+(?:अलावा|सिवा)\s+कुछ)\s+(?:भी\s+)?{HI_NOT}(?:बदल|छेड़)",
    ),
    only=_any(
        rf"(?<!\S)(?:सिर्(?:फ\u093c?|\u095e)|केवल|मात्र)\s(?:(?!रख|दिखा|इस्तेमाल|उपयोग|प्रयोग|,){HI_TO}){{1,60}}?(?:बदल|जोड़|हटा|रंग\s*दें|\sकर)",
    ),
    whole=_any(
        rf"पूर[ीाे]\s+{HI_PICTURE}|सब\s+कुछ\s+(?:बदल|बनाए[ँं]|रंग)|रात\s+(?:बना|का\s+(?:दृश्य|समय)|में\s+बदल)",
        r"(?:शैली|स्केच|पेंटिंग|कार्टून|एनिमे|जलरंग|रेखाचित्र|कॉमिक)\s+(?:में|जैसा|जैसी|की\s+तरह|बना)",
        rf"(?<!का\s)(?<!की\s)(?<!के\s){HI_ALL_OVER}\s+(?:को\s+)?बदल(?!ाव)|{HI_PICTURE}\s+को\s+(?:\S+\s+){{0,4}}?में\s+बदल",
    ),
)

KEEPING = (ENGLISH_KEEPING, SPANISH_KEEPING, CHINESE_KEEPING, JAPANESE_KEEPING, HINDI_KEEPING)
