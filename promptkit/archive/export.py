"""Sessions taken along: a session's folder, or the trail of one step, as one zip."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from promptkit import atomic
from promptkit.archive.manifest import Contents, first_of, framed, portable_name
from promptkit.archive.redact import STRIPPED, stripped
from promptkit.errors import LineageError, warn
from promptkit.lineage.files import open_file, read_file, refuse_stored_elsewhere, wrong_file
from promptkit.lineage.forgotten import note_path
from promptkit.lineage.head_and_tags import tag_files, tagged_step
from promptkit.lineage.layout import files_left, list_names
from promptkit.lineage.marks import read_marks
from promptkit.lineage.record import RECORD_NAME, Record
from promptkit.lineage.references import named_in, reference_files
from promptkit.lineage.tree import Lineage

__all__ = ["archive_name", "export"]

CHUNK = 2**20


Where = str | os.PathLike[str]


def export(
    folder: Path,
    step: str | None,
    path: Where,
    *,
    all: bool = False,  # noqa: A002  (the word that the command line has)
    strip: bool = False,
    overwrite: bool = False,
) -> Path:
    """Writes a zip that holds a session's folder: the trail of a step, by its id, or with `all` every step; returns the zip's path.

    A trail is the step with all that it came from, references too, and the pictures, outside pictures, template sources, kept turns,
    tags and marks of these, byte for byte, so that ids stay; the head is that step. Named references go along where their pictures do,
    with `all` each of them does. The same trail makes the same file, whenever it is exported. What is damaged is left out, and named in
    a warning; a step that was forgotten goes along with the note that says so.

    `strip` makes a new lineage with ids of its own: steps, pictures, times, models, costs, outcomes and the marks that count, without
    prompts, inputs, labels, meta, tags, named references, notes of marks and their readers' names (which become reader 1, reader 2),
    template sources, pictures from outside that went along as references, names of endpoints of one's own, all that the model said, and
    every field that this version does not know. Each new record has the original id as `stripped_from`. The pictures' bytes stay, but for
    a lineage that promptkit put into them, and may hold metadata of their own.

    The file appears whole or not at all. LineageError where one is there already (unless `overwrite`), where there is nothing to export, or
    a picture is missing or damaged that nobody has forgotten; StepNotFound.
    """
    target = _archive_path(path, folder, overwrite=overwrite)
    lineage = Lineage(folder)  # anew, for what was damaged since the session was opened must not travel
    if step is None and not all and lineage.count():
        raise LineageError("The head of this session is not known: name the step whose trail to export.", path=folder)
    head = lineage.get(step) if step else None
    listed = [n for n in list_names(folder) if RECORD_NAME.fullmatch(n)] if all else []  # first, for more may come meanwhile
    records = lineage.ancestors(*(lineage.records() if all or head is None else (head,)))
    if not records:
        raise LineageError(f"{folder} has no steps to export; make one with generate(…) first.", path=folder)
    position = _position(lineage, head, records, everything=all)
    contents = stripped(lineage, records, position) if strip else _contents(lineage, records, position, listed, all=all)
    _write_archive(target, archive_name(folder, strip=strip), contents, overwrite=overwrite)
    return target


def archive_name(folder: Path, *, strip: bool = False) -> str:
    """What the folder within the archive is called, on any system: as the session's own, which is a word too and so is stripped away."""
    return STRIPPED if strip else portable_name(folder.name)


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
    return LineageError(f"{target} is there already; name another file, or replace it with overwrite=True.", path=target)


def _position(lineage: Lineage, head: Record | None, records: Sequence[Record], *, everything: bool) -> list[str]:
    """The head's id, and what undo left for redo where that comes along."""
    known, redo = lineage.head()
    follows = everything and head is not None and known == head.id and set(redo) <= {r.id for r in records}
    return ([head.id] if head else []) + (list(redo) if follows else [])


