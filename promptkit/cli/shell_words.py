"""What a sentence of the library says in Python's words, in the words of the command line.

The library names arguments and methods, as its users write them: `fresh=True`, `edit(…)`. Here each of these has its option or command.
A sentence that differs in more than words has its own, the error's or the warning's `in_shell`.
"""

from __future__ import annotations

import re

__all__ = ["in_shell_words"]

FLAGS = {"fresh": "--fresh", "overwrite": "--overwrite", "embed": "--embed", "drop_credentials": "--drop-credentials"}
SAME = (
    *("budget", "chain", "deadline", "lang", "anchor", "label", "recover", "start", "on", "seed", "temperature", "quality", "step"),
    *("each", "by", "stars", "note", "region", "embed"),
)
OPTIONS = {
    **{name: f"--{name}" for name in SAME},
    "endpoint": "-e",
    "model": "-m",
    "references": "-r",
    "inputs": "-i",
    "columns": "--column",
    "into": "--into",
    "retry": "--retry",
    "n": "--takes",
    "max_requests": "--max-requests",
    "aspect_ratio": "--aspect-ratio",
    "image_size": "--image-size",
}
METHODS = {
    "add": "add FILE",
    "edit": 'edit "…"',
    "export": "export",
    "forget": "forget STEPS",
    "generate": 'generate "…"',
    "goto": "goto STEP",
}
RULES = (
    # the key, which no option takes
    (r"; or pass endpoint= and api_key=; or call promptkit\.ask_key\([^)]*\)", "; or name another endpoint with -e"),
    (r", pass api_key=, or call promptkit\.ask_key\([^)]*\)", ""),
    (r", or pass api_key=", ""),
    (r"\bas api_key=", "in PROMPTKIT_API_KEY"),
    (r"\binto api_key= or a variable", "into a variable"),
    # arguments that belong to a call
    (r"\bcall edit\(…\) on ", "edit with --on "),
    (r"\bas references=\[…\]", "with -r"),
    (r"\bedit\(prompt, on='?(\w+)'?, references=\[…\]\)", r'`promptkit edit "…" --on \1 -r …`'),
    (r"\bedit\(…, on='?(\w+)'?\)", r"--on \1"),
    (r"\bgoto\(…\)(?= names the step to replay)", "--step"),
    # runs
    (r'\bextra="keep"', "--keep-extra"),
    (r'\bwith mode="live"', "without --batch"),
    (r'(\bwith )?\bmode="batch"', r"\1--batch"),
    (r"`run` with into= makes one", "`promptkit run TABLE -t NAME --into FOLDER` makes one"),
    (r"\bsession\.recipe\(FILE\)", "`promptkit recipe`"),
    (r"\bper_minute\b", "--per-minute"),
    (r"\bworkers is\b", "--workers is"),
    (r"\bn is a whole\b", "--takes is a whole"),
    (r"\bsend=False\b", "--no-send"),
    (r"\bin templates=", "in the folders of -L"),
    (r"\btemplates= takes", "--today takes"),
    *((rf"\b{name}=True\b", flag) for name, flag in FLAGS.items()),
    *((rf"\b{name}=(?:'([^']+)'|\"([^\"]+)\"|(\d(?:[\d.]*\d)?))", rf"{option} \1\2\3") for name, option in OPTIONS.items()),
    *((rf"\b{name}=(?![\w'\"\[{{=])", option) for name, option in OPTIONS.items()),
    (r"\bmax_requests\b", "--max-requests"),
    (r"`(verify|marks)`", r"`promptkit \1`"),
    *((rf"\b{name}\(…\)", f"`promptkit {command}`") for name, command in METHODS.items()),
)
PATTERNS = [(re.compile(pattern), words) for pattern, words in RULES]


def in_shell_words(sentence: str) -> str:
    """The sentence as the command line says it."""
    for pattern, words in PATTERNS:
        sentence = pattern.sub(words, sentence)
    return sentence
