"""A session from an archive that anybody may have made: everything is checked before anything is placed."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from promptkit import atomic
from promptkit.archive.manifest import digest_in, first_of, kind_of, plain_name, portable_name
from promptkit.errors import LineageError, warn
from promptkit.images.formats import media_type, suffix_of
from promptkit.images.picture import Picture
from promptkit.lineage.files import LARGEST_JSON, LARGEST_PICTURE, open_file, parsed, read_file, read_json, sha256_of, wrong_file
from promptkit.lineage.forgotten import note_path, read_note
from promptkit.lineage.head_and_tags import tagged_step
from promptkit.lineage.layout import BESIDE, LAYOUT, MARKER, files_left, files_of, frame, make
from promptkit.lineage.marks import mark_in
from promptkit.lineage.record import FULL_SHA256, Record
from promptkit.lineage.references import NamedPictures, named_in
from promptkit.lineage.tree import Lineage

__all__ = ["LIMIT", "import_session", "session_name"]

LIMIT = 8 * 10**9  # bytes that an archive may unpack to, unless the caller says otherwise
RATIO, SMALL = 100, 64 * 2**20  # and, beyond so many bytes, so many times its own size: pictures hardly shrink
CHUNK = 2**20
LAST_NUMBER = 999_999  # the last that a look-up takes for a number
JSON_KINDS = ("record", "template", "extra", "forgotten", "tag", "reference", "mark", "head", "marker")
POINT = {"tag": "references", "reference": "tags"}  # kinds of names in one name space, each with the folder of the other
FOLDERS = ("", *(f"{name}/" for name in BESIDE))
MAC_FOLDER = "__MACOSX/"  # where that system's zip program puts what it knows of each file besides
DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OverflowError, RuntimeError, ValueError)

Where = str | os.PathLike[str]
Entries = dict[str, zipfile.ZipInfo]  # by name within the session's folder


def import_session(path: Where, folder: Where, *, limit: int = LIMIT) -> Path:
    """Unpacks an exported session into a folder, a new one or another session's, whose steps, tags and head stay; returns the folder.

    Everything is checked before anything is placed, so that an archive from a stranger does no harm: each name is one that a session has
    (what zip programs and systems add, `__MACOSX/` and hidden files, is passed over), each record and file fits its hash, each picture is
    one, and what is unpacked is at most `limit` bytes and, beyond 64 MB, at most 100 times the archive.

    A new folder appears whole or not at all. In one that is there, an empty one too, files that are damaged there and whole here are mended
    first, and stay so; then what is new is placed, and taken back where it cannot be completed. What a killed process left there is a
    session too, which importing again completes.

    What was forgotten in the folder is not brought back, and what is forgotten in the archive alone is not taken away: both are said.
    LineageError names the file that does not belong, or the versions where a newer promptkit made the archive.
    """
    archive, target = _path(path), _path(folder).absolute()
    with _explained(archive, target), _opened(archive) as zipped, ExitStack() as afterwards:
        lineage = Lineage(target)
        entries = _entries(zipped, archive, limit)
        stage = _staged(target if os.path.lexists(target) else target.parent, afterwards)
        _unpack(zipped, entries, stage, archive)
        records = _checked(stage, entries, archive)
        if not _moved(stage, target):
            names = _without_forgotten(_in_order(stage, entries, records), lineage, records, archive)
            _merge(stage, lineage, _without_names_in_use(names, stage, target, archive), archive)
    _warn_of_lost(target, records)
    return _path(folder)


def session_name(path: Where) -> str:
    """The name of the session that an archive holds, as a folder can have it on any system. LineageError where it is no archive, or the
    name is none for a folder.
    """
    archive = _path(path)
    with _explained(archive), _opened(archive) as zipped:
        name = _top(zipped)
        _check_layout(zipped, name, archive)
    if name != plain_name(name) or name.startswith("."):
        raise LineageError(f"{archive.name} holds a session by the name {name!r:.80}, which no folder should have; give one.", path=archive)
    return portable_name(name)


def _path(path: Where) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise LineageError(f"{os.fsdecode(path)!r:.80} is no path: {error}.") from None


# Errors


@contextmanager
def _explained(archive: Path, target: Path | None = None) -> Iterator[None]:
    """What the system refuses becomes a LineageError."""
    try:
        yield
    except OSError as error:
        what = f"or unpacked into {target}" if target else "as an archive"
        said = f"{archive} cannot be read, {what}: {error.strerror or error}; nothing was imported."
        raise LineageError(said, path=archive) from None


@contextmanager
def _legible(archive: Path) -> Iterator[None]:
    """What a damaged archive raises becomes a LineageError."""
    try:
        yield
    except DAMAGED_ZIP as error:
        said = f"{archive} is no zip, or a damaged one ({error}); nothing was imported: ask for it again."
        raise LineageError(said, path=archive) from None


def _refused(archive: Path, name: str, why: str) -> LineageError:
    return LineageError(f"{archive.name} holds {name!r:.120}, which {why}; nothing was imported.", path=archive)


# The archive's list, before anything of it is unpacked


def _opened(archive: Path) -> zipfile.ZipFile:
    with _legible(archive):
        if not stat.S_ISREG(archive.stat().st_mode):  # a pipe would hold us
            raise OSError(errno.EINVAL, "it is no file")
        return zipfile.ZipFile(archive)


def _entries(zipped: zipfile.ZipFile, archive: Path, limit: int) -> Entries:
    """What of it is unpacked, after its names, kinds and declared sizes were checked."""
    top = _top(zipped)
    _check_layout(zipped, top, archive)
    entries: Entries = {}
    seen: set[str] = set()
    for info in zipped.infolist():
        inner = info.orig_filename.removeprefix(f"{top}/")
        if _is_passed_over(info.orig_filename, inner):
            continue
        _check_entry(info, top, inner, archive)
        if inner.casefold() in seen:  # some systems take both for the same
            raise _refused(archive, info.orig_filename, "is in it twice")
        seen.add(inner.casefold())
        if kind_of(inner) not in (None, "marker"):  # that is the same in each session, and made anew
            entries[inner] = info
    _check_size(entries, archive, limit)
    return entries


def _top(zipped: zipfile.ZipFile) -> str:
    """The folder that holds all else: the first that has a session's marker."""
    return next((n.partition("/")[0] for n in zipped.namelist() if n.partition("/")[2] == MARKER), "")


