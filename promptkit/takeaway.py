"""Sessions taken along: a session's folder, or the trail of one step, as one zip; and a zip from anybody as a session again."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from promptkit import files
from promptkit.embed import ancestors
from promptkit.errors import LineageError, warn
from promptkit.lineage import MARKER, Lineage, Record
from promptkit.picture import SUFFIXES, Picture, media_type, suffix_of
from promptkit.record import RECORD_NAME, SCHEMA, json_bytes, read_json, sources_digest
from promptkit.step import Step

__all__ = ["LIMIT", "export", "import_session", "session_name"]

LIMIT = 8 * 10**9  # bytes that an archive may unpack to, unless the caller says otherwise
RATIO, SMALL = 100, 64 * 2**20  # and, beyond so many bytes, so many times its own size: pictures hardly shrink
LARGEST_JSON = 64 * 2**20  # bytes of one file that is read as a whole
CHUNK = 2**20
LAYOUT = 1
LAST_NUMBER = 999_999  # the last that a look-up takes for a number
STRIPPED = "stripped"
PUBLIC_ENDPOINTS = ("offline", "google", "deerapi", "aaigc")  # others' names may be a company's own
CONFIG = ("aspect_ratio", "image_size", "seed", "temperature", "safety")
GIT_FILES = (".gitattributes", ".gitignore")
ANY_SUFFIX = "|".join(re.escape(s) for s in sorted({*SUFFIXES.values(), ".img"}))
NAMES = {
    "record": RECORD_NAME,
    "picture": re.compile(rf"\d{{4,}}-[\w.]+-(?P<sha>[0-9a-f]{{10}})(?:{ANY_SUFFIX})"),
    "source": re.compile(rf"sources/(?P<sha>[0-9a-f]{{64}})(?:{ANY_SUFFIX})"),
    "template": re.compile(r"templates/(?P<sha>[0-9a-f]{64})\.json"),
    "extra": re.compile(r"extra/(?P<sha>[0-9a-f]{64})"),
    "tag": re.compile(r"tags/[a-z0-9-]{1,40}-(?P<sha>[0-9a-f]{8})\.json"),
    "head": re.compile("head"),
    "marker": re.compile(re.escape(MARKER)),
    "git": re.compile("|".join(map(re.escape, GIT_FILES))),
}
JSON_KINDS = ("record", "template", "extra", "tag", "head", "marker", "git")
FOLDERS = ("", "sources/", "templates/", "extra/", "tags/")
ID = re.compile(r"[0-9a-f]{64}")


class Exported(Protocol):
    """What is asked of the session that is exported, which stands above."""

    @property
    def folder(self) -> Path: ...

    @property
    def head(self) -> Step | None: ...


Where = str | os.PathLike[str]
Contents = dict[str, Path | bytes]  # by name within the session's folder


# Taking along


def export(
    session: Exported,
    path: Where,
    *,
    step: Step | int | str | None = None,
    all: bool = False,  # noqa: A002  (the word that the command line has)
    strip: bool = False,
    overwrite: bool = False,
) -> Path:
    """Writes a zip that holds a session's folder: the trail of a step (by default the head), or with `all` every step; returns its path.

    A trail is the step with all that it came from, references too, and the pictures, outside pictures, template sources, kept turns and
    tags of these, byte for byte, so that ids stay; the head is that step. The same trail makes the same file, whenever it is exported. What
    is damaged is left out, and named in a warning.

    `strip` makes a new lineage with ids of its own: steps, pictures, times, models, costs and outcomes, without prompts, inputs, labels,
    meta, tags, template sources, pictures from outside that went along as references, and all that the model said. Each new record has the
    original id as `stripped_from`. The pictures' bytes stay, and may hold metadata of their own.

    The file appears whole or not at all. LineageError where one is there already (unless `overwrite`), where there is nothing to export, or
    a picture to strip is damaged; StepNotFound.
    """
    lineage, target = Lineage(session.folder), _archive_path(path, session.folder, overwrite=overwrite)
    head = _head(session, lineage, step, everything=all)
    records = ancestors(lineage, *(lineage.records() if all or head is None else (head,)))
    if not records:
        raise LineageError(f"{session.folder} has no steps to export; make one with generate(…) first.", path=session.folder)
    position = _position(lineage, head, everything=all)
    contents = _stripped(lineage, records, position) if strip else _contents(lineage, records, position, everything=all)
    _write_archive(target, STRIPPED if strip else _plain_name(session.folder.name), contents, overwrite=overwrite)
    return target


def _archive_path(path: Where, folder: Path, *, overwrite: bool) -> Path:
    try:
        target = Path(path).expanduser()
        target = target if target.suffix else target.with_name(f"{target.name}.zip")
        is_inside, is_there = target.resolve().is_relative_to(folder.resolve()), target.exists()
        is_file = target.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        raise LineageError(f"{os.fsdecode(path)!r:.80} is no name for a file: {error}; give another one.") from None
    if is_inside:
        raise LineageError(f"{target} lies in the session that it would hold; name a file outside of {folder}.", path=target)
    if is_there and not (is_file and overwrite):
        raise _there_already(target)
    return target


def _there_already(target: Path) -> LineageError:
    return LineageError(f"{target} is there already; name another file, or allow it to be replaced with overwrite.", path=target)


def _head(session: Exported, lineage: Lineage, step: Step | int | str | None, *, everything: bool) -> Record | None:
    if step is not None:
        return lineage.get(step.id) if isinstance(step, Step) else lineage.find(step)
    if session.head is None and not everything and lineage.count():
        raise LineageError("The head of this session is not known: name the step whose trail to export.", path=session.folder)
    return lineage.get(session.head.id) if session.head else None


def _position(lineage: Lineage, head: Record | None, *, everything: bool) -> list[str]:
    """The head's id, and what undo left for redo where that comes along."""
    known, redo = lineage.head()
    follows = everything and head is not None and known == head.id and all(map(lineage.has, redo))
    return ([head.id] if head else []) + (list(redo) if follows else [])


