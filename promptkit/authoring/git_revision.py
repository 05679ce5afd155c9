"""The templates of a folder as they were in a git revision, without a checkout.

git is asked for names and bytes only (`ls-tree`, `cat-file`), so that no filter, hook or attribute of the repository is at work. What is
rendered of a revision is as closed as any template.
"""

from __future__ import annotations

import posixpath
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from promptkit.errors import TemplateError
from promptkit.prompts.library_file import NAME, pictures_of
from promptkit.prompts.names import NEEDED_NAME
from promptkit.prompts.source_file import LONGEST_FILE

__all__ = ["templates_at", "write_templates"]

LONGEST_WAIT = 60  # seconds for one answer of git
MOST_FILES = 50_000  # templates of one revision
LARGEST_OTHER = 20_000_000  # bytes of a library's file, or of a picture that it names
LINK = "120000"


class _Entry(NamedTuple):
    """A file in git: its mode, which is empty for what is no file, the hash of its bytes, and how many these are."""

    mode: str
    blob: str
    size: int


def templates_at(revision: str, folder: Path) -> Mapping[str, bytes]:
    """The bytes of each file in the folder that can be a template or a part of one, by its name from there, as of a revision; those of
    library.yaml and of the pictures that it names, too.

    `revision` is what git takes: a branch, a tag, a hash, HEAD~2. A link is what it leads to, and left out where that is none of the files.
    Nothing where the folder was not there yet. TemplateError where it is no revision, or the folder is in no repository.
    """
    commit = _commit(revision, folder)
    listed = dict(_entry(line) for line in _git(folder, "ls-tree", "-r", "-z", "-l", commit).split(b"\0") if line)
    entries = {name: entry for name, entry in listed.items() if entry.mode and entry.size <= LARGEST_OTHER}
    found = {name: entry for name, entry in entries.items() if entry.size <= LONGEST_FILE and NEEDED_NAME.fullmatch(name)}
    if len(found) > MOST_FILES:
        raise TemplateError(f"{revision!r} has {len(found):,} templates there; {MOST_FILES:,} at most are compared: name a folder in it.")
    return _contents(folder, found) | _library_at(folder, entries)


def _library_at(folder: Path, entries: Mapping[str, _Entry]) -> dict[str, bytes]:
    """The library's file and the pictures that it names; nothing where there is none."""
    library = _contents(folder, {NAME: entries[NAME]} if NAME in entries else {})
    pictures = {file: entries[file] for data in library.values() for file in pictures_of(data) if file in entries}
    return library | _contents(folder, pictures)


def write_templates(files: Mapping[str, bytes], folder: Path) -> None:
    """Writes the files into an empty folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _commit(revision: str, folder: Path) -> str:
    if revision.startswith("-") or not revision.strip() or not revision.isprintable():
        raise TemplateError(f"{revision!r:.80} is no git revision; name a branch, a tag or a commit, such as main or HEAD~1.")
    if not folder.is_dir():
        raise TemplateError(f"There is no folder {folder}; name one that holds templates.")
    _git(folder, "rev-parse", "--git-dir")
    done = _run(folder, ("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"))
    if done.returncode:
        said = "check its spelling, or bring commits that were not fetched with `git fetch --unshallow` (`fetch-depth: 0`)"
        raise TemplateError(f"There is no revision {revision!r:.80} in the repository of {folder}; {said}.")
    return done.stdout.decode("ascii", "replace").strip()


def _entry(line: bytes) -> tuple[str, _Entry]:
    """The name of a line of ls-tree, and its entry."""
    about, _, name = line.partition(b"\t")
    mode, kind, blob, size = about.decode("ascii", "replace").split()
    is_file = kind == "blob" and size.isdigit()
    return name.decode("utf-8", "surrogateescape"), _Entry(mode if is_file else "", blob, int(size) if is_file else 0)


def _contents(folder: Path, entries: Mapping[str, _Entry]) -> dict[str, bytes]:
    """The bytes of the files, by name; of a link those of the file that it leads to, where that is one of them."""
    asked = list(dict.fromkeys(entry.blob for entry in entries.values()))
    blobs = dict(zip(asked, _blobs(folder, asked), strict=True)) if asked else {}
    found = {}
    for name, entry in entries.items():
        target: _Entry | None = entry
        if entry.mode == LINK:
            target = entries.get(posixpath.normpath(posixpath.join(posixpath.dirname(name), blobs[entry.blob].decode("utf-8", "replace"))))
        if target is not None and target.mode != LINK:
            found[name] = blobs[target.blob]
    return found


def _blobs(folder: Path, hashes: Sequence[str]) -> list[bytes]:
    """The bytes of each hash: git answers with a line that ends in the size, then so many bytes and a line's end."""
    answer = _git(folder, "cat-file", "--batch", asked="".join(f"{blob}\n" for blob in hashes))
    found, at = [], 0
    for _ in hashes:
        begin = answer.index(b"\n", at) + 1
        size = answer[at:begin].split()[-1]
        if not size.isdigit():
            raise TemplateError(f"git lacks a file of that revision ({answer[at:begin].decode('utf-8', 'replace').strip()}); fetch it.")
        found.append(answer[begin : begin + int(size)])
        at = begin + int(size) + 1
    return found


def _git(folder: Path, *arguments: str, asked: str = "") -> bytes:
    done = _run(folder, arguments, asked)
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
        raise TemplateError(f"git cannot read the repository of {folder}: {said or f'it ended with {done.returncode}'}.")
    return done.stdout


def _run(folder: Path, arguments: Sequence[str], asked: str = "") -> subprocess.CompletedProcess[bytes]:
    git = shutil.which("git")
    if git is None:
        raise TemplateError("git is not installed, or not in the PATH; a comparison with a revision needs it.")
    command = [git, "--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=false", *arguments]
    try:
        return subprocess.run(command, cwd=folder, input=asked.encode(), capture_output=True, timeout=LONGEST_WAIT)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise TemplateError(f"git did not answer in {LONGEST_WAIT} s ({arguments[0]}); try again.") from None
    except OSError as error:
        raise TemplateError(f"git cannot be run in {folder}: {error.strerror or error}.") from None