def _contents(
    lineage: Lineage,
    records: Sequence[Record],
    position: Sequence[str],
    listed: Sequence[str],
    *,
    all: bool,  # noqa: A002  (as above)
) -> Contents:
    """The files of these steps, those that are as they were recorded; the others, and listed records that are none, are named."""
    named: dict[str, str] = {}
    for record in records:
        named |= {record.path.name: record.file_sha256, **dict(files_left(record))}
    wrong = {name for name, sha256 in named.items() if wrong_file(lineage.folder, name, sha256)}
    _refuse_without_pictures(lineage.folder, records, wrong)
    ids = {r.id for r in records}
    lost = sorted(wrong | {f"the step {i[:10]}" for r in records for i in r.parents if i not in ids})
    lost += sorted(n for n in listed if n not in named)
    if lost:
        warn(f"Left out, for it is missing or damaged: {first_of(lost)}; `verify` lists what is.")
    contents: Contents = {name: lineage.folder / name for name in named if name not in wrong}
    contents |= _references(lineage.folder, ids, contents, with_pictures=all)
    return contents | _notes(records) | _tags(lineage.folder, ids) | _marks(lineage.folder, ids) | framed(position)


def _refuse_without_pictures(folder: Path, records: Sequence[Record], wrong: Collection[str]) -> None:
    """LineageError where a picture would be missing in the archive that nobody has forgotten."""
    lost = {output.name: record for record in records if not record.forgotten for output in record.outputs if output.name in wrong}
    for name in lost:
        refuse_stored_elsewhere(folder / name)
    if lost:
        steps = ", ".join(dict.fromkeys(str(record.number) for record in lost.values()))
        said = f"{first_of([*lost])} cannot be exported, for it is missing or damaged (step {steps})"
        raise LineageError(f"{said}: put the file back, export the trail of another step, or forget(…) that step first.", path=folder)


def _notes(records: Sequence[Record]) -> Contents:
    """The notes of those that were forgotten, which is said."""
    found: Contents = {note_path(r.path).name: note.data() for r in records if (note := r.forgotten)}
    if found:
        numbers = [str(r.number) for r in records if note_path(r.path).name in found]
        warn(f"Forgotten, and so without a picture in it: step{'s' * (len(numbers) > 1)} {', '.join(numbers)}.")
    return found


def _tags(folder: Path, ids: set[str]) -> Contents:
    """The tags of these steps, as they were when they were looked at: another process may move them meanwhile."""
    found: Contents = {}
    for path in tag_files(folder):
        with suppress(OSError):
            data = read_file(path)
            if tagged_step(data, f"tags/{path.name}") in ids:
                found[f"tags/{path.name}"] = data
    return found


def _marks(folder: Path, ids: set[str]) -> Contents:
    """The marks of these steps, those that count no longer too: what was taken back must not count again in a copy."""
    return {mark.name: mark.data for mark in read_marks(folder) if mark.step_id in ids}


def _references(folder: Path, ids: set[str], contents: Contents, *, with_pictures: bool) -> Contents:
    """The named references whose pictures go along; `with_pictures` those of the others too, where they are as they were given."""
    found: Contents = {}
    for path in reference_files(folder):
        with suppress(OSError):
            data, name = read_file(path), f"references/{path.name}"
            named = named_in(data, name)
            if named is None or not named.steps <= ids:
                continue
            others = {file: sha256 for file, sha256 in named.files.items() if file not in contents}
            is_whole = not any(wrong_file(folder, file, sha256) for file, sha256 in others.items())
            if not others or (with_pictures and is_whole):
                found |= {name: data, **{file: folder / file for file in others}}
            elif with_pictures:
                warn(f"Left out, for a picture of it is missing or damaged: the reference {named.name!r}.")
    return found


# The archive's file


def _write_archive(target: Path, name: str, contents: Contents, *, overwrite: bool) -> None:
    temporary = atomic.temporary_beside(target)
    try:
        atomic.clear_temporary(target.parent.glob(f"{atomic.TEMPORARY}*"))  # a killed export leaves up to the whole archive
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for inner in sorted(contents):
                    _put(archive, f"{name}/{inner}", contents[inner])
            file.flush()
            os.fsync(file.fileno())
        _rename(temporary, target, overwrite=overwrite)
        atomic.sync_folder(target.parent)
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
    with BytesIO(content) if isinstance(content, bytes) else open_file(content) as file:
        info.file_size = file.seek(0, os.SEEK_END)
        file.seek(0)
        with archive.open(info, "w") as out:
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