def _contents(lineage: Lineage, records: Sequence[Record], position: Sequence[str], *, everything: bool) -> Contents:
    """The files of these steps, those that are as they were recorded; the others are named in a warning."""
    needed: dict[str, str] = {}
    for record in records:
        needed |= {record.path.name: record.id, **_needed(record)}
    wrong = {name for name, sha256 in needed.items() if not _is_whole(lineage.folder / name, name, sha256)}
    there = {r.id for r in records}
    lost = sorted(wrong | {f"the step {i[:10]}" for r in records for i in r.parents if i not in there})
    lost += sorted(n for n in os.listdir(lineage.folder) if everything and RECORD_NAME.fullmatch(n) and n not in needed)  # noqa: PTH208
    if lost:
        more = f", and {len(lost) - 1} more" if len(lost) > 1 else ""
        warn(f"Left out, for it is missing or damaged: {lost[0]}{more}; `promptkit verify` lists what is.")
    tags = [p for p in sorted(lineage.folder.glob("tags/*.json")) if _is_tag(p, p.name) and read_json(p)["id"] in there]
    contents: Contents = {name: lineage.folder / name for name in needed if name not in wrong}
    return contents | {f"tags/{p.name}": p for p in tags} | _frame(position)


def _needed(record: Record) -> dict[str, str]:
    """The files that a record names, each with its digest."""
    named = {Path(o["file"]).name: o["sha256"] for o in record.outputs}
    named |= {f"sources/{Path(s['file']).name}": s["sha256"] for s in record.sources if s.get("file")}
    named |= {f"extra/{Path(turn).name}": turn for turn in (a.get("turn") for a in record.attempts) if turn}
    if digest := record.prompt.get("digest"):
        named[f"templates/{Path(digest).name}.json"] = digest
    return named