def _is_passed_over(name: str, inner: str) -> bool:
    """Whether it is what other zip programs and systems add: a Mac's second folder, and what is hidden in the session's own."""
    if name == inner:
        return name.startswith(MAC_FOLDER)
    hidden = {part for part in inner.split("/") if part.startswith(".")}
    return bool(hidden) and hidden.isdisjoint((".", ".."))


def _check_layout(zipped: zipfile.ZipFile, top: str, archive: Path) -> None:
    try:
        marker = zipped.getinfo(f"{top}/{MARKER}")
    except KeyError:
        said = f"{archive.name} holds no session: there is no {MARKER} in a folder with all else; export(…) makes archives."
        raise LineageError(said, path=archive) from None
    _check_packing(marker, archive)
    try:
        layout = parsed(_beginning(zipped, marker, archive))["layout"]
    except (ValueError, KeyError, TypeError):
        layout = None
    if isinstance(layout, int) and layout > LAYOUT:
        said = f"{archive.name} has layout {layout!r:.20}, and this promptkit knows {LAYOUT}: upgrade promptkit to import it."
        raise LineageError(said, path=archive, newer=True)
    if layout != LAYOUT:
        raise _refused(archive, marker.filename, f'is none of a session (it should hold {{"layout": {LAYOUT}}})')


