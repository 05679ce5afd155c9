"""The built-in templates in Mexican Spanish: what they say, word for word, and that they read well whatever is left out."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from promptkit.prompts.library import Library
from promptkit.prompts.template import Template, bundle_of

LIBRARY = Library()
GOLDEN: dict[str, tuple[dict[str, Any], str]] = {
    "sticker": (
        {"subject": "el ajolote rosa", "characteristics": "un sombrerito de charro"},
        (
            "Una calcomanía estilo kawaii del ajolote rosa, con un sombrerito de charro. Usa una paleta de colores vivos e "
            "intensos. El diseño debe tener contornos gruesos y limpios, con un sombreado sencillo tipo caricatura. El fondo debe "
            "ser blanco."
        ),
    ),
    "logo": (
        {"concept": "una cafetería de barrio", "text": "Café de Olla"},
        (
            "Crea un logo moderno y minimalista para una cafetería de barrio, con el texto “Café de Olla” en una tipografía limpia, "
            "gruesa y sin remates. El diseño debe ser sencillo y estilizado, en blanco y negro."
        ),
    ),
    "photorealistic_portrait": (
        {
            "subject": "una alfarera oaxaqueña de edad avanzada",
            "action": "puliendo con cuidado un cántaro de barro negro",
            "environment": "un taller rústico bañado por el sol",
            "details": "la textura fina del barro",
        },
        (
            "Un retrato fotorrealista en primer plano de una alfarera oaxaqueña de edad avanzada, puliendo con cuidado un cántaro "
            "de barro negro, en un taller rústico bañado por el sol. La escena está iluminada por una luz natural y suave, lo que "
            "crea un ambiente tranquilo y espontáneo. La fotografía está tomada con un lente para retrato de 85 mm y resalta la "
            "textura fina del barro. La imagen debe estar en formato vertical."
        ),
    ),
    "edit.add": (
        {"element": "un sombrero tejido de mago", "place": "sobre la cabeza del gato, un poco ladeado"},
        (
            "En la imagen proporcionada, agrega un sombrero tejido de mago sobre la cabeza del gato, un poco ladeado. Respeta el "
            "estilo, la iluminación y la perspectiva de la imagen original, para que lo agregado se vea como si siempre hubiera "
            "estado ahí. Conserva todo lo demás en la imagen exactamente igual."
        ),
    ),
    "edit.remove": (
        {"element": "el poste de luz de la izquierda"},
        (
            "En la imagen proporcionada, quita el poste de luz de la izquierda. Rellena el espacio que quede con una continuación "
            "natural de lo que hay alrededor. Conserva todo lo demás en la imagen exactamente igual, en especial el estilo, la "
            "iluminación y la composición originales."
        ),
    ),
    "edit.inpaint": (
        {"element": "el sofá azul", "replacement": "un sofá antiguo de piel café", "keep": "los cojines del sofá"},
        (
            "En la imagen proporcionada, cambia solo el sofá azul por un sofá antiguo de piel café. Respeta la posición, la escala "
            "y la perspectiva de la imagen original, para que el cambio se integre de forma natural. Conserva todo lo demás en la "
            "imagen exactamente igual, en especial los cojines del sofá."
        ),
    ),
    "edit.style_transfer": (
        {"style": "mural mexicano", "subject": "el mercado del pueblo", "elements": "figuras monumentales", "from_picture": True},
        (
            "Recrea la primera imagen proporcionada del mercado del pueblo con el estilo artístico de la segunda: mural mexicano. "
            "Toma de la segunda imagen solo el estilo: sus colores, sus texturas y su técnica de dibujo. Conserva la composición "
            "original, los personajes y sus poses, pero representa todo con figuras monumentales. Cambia solo el estilo; conserva "
            "todo lo demás en la primera imagen exactamente igual."
        ),
    ),
    "edit.combine": (
        {"elements": ["el gato", "el equipal", "la ventana"], "scene": "el gato dormido en el equipal, frente a la ventana"},
        (
            "Crea una imagen nueva que combine estos elementos de las imágenes proporcionadas: de la primera, el gato; de la "
            "segunda, el equipal; y de la tercera, la ventana. La imagen final debe mostrar lo siguiente: el gato dormido en el "
            "equipal, frente a la ventana. Unifica la iluminación, las sombras, la perspectiva y la escala de todas las partes, "
            "para que pertenezcan a una misma escena. Conserva los rostros, las formas, los colores y las texturas exactamente como "
            "en las imágenes proporcionadas."
        ),
    ),
}
each = pytest.mark.parametrize("template", [LIBRARY[name] for name in GOLDEN], ids=list(GOLDEN))

# what no clean Spanish text holds: a preposition or an article without its noun, two in a row, a contraction not made, a doubled word
UNCLEAN = re.compile(
    r"  |\n|\s[.,;:]|[.,;:]{2}|None|[.;,:](?=[^\W\d])|“”|^\s|\s$|(?<!\.)$|(?<=\. )[a-záéíóúñ]|"
    r"\b(?:a|con|de|del|el|en|la|las|los|para|pero|por|que|solo|un|una|y|formato|ambiente)(?=[.,;:])|"
    r"\b(?:con|de|en|para|por) (?:con|de|en|para|por|y|e|pero)\b|\by (?:con|e|en|pero|y)\b|\b(?:a|de) el\b|"
    r"\bcalcomanía estilo de\b|\b(\w+) \1\b"
)
ENGLISH = re.compile(
    r"\b(?:an|add|and|as|background|black|bold|bright|by|change|clean|close-up|colors|design|everything|for|from|image|in|into|is|it|keep|lens|"
    r"light|lighting|match|mood|of|outlines?|palette|picture|preserve|remove|scene|shading|should|shot|simple|soft|sticker|style|that|the|this|"
    r"to|vintage|white|with)\b",
    re.IGNORECASE,
)


def spanish(template: Template, **inputs: Any) -> str:
    prompt = template(lang="es-MX", **inputs)
    assert prompt.lang == "es-MX"
    return str(prompt)


@pytest.mark.parametrize("name", GOLDEN)
def test_what_is_said(name: str) -> None:
    """Each template says this, word for word."""
    inputs, text = GOLDEN[name]
    assert spanish(LIBRARY[name], **inputs) == text


@each
def test_what_is_left_out_leaves_clean_sentences(template: Template) -> None:
    """One or two optional inputs left to their default or emptied, with the others filled or not, leave whole sentences."""
    edition = bundle_of(template, "es-MX").edition
    needed = {i.name: i.example for i in edition.required}
    optional = [i for i in edition.inputs.values() if not i.required]
    filled = needed | {i.name: i.example for i in optional if i.example is not None}
    for others in (needed, filled):
        for pair in itertools.combinations_with_replacement(optional, 2):
            for values in itertools.product((None, ""), repeat=2):
                out = {i.name: None if i.type == "boolean" else value for i, value in zip(pair, values, strict=True)}
                text = spanish(template, **others | out)
                assert UNCLEAN.search(text) is None, text


@each
def test_a_full_stop_of_ones_own_is_not_doubled(template: Template) -> None:
    """A text that ends with a full stop gives the same prompt as without it."""
    edition = bundle_of(template, "es-MX").edition
    plain = {i.name: i.example for i in edition.inputs.values() if isinstance(i.example, str)}
    lists = {i.name: i.example for i in edition.required if i.type == "list"}
    stopped = {name: text if name == "text" else f"{text}." for name, text in plain.items()}
    assert spanish(template, **lists, **stopped) == spanish(template, **lists, **plain)


@each
def test_no_english_is_left(template: Template) -> None:
    """What is said without being asked, and each example, is Spanish: defaults, fixed words and descriptions."""
    edition = bundle_of(template, "es-MX").edition
    texts = [spanish(template, **example["inputs"]) for example in edition.examples]
    said = [edition.description, *(i.description for i in edition.inputs.values())]
    assert len({*texts}) >= 2
    assert [word[0] for text in [*texts, *said] if (word := ENGLISH.search(text))] == []


@pytest.mark.parametrize(
    ("subject", "said"),
    [("el gato", "del gato"), ("una gata", "de una gata"), ("la gata", "de la gata"), ("El Santo", "de El Santo"), ("elotes", "de elotes")],
)
def test_de_and_el_are_contracted(subject: str, said: str) -> None:
    """A subject with "el" gives "del", any other stands behind "de" as it is, a name among them."""
    assert f"Una calcomanía estilo kawaii {said}. " in spanish(LIBRARY.sticker, subject=subject)
    assert f" en primer plano {said}. " in spanish(LIBRARY.photorealistic_portrait, subject=subject)
    assert f"imagen proporcionada {said} con el " in spanish(LIBRARY.edit.style_transfer, style="acuarela", subject=subject)


@pytest.mark.parametrize(
    ("shot_type", "said"),
    [
        *((shot, "en primer plano") for shot in ("primer plano", "en primer plano", "Primer plano", "un retrato en primer plano")),
        *((shot, "de tres cuartos") for shot in ("de tres cuartos", "retrato de tres cuartos")),
    ],
)
def test_a_shot_is_named_in_several_ways(shot_type: str, said: str) -> None:
    """The framing may come with its preposition, without it, or with the word that stands before it anyway."""
    text = spanish(LIBRARY.photorealistic_portrait, subject="una gata", shot_type=shot_type)
    assert text.startswith(f"Un retrato fotorrealista {said} de una gata. ")