def _is_whole(path: Path, name: str, sha256: str) -> bool:
    if name.startswith("templates/"):
        return sources_digest(read_json(path)) == sha256
    try:
        return _sha256(path) == sha256
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_tag(path: Path, name: str) -> bool:
    """Whether it is a tag as they are written: a text that is no number, an id, and the text's hash in the file's name."""
    tag, match = read_json(path), NAMES["tag"].fullmatch(f"tags/{name}")
    text, full_id = tag.get("name"), tag.get("id")
    if not match or not isinstance(text, str) or not isinstance(full_id, str) or not ID.fullmatch(full_id):
        return False
    is_name = bool(text.strip()) and not text.strip().isdigit() and text.splitlines() == [text]
    return is_name and hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8] == match["sha"]


def _frame(position: Sequence[str]) -> Contents:
    """What every session's folder has, as a new one is made, and the head."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made"
        Lineage(made).create()
        frame: Contents = {p.name: p.read_bytes() for p in made.iterdir()}
    return frame | ({"head": "".join(f"{i}\n" for i in position).encode()} if position else {})


# The archive's file


def _write_archive(target: Path, name: str, contents: Contents, *, overwrite: bool) -> None:
    temporary = files.temporary_beside(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for inner in sorted(contents):
                    _put(archive, f"{name}/{inner}", contents[inner])
            file.flush()
            os.fsync(file.fileno())
        _rename(temporary, target, overwrite=overwrite)
        files.sync_folder(target.parent)
    except OSError as error:
        said = f"{target} cannot be written: {error.strerror or error}; make room, or name another file."
        raise LineageError(said, path=target) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _put(archive: zipfile.ZipFile, name: str, content: Path | bytes) -> None:
    """One file, stored as it is: pictures do not shrink, and what a zlib makes of the rest differs from machine to machine."""
    info = zipfile.ZipInfo(name)  # of 1980: a date would make each export another file
    info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16
    info.file_size = len(content) if isinstance(content, bytes) else content.stat().st_size
    with archive.open(info, "w") as out:
        if isinstance(content, bytes):
            out.write(content)
        else:
            with content.open("rb") as file:
                shutil.copyfileobj(file, out, CHUNK)


def _rename(temporary: Path, target: Path, *, overwrite: bool) -> None:
    if not overwrite:
        try:
            target.hardlink_to(temporary)  # unlike a rename it never replaces what came there meanwhile
        except FileExistsError:
            raise _there_already(target) from None
        except OSError:  # a drive without links
            pass
        else:
            return
    temporary.replace(target)


def _plain_name(name: str) -> str:
    """The name as a folder can have it on any system."""
    plain = "".join(c if c.isprintable() and c not in '\\/:*?"<>|' else "_" for c in name).strip(". ")
    return plain or "session"


# Without words


def _stripped(lineage: Lineage, records: Sequence[Record], position: Sequence[str]) -> Contents:
    """A new lineage of these steps, each after its parents, that holds no words."""
    contents: Contents = {}
    new_ids: dict[str, str] = {}
    for number, record in enumerate(records, 1):
        pictures = {f"{number:04}-picture-{o['sha256'][:10]}{Path(o['file']).suffix}": o for o in record.outputs}
        for name, output in pictures.items():
            contents[name] = _whole_picture(lineage, record, output)
        outputs = [{**_only(o, "sha256", "bytes", "mime_type", "size"), "file": name} for name, o in pictures.items()]
        data = json_bytes({"schema": SCHEMA, "number": number, **_wordless(record, new_ids), "outputs": outputs})
        new_ids[record.id] = hashlib.sha256(data).hexdigest()
        contents[f"{number:04}-picture-{new_ids[record.id][:10]}.json"] = data
    return contents | _frame([new_ids[i] for i in position])


def _whole_picture(lineage: Lineage, record: Record, output: Mapping[str, Any]) -> Path:
    path = lineage.folder / Path(output["file"]).name
    if not _is_whole(path, path.name, output["sha256"]):
        said = f"The picture of step {record.number}, {path.name}, is missing or damaged; export without strip leaves it out."
        raise LineageError(said, path=path)
    return path


def _wordless(record: Record, new_ids: Mapping[str, str]) -> dict[str, Any]:
    """What a stripped record holds of one; this list is all. Its recipe goes too: it is a hash of the prompt, which can be guessed at."""
    fields, request = record.fields, record.request
    sources = [s for s in record.sources if s.get("step") in new_ids]
    return {
        "outcome": record.outcome,
        "stripped_from": record.id,
        "label": None,
        "meta": {},
        "parents": [new_ids[i] for i in record.parents if i in new_ids],
        "prompt": {},
        "sources": [{**_only(s, "role", "sha256", "mime_type"), "step": new_ids[s["step"]]} for s in sources],
        "request": {
            "endpoint": request.get("endpoint") if request.get("endpoint") in PUBLIC_ENDPOINTS else None,
            "model": request.get("model"),
            "config": _only(request.get("config") or {}, *CONFIG),
        },
        "attempts": [_wordless_attempt(a) for a in record.attempts],
        "warnings": [],
        "recipe": None,
        "take": fields.get("take"),
        "chain": "picture",
        "started": fields.get("started"),
        "ended": fields.get("ended"),
    }


def _wordless_attempt(attempt: Mapping[str, Any]) -> dict[str, Any]:
    kept = _only(attempt, "started", "ended", "outcome", "cost", "status")
    kept["usage"] = {k: v for k, v in (attempt.get("usage") or {}).items() if isinstance(v, int)}
    reason = attempt.get("finish_reason")
    return kept | ({"finish_reason": reason} if isinstance(reason, str) and re.fullmatch(r"[A-Za-z_]{1,40}", reason) else {})


def _only(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {n: values[n] for n in names if n in values}


# Bringing back


def import_session(path: Where, folder: Where, *, limit: int = LIMIT) -> Path:
    """Unpacks an exported session into a folder, a new one or another session's, whose steps, tags and head stay; returns the folder.

    Everything is checked before anything is placed, so that an archive from a stranger does no harm: each name is one that a session has,
    each record and file fits its hash, each picture is one, and what is unpacked is at most `limit` bytes and, beyond 64 MB, at most 100
    times the archive. A new folder appears whole or not at all; what is merged is taken back where it cannot be completed, and what a
    killed process left of it is a session too, which importing again completes. Files that are damaged there and whole here are mended.

    LineageError names the file that does not belong, or the versions where a newer promptkit made the archive.
    """
    archive, target = _path(path), _path(folder).absolute()
    lineage = Lineage(target)
    with ExitStack() as afterwards, _explained(archive, target), _opened(archive, limit) as (zipped, entries):
        is_new = not lineage.exists and not (target.exists() and os.listdir(target))  # noqa: PTH208
        stage = _staged(target.parent if is_new else target, afterwards)
        _unpack(zipped, entries, stage)
        records = _checked(stage, entries, archive)
        if is_new:
            with suppress(OSError):
                target.rmdir()  # an empty one, which not every system replaces
            stage.rename(target)
            files.sync_folder(target.parent)
        else:
            lineage.create()
            _merge(stage, target, _in_order(stage, entries, records), archive)
    _warn_of_lost(target, records)
    return target


def session_name(path: Where) -> str:
    """The name of the session that an archive holds. LineageError where it is no archive, or the name is none for a folder."""
    archive = _path(path)
    with _explained(archive), zipfile.ZipFile(archive) as zipped:
        name = _top(zipped)
        _check_layout(zipped, name, archive)
    if name != _plain_name(name) or name.startswith("."):
        raise LineageError(f"{archive.name} holds a session by the name {name!r:.80}, which no folder should have; give one.", path=archive)
    return name


def _path(path: Where) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise LineageError(f"{os.fsdecode(path)!r:.80} is no path: {error}.") from None


@contextmanager
def _explained(archive: Path, target: Path | None = None) -> Iterator[None]:
    """What the system or a damaged archive raises becomes a LineageError."""
    try:
        yield
    except OSError as error:
        what = f"or unpacked into {target}" if target else "as an archive"
        said = f"{archive} cannot be read, {what}: {error.strerror or error}; nothing was imported."
        raise LineageError(said, path=archive) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, NotImplementedError, RuntimeError, OverflowError) as error:
        said = f"{archive} is no zip, or a damaged one ({error}); nothing was imported: ask for it again."
        raise LineageError(said, path=archive) from None


def _refused(archive: Path, name: str, why: str) -> LineageError:
    return LineageError(f"{archive.name} holds {name!r:.120}, which {why}; nothing was imported.", path=archive)


Entries = dict[str, zipfile.ZipInfo]  # by name within the session's folder


@contextmanager
def _opened(archive: Path, limit: int) -> Iterator[tuple[zipfile.ZipFile, Entries]]:
    """The archive and what of it is unpacked, after its names, kinds and declared sizes were checked."""
    with zipfile.ZipFile(archive) as zipped:
        infos = zipped.infolist()
        top = _top(zipped)
        _check_layout(zipped, top, archive)
        entries: Entries = {}
        seen: set[str] = set()
        for info in infos:
            inner = info.orig_filename.removeprefix(f"{top}/")
            _check_entry(info, top, inner, archive)
            if inner.casefold() in seen:  # some systems take both for the same
                raise _refused(archive, info.orig_filename, "is in it twice")
            seen.add(inner.casefold())
            if _kind(inner) not in (None, "marker", "git"):  # these are the same in each session, and made anew
                entries[inner] = info
        _check_size(entries, archive, limit)
        yield zipped, entries


def _top(zipped: zipfile.ZipFile) -> str:
    """The folder that holds all else: the first that has a session's marker."""
    return next((n.partition("/")[0] for n in zipped.namelist() if n.partition("/")[2] == MARKER), "")