def _beginning(zipped: zipfile.ZipFile, info: zipfile.ZipInfo, archive: Path) -> bytes:
    with _legible(archive), zipped.open(info) as file:
        return file.read(CHUNK)  # a read without a size unpacks everything, whatever was declared


def _check_entry(info: zipfile.ZipInfo, top: str, inner: str, archive: Path) -> None:
    name, mode = info.orig_filename, info.external_attr >> 16
    if name == inner or name != info.filename or top != plain_name(top):
        raise _refused(archive, name, "is no file of a session's folder")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(archive, name, "is a link or a device, and no file")
    _check_packing(info, archive)
    if inner in FOLDERS and not info.file_size:
        return
    if kind_of(inner) is None:
        raise _refused(archive, name, "is no file that a session has")
    if kind_of(inner) in JSON_KINDS and info.file_size > LARGEST_JSON:
        raise _refused(archive, name, f"has {info.file_size:,} bytes, more than the {LARGEST_JSON:,} that such a file may have")


def _check_packing(info: zipfile.ZipInfo, archive: Path) -> None:
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(archive, info.orig_filename, "is encrypted, or packed in a way that promptkit does not read")


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
    atomic.clear_temporary(parent.glob(f"{atomic.TEMPORARY}*"))  # stages of killed imports
    stage = atomic.temporary_beside(parent / MARKER)
    afterwards.callback(shutil.rmtree, stage, ignore_errors=True)
    make(stage)
    return stage


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _unpack(zipped: zipfile.ZipFile, entries: Entries, stage: Path, archive: Path) -> None:
    for inner, info in entries.items():
        path = stage / inner
        path.parent.mkdir(exist_ok=True)
        with _legible(archive), zipped.open(info) as source, path.open("xb") as file:
            shutil.copyfileobj(source, file, CHUNK)  # zipfile reads no more than was declared, and finds what lied about it by its CRC
            file.flush()
            os.fsync(file.fileno())
    for folder in {(stage / inner).parent for inner in entries} | {stage}:
        atomic.sync_folder(folder)


def _checked(stage: Path, entries: Entries, archive: Path) -> tuple[Record, ...]:
    """The records, after each file was found to be what its name and they say."""
    records = tuple(_checked_record(stage / n, archive, info) for n, info in entries.items() if kind_of(n) == "record")
    ids, named = {r.id for r in records}, {n: sha256 for r in records for n, sha256 in files_left(r)}
    for reference in filter(None, (_reference(stage, n) for n in entries)):
        named |= {n: sha256 for n, sha256 in reference.files.items() if n in entries}
    for inner, info in entries.items():
        if why := _wrong(stage, inner, named.get(inner), ids):
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
        raise _refused(archive, info.orig_filename, "names what no record does: a number, a file or a step that cannot be")
    return record


def _is_plausible(record: Record) -> bool:
    """Whether it can be looked up by its number, and leads nowhere outside."""
    named = [o.file for o in record.outputs] + [s.file for s in record.sources if s.file]
    types, needed = [o.mime_type for o in record.outputs] + [s.mime_type for s in record.sources], dict(files_of(record))
    return (
        0 < record.number <= LAST_NUMBER
        and all(FULL_SHA256.fullmatch(i) for i in record.origins)
        and all(t.startswith("image/") for t in types)
        and {kind_of(n) for n in named} <= {"picture", "source"}
        and set(named) <= set(needed)
        and all(_fits(n, sha256) for n, sha256 in needed.items())
    )


def _fits(inner: str, sha256: str) -> bool:
    """Whether the file's name holds what it should be the hash of."""
    return bool(FULL_SHA256.fullmatch(sha256) and digest_in(inner)) and sha256.startswith(digest_in(inner))


