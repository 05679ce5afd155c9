"""The schema of the flat objects that programs get, as a judge that knows no key beyond it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jsonschema

import promptkit

PACKAGE = Path(promptkit.__file__).parent
SCHEMA: dict[str, Any] = json.loads((PACKAGE / "json_objects.schema.json").read_bytes())
DEFINED: dict[str, dict[str, Any]] = SCHEMA["$defs"]
SHARED = ("record", "cost")  # groups of keys that several kinds have
KINDS = [name for name in DEFINED if name not in SHARED]


def _strict() -> jsonschema.Draft202012Validator:
    """A validator that refuses kinds and keys that the schema does not know, which a reader takes."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    schema = copy.deepcopy(SCHEMA)
    schema["unevaluatedProperties"] = False
    schema["properties"]["schema"]["enum"] = [f"promptkit.{kind}/1" for kind in KINDS]
    return jsonschema.Draft202012Validator(schema)


STRICT = _strict()
READER = jsonschema.Draft202012Validator(SCHEMA)


def described(objects: Iterable[Mapping[str, Any]]) -> list[str]:
    """The kinds of these objects, after each was found to be what the schema says, without a key more."""
    kinds = []
    for each in objects:
        STRICT.validate(each)
        kinds.append(str(each["schema"]).removeprefix("promptkit.").removesuffix("/1"))
    return kinds


def kinds_in_source() -> set[str]:
    """The kinds that the package makes, as its source names them."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    return set(re.findall(r'flat_object\(\s*"(\w+)"', text)) | set(re.findall(r'"promptkit\.(\w+)/1"', text))