def _check_layout(zipped: zipfile.ZipFile, top: str, archive: Path) -> None:
    try:
        marker = zipped.getinfo(f"{top}/{MARKER}")
    except KeyError:
        said = f"{archive.name} holds no session: there is no {MARKER} in a folder with all else; `promptkit export` makes archives."
        raise LineageError(said, path=archive) from None
    try:
        layout = json.loads(zipped.read(marker))["layout"] if marker.file_size < CHUNK else None
    except (ValueError, KeyError, TypeError, RecursionError):
        layout = None
    if isinstance(layout, int) and layout > LAYOUT:
        said = f"{archive.name} has layout {layout}, and this promptkit knows {LAYOUT}: upgrade promptkit to import it."
        raise LineageError(said, path=archive, newer=True)
    if layout != LAYOUT:
        raise _refused(archive, marker.filename, f'is none of a session (it should hold {{"layout": {LAYOUT}}})')


def _check_entry(info: zipfile.ZipInfo, top: str, inner: str, archive: Path) -> None:
    name, mode = info.orig_filename, info.external_attr >> 16
    if name == inner or name != info.filename or top != _plain_name(top):
        raise _refused(archive, name, "is no file of a session's folder")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(archive, name, "is a link or a device, and no file")
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(archive, name, "is encrypted, or packed in a way that promptkit does not read")
    if inner in FOLDERS and not info.file_size:
        return
    if _kind(inner) is None:
        raise _refused(archive, name, "is no file that a session has")
    if _kind(inner) in JSON_KINDS and info.file_size > LARGEST_JSON:
        raise _refused(archive, name, f"has {info.file_size:,} bytes, more than the {LARGEST_JSON:,} that such a file may have")