def _wrong(stage: Path, inner: str, sha256: str | None, ids: set[str]) -> str:
    """Why a file does not belong into a session of these steps; nothing where it does."""
    kind, path = kind_of(inner), stage / inner
    if kind == "record":
        return ""
    if kind == "forgotten":
        note = read_note(path.with_name(path.name.replace(".forgotten.", ".")))
        return "" if note and note.step in ids else "is no note on a step that is in it"
    if kind == "head":
        return "" if set(_lines(path)) <= ids else "names a step that is not in it"
    if kind == "tag":
        return "" if tagged_step(read_file(path), inner) in ids else "is no tag of a step that is in it"
    if kind == "mark":
        mark = mark_in(read_file(path), inner)
        return "" if mark and mark.step_id in ids else "is no mark of a step that is in it"
    if kind == "reference":
        return "" if _leads_within(_reference(stage, inner), ids, stage) else "is no reference to pictures that are in it"
    if sha256 is None:
        return "belongs to no step that is in it"
    if wrong_file(stage, inner, sha256):
        return "is not what its step recorded (its sha256 differs)"
    return "" if kind in ("template", "extra") or _is_picture(path) else "is no picture of the type that its name says"


def _reference(stage: Path, inner: str) -> NamedPictures | None:
    return named_in(read_file(stage / inner), inner) if kind_of(inner) == "reference" else None


def _leads_within(reference: NamedPictures | None, ids: set[str], stage: Path) -> bool:
    """Whether all pictures of a reference are those of steps, or files, that are in the archive."""
    if reference is None or not reference.steps <= ids:
        return False
    files = reference.files
    return all(kind_of(n) == "source" and _fits(n, sha256) and (stage / n).exists() for n, sha256 in files.items())


def _lines(path: Path) -> list[str]:
    return read_file(path).decode("ascii", "replace").split()


def _is_picture(path: Path) -> bool:
    with open_file(path) as file:
        mime_type = media_type(file.read(CHUNK)) or Picture(read_file(path, LARGEST_PICTURE)).mime_type
    return mime_type.startswith("image/") and suffix_of(mime_type) == path.suffix


# Placing


def _moved(stage: Path, target: Path) -> bool:
    """Whether the stage could become the session's folder; it cannot where one is, which a rival may have made since the last look."""
    if os.path.lexists(target):
        return False
    try:
        stage.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    atomic.sync_folder(target.parent)
    return True


def _in_order(stage: Path, entries: Entries, records: Sequence[Record]) -> list[str]:
    """The files' names, each after those that it needs, so that what stands there is a session at any moment."""
    beside = [n for n in entries if kind_of(n) in ("picture", "source", "template", "extra", "forgotten")]
    tags = [n for n in entries if kind_of(n) in (*POINT, "mark")]
    by_parents = Lineage(stage).ancestors(*sorted(records, key=lambda r: r.number))
    return [*beside, *(r.path.name for r in by_parents), *tags, *(n for n in entries if n == "head")]


def _without_forgotten(names: Sequence[str], lineage: Lineage, records: Sequence[Record], archive: Path) -> list[str]:
    """The names without what was forgotten on either side: an older copy brings nothing back, a newer one takes nothing away."""
    ours, coming = {r.id: r for r in lineage.records()}, set(names)
    notes = {r.id: note for r in records if (note := read_note(lineage.folder / r.path.name)) and note.step == r.id}
    apart = [r for r in records if r.id in notes or (r.forgotten and r.id in ours)]
    needed = {n for r in (*ours.values(), *(r for r in records if r not in apart)) for n, _ in files_left(r)}
    left_out: set[str] = set()
    for record in apart:
        gone = {n for n, _ in files_of(record) if n not in needed}
        if record.id not in notes:
            warn(f"Step {record.number} is forgotten in {archive.name}, and stays here; forget(…) takes it away.")
        elif gone & coming or (notes[record.id].words and record.file_sha256 == record.id):
            warn(f"Step {record.number} was forgotten here, and stays so: what {archive.name} holds of it was not brought back.")
        is_here = record.id in ours or notes[record.id].words
        left_out |= gone | {note_path(record.path).name} | ({record.path.name} if is_here else set())
    return [n for n in names if n not in left_out]


