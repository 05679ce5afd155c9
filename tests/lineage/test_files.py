"""Whether one file is what was recorded. The damage of whole sessions is in test_damage."""

from __future__ import annotations

import hashlib
from pathlib import Path

from promptkit.lineage.files import json_bytes, sources_digest, wrong_file


def test_a_file_is_what_was_recorded_or_it_is_said_why_not(tmp_path: Path) -> None:
    """By the sha256 of its bytes; a file that is missing, changed, or has a name that no file can have is told in words."""
    (tmp_path / "a.png").write_bytes(b"a")
    digest = hashlib.sha256(b"a").hexdigest()
    assert wrong_file(tmp_path, "a.png", digest) is None
    assert "sha256 differs" in str(wrong_file(tmp_path, "a.png", digest[::-1]))
    assert "No such file" in str(wrong_file(tmp_path, "b.png", digest))
    assert "missing or cannot be read" in str(wrong_file(tmp_path, "a\0b", digest))


def test_a_template_is_judged_by_its_sources(tmp_path: Path) -> None:
    """However its JSON is written; and a picture by its bytes, even in a session that is called templates."""
    folder = tmp_path / "templates"
    (folder / "templates").mkdir(parents=True)
    sources = {"b": "…", "a": "x"}
    digest = sources_digest(sources)
    for data in (json_bytes(sources), json_bytes(dict(sorted(sources.items())), indent=None)):
        (folder / "templates/x.json").write_bytes(data)
        assert wrong_file(folder, "templates/x.json", digest) is None
    assert "its sources" in str(wrong_file(folder, "templates/x.json", "ab" * 32))
    (folder / "a.png").write_bytes(b"a")
    assert wrong_file(folder, "a.png", hashlib.sha256(b"a").hexdigest()) is None