def _kind(inner: str) -> str | None:
    return next((kind for kind, pattern in NAMES.items() if pattern.fullmatch(inner)), None)


def _check_size(entries: Entries, archive: Path, limit: int) -> None:
    total = sum(info.file_size for info in entries.values())
    if total > limit:
        said = f"{archive.name} unpacks to {total:,} bytes, more than the {limit:,} that are allowed; a higher limit imports it."
        raise LineageError(said, path=archive)
    if total > max(SMALL, RATIO * archive.stat().st_size):
        said = f"{archive.name} unpacks to {total:,} bytes, more than {RATIO} times its size, as no pictures do; nothing was imported."
        raise LineageError(said, path=archive)


# Unpacking beside, and checking


def _staged(parent: Path, afterwards: ExitStack) -> Path:
    """A new session's folder beside where it will stand, which is gone afterwards, with the folders that were made for it, if empty."""
    for folder in [p for p in (parent, *parent.parents) if not p.exists()][::-1]:
        folder.mkdir(exist_ok=True)
        afterwards.callback(_remove_empty, folder)
    stage = files.temporary_beside(parent / MARKER)
    afterwards.callback(shutil.rmtree, stage, ignore_errors=True)
    Lineage(stage).create()
    return stage


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _unpack(zipped: zipfile.ZipFile, entries: Entries, stage: Path) -> None:
    for inner, info in entries.items():
        path = stage / inner
        path.parent.mkdir(exist_ok=True)
        with zipped.open(info) as source, path.open("xb") as file:
            shutil.copyfileobj(source, file, CHUNK)  # zipfile reads no more than was declared, and finds what lied about it by its CRC
            file.flush()
            os.fsync(file.fileno())
    for folder in {(stage / inner).parent for inner in entries} | {stage}:
        files.sync_folder(folder)