def _without_names_in_use(names: Sequence[str], stage: Path, target: Path, archive: Path) -> list[str]:
    """The names of files without tags and references by a name that means something else here, or whose pictures do not come along."""
    coming, left = set(names), []
    for name in names:
        other = POINT.get(kind_of(name) or "")
        if other is not None and (target / other / Path(name).name).exists():
            called = read_json(stage / name)["name"]
            warn(f"The name {called!r:.60} means something else here, and stays; that of {archive.name} was left out.")
            continue
        reference = _reference(stage, name)
        if reference is None or all(n in coming or (target / n).exists() for n in reference.files):
            left.append(name)
    return left


def _merge(stage: Path, lineage: Lineage, names: Sequence[str], archive: Path) -> None:
    """Mends what is damaged, then moves what is not there; takes that back where it fails midway. All else that is there stays."""
    target = lineage.folder
    new = [n for n in names if not (target / n).exists()]
    damaged = [n for n in names if n not in set(new) and _is_to_mend(stage / n, target / n, n, archive)]
    with ExitStack() as undo:
        _create(lineage, undo)
        for name in damaged:
            (stage / name).replace(target / name)
        for name in new:
            _place(stage / name, target / name, undo)
        undo.pop_all()
    for folder in {(target / n).parent for n in (*new, *damaged)}:
        atomic.sync_folder(folder)
    if damaged:
        warn(f"{len(damaged)} files of {target.name} were damaged, and are as they were recorded again: {', '.join(damaged[:3])}.")


def _create(lineage: Lineage, undo: ExitStack) -> None:
    """Makes the folder a session's, where it was an empty one."""
    for name in frame():
        if not (lineage.folder / name).exists():
            undo.callback((lineage.folder / name).unlink, missing_ok=True)
    lineage.create()


def _place(file: Path, there: Path, undo: ExitStack) -> None:
    undo.callback(_remove_empty, there.parent)
    there.parent.mkdir(exist_ok=True)
    file.rename(there)
    undo.callback(there.unlink, missing_ok=True)


def _is_to_mend(own: Path, there: Path, name: str, archive: Path) -> bool:
    """Whether a file that is there already is damaged. A tag and the head are not: they stay where they point to."""
    kind = kind_of(name)
    if kind in ("head", "forgotten"):
        return False
    if kind == "tag":
        if (known := read_json(there).get("id")) not in (None, read_json(own)["id"]):
            warn(f"The tag {read_json(own)['name']!r} stays at its step; {archive.name} has it at {read_json(own)['id'][:10]}.")
        return known is None
    digest = _digest(there)
    if digest == sha256_of(own):
        return False
    if kind == "reference":
        is_known = bool(read_json(there).get("pictures"))
        if is_known:
            warn(f"The reference {read_json(own)['name']!r} stays as it is here; {archive.name} has another one.")
        return not is_known
    if kind in ("record", "picture") and digest.startswith(digest_in(name)):
        raise _refused(archive, name, "is another file of the same name than the one that is there already")
    return kind != "template" or wrong_file(there.parents[1], name, digest_in(name)) is not None


def _digest(path: Path) -> str:
    """The sha256 of a file; nothing of what cannot be read as one."""
    try:
        return sha256_of(path)
    except OSError:
        return ""


def _warn_of_lost(target: Path, records: Sequence[Record]) -> None:
    lineage = Lineage(target)
    there = [lineage.get(r.id) for r in records if lineage.has(r.id)]
    lost = [n for r in there for n, _ in files_left(r) if not (target / n).exists()]
    lost += [f"the step {i[:10]}" for r in records for i in r.parents if not lineage.has(i)]
    if lost:
        warn(f"Missing in it since it was exported: {first_of(lost)}; `verify` lists what is.")