def _checked(stage: Path, entries: Entries, archive: Path) -> tuple[Record, ...]:
    """The records, after each file was found to be what its name and they say."""
    records = tuple(_checked_record(stage / n, archive, info) for n, info in entries.items() if _kind(n) == "record")
    ids, needed = {r.id for r in records}, {n: sha256 for r in records for n, sha256 in _needed(r).items()}
    for inner, info in entries.items():
        if why := _wrong(stage / inner, inner, needed.get(inner), ids):
            raise _refused(archive, info.orig_filename, why)
    return records


def _checked_record(path: Path, archive: Path, info: zipfile.ZipInfo) -> Record:
    try:
        record = Record.read(path)
    except LineageError as error:
        if error.newer:
            raise LineageError(str(error), path=archive, newer=True) from None
        raise _refused(archive, info.orig_filename, "cannot be read as a record") from None
    if not record.is_itself:
        raise _refused(archive, info.orig_filename, "was changed or renamed after it was written (its number and sha256 are not its name)")
    if not _is_plausible(record):
        raise _refused(archive, info.orig_filename, "names what no record does: a number, a cost, a file or a step that cannot be")
    return record


def _is_plausible(record: Record) -> bool:
    """Whether it leads nowhere outside, and does not make room in a budget."""
    costs = [a["cost"]["usd"] for a in record.attempts if a.get("cost")]
    steps = [*record.parents, *(s["step"] for s in record.sources if s.get("step"))]
    named = [o["file"] for o in record.outputs] + [s["file"] for s in record.sources if s.get("file")]
    return (
        0 < record.number <= LAST_NUMBER
        and all(math.isfinite(c) and c >= 0 for c in costs)
        and all(ID.fullmatch(i) for i in steps)
        and all(e["mime_type"].startswith("image/") for e in (*record.outputs, *record.sources))
        and {_kind(n) for n in named} <= {"picture", "source"}
        and set(named) <= set(_needed(record))
        and all(_fits(n, sha256) for n, sha256 in _needed(record).items())
    )


def _fits(inner: str, sha256: str) -> bool:
    """Whether the file's name holds what it should be the hash of."""
    match = NAMES[_kind(inner) or "head"].fullmatch(inner)
    return match is not None and bool(ID.fullmatch(sha256)) and sha256.startswith(match["sha"])


def _wrong(path: Path, inner: str, sha256: str | None, ids: set[str]) -> str:
    """Why a file does not belong into a session of these steps; nothing where it does."""
    kind = _kind(inner)
    if kind == "record":
        return ""
    if kind == "head":
        return "" if set(_lines(path)) <= ids else "names a step that is not in it"
    if kind == "tag":
        return "" if _is_tag(path, path.name) and read_json(path)["id"] in ids else "is no tag of a step that is in it"
    if sha256 is None:
        return "belongs to no step that is in it"
    if not _is_whole(path, inner, sha256):
        return "is not what its step recorded (its sha256 differs)"
    if kind == "extra":
        return "" if read_json(path) else "is no turn of a model"
    return "" if kind == "template" or _is_picture(path) else "is no picture of the type that its name says"


def _lines(path: Path) -> list[str]:
    return path.read_bytes().decode("ascii", "replace").split()


def _is_picture(path: Path) -> bool:
    with path.open("rb") as file:
        mime_type = media_type(file.read(CHUNK)) or Picture(path.read_bytes()).mime_type
    return mime_type.startswith("image/") and suffix_of(mime_type) == path.suffix


# Placing


def _in_order(stage: Path, entries: Entries, records: Sequence[Record]) -> list[str]:
    """The files' names, each after those that it needs, so that what stands there is a session at any moment."""
    beside = [n for n in entries if _kind(n) in ("picture", "source", "template", "extra")]
    tags = [n for n in entries if _kind(n) == "tag"]
    by_parents = ancestors(Lineage(stage), *sorted(records, key=lambda r: r.number))
    return [*beside, *(r.path.name for r in by_parents), *tags, *(n for n in entries if n == "head")]


def _merge(stage: Path, target: Path, names: Sequence[str], archive: Path) -> None:
    """Moves what is not there; takes it back where that fails midway. What is there stays, unless it is damaged."""
    new = [n for n in names if not (target / n).exists()]
    damaged = [n for n in names if n not in set(new) and _is_to_mend(stage / n, target / n, n, archive)]
    with ExitStack() as undo:
        for name in new:
            undo.callback(_remove_empty, (target / name).parent)
            (target / name).parent.mkdir(exist_ok=True)
            (stage / name).rename(target / name)
            undo.callback((target / name).unlink, missing_ok=True)
        undo.pop_all()
    for name in damaged:
        (stage / name).replace(target / name)
    for folder in {(target / n).parent for n in (*new, *damaged)}:
        files.sync_folder(folder)
    if damaged:
        warn(f"{len(damaged)} files of {target.name} were damaged, and are as they were recorded again: {', '.join(damaged[:3])}.")


def _is_to_mend(own: Path, there: Path, name: str, archive: Path) -> bool:
    """Whether a file that is there already is damaged. A tag and the head are not: they stay where they point to."""
    kind = _kind(name)
    if kind == "head":
        return False
    if kind == "tag":
        if read_json(there).get("id") != read_json(own)["id"]:
            warn(f"The tag {read_json(own)['name']!r} stays at its step; {archive.name} has it at {read_json(own)['id'][:10]}.")
        return False
    if there.is_file() and _sha256(there) == _sha256(own):
        return False
    match = NAMES[kind or "head"].fullmatch(name)
    digest = match[3] if match and kind == "record" else match["sha"] if match else ""
    if kind in ("record", "picture") and there.is_file() and _sha256(there).startswith(digest):
        raise _refused(archive, name, "is another file of the same name than the one that is there already")
    return kind != "template" or sources_digest(read_json(there)) != digest


def _warn_of_lost(target: Path, records: Sequence[Record]) -> None:
    lineage = Lineage(target)
    lost = [n for r in records for n in _needed(r) if not (target / n).exists()]
    lost += [f"the step {i[:10]}" for r in records for i in r.parents if not lineage.has(i)]
    if lost:
        more = f", and {len(lost) - 1} more" if len(lost) > 1 else ""
        warn(f"Missing in it since it was exported: {lost[0]}{more}; `promptkit verify` lists what is.")
