"""The commands that take sessions and pictures along: export, import, save, embedded."""

from __future__ import annotations

import argparse
import shlex
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from promptkit.cli.flags import STEP, Commands, add_command, add_output, add_session
from promptkit.cli.output import as_json, print_file, print_objects, say, usage
from promptkit.cli.session import existing_session, take_old_session
from promptkit.cli.texts import picture, text
from promptkit.cli.written import STDOUT, check_stdout, save_step, write_stdout
from promptkit.errors import LineageError
from promptkit.json_objects import flat_object
from promptkit.lineage.record import Record
from promptkit.lineage.record_row import record_columns
from promptkit.session.session import Session
from promptkit.terminal import how_many, printable
from promptkit.views.facts import NAME_COLUMNS, facts, headline

if TYPE_CHECKING:
    from promptkit.archive.png_embed import Embedded
    from promptkit.images.metadata import ToolMetadata

__all__ = ["add"]

ASKED = ("template", "inputs", "asked", "made here")  # facts that `embedded` prints below a step's prompt
LONGEST_FIELD = 4_000  # characters that are printed of what another tool wrote
GB, MOST_GB = 10**9, 10**6


def add(commands: Commands) -> None:
    """Adds export, import, save and embedded."""
    command = partial(add_command, commands)
    export = command("export", _export, "write the trail of a step, or a whole session, as one zip")
    add_session(export)
    export.add_argument("old_session", nargs="?", help=argparse.SUPPRESS)  # `export SESSION` is how it was spelled before
    add_output(export, "the zip (here, by the session's name; with --strip stripped.zip); - for stdout")
    export.add_argument("--step", metavar="STEP", help=f"{STEP}; the head")
    export.add_argument("--all", action="store_true", help="all steps, and not one trail")
    export.add_argument("--strip", action="store_true", help="a new lineage without prompts, inputs, labels, tags and other words")
    take = command("import", _import, "make a session of an exported zip, or merge it into one")
    take.add_argument("archive", type=picture, metavar="FILE", help="the zip, or - for stdin")
    take.add_argument("-s", "--session", metavar="SESSION", help="the new session, or the one to merge into (the name that it had)")
    take.add_argument("--limit", type=_gigabytes, metavar="GB", help="how much it may unpack to (8)")
    save = command("save", _save, "save the picture of a step to a file")
    save.add_argument("step", nargs="?", metavar="STEP", help=f"{STEP}; the head")
    add_session(save)
    about = "the suffix says the type; may be a pattern, '{session}-{number}-{label}.png'; - writes the picture's bytes to stdout"
    add_output(save, about, required=True)
    save.add_argument("--run", dest="run_folder", metavar="FOLDER", help="all pictures of a run, by a pattern: -o 'out/{label}-{take}.jpg'")
    save.add_argument("--picked", action="store_true", help="with --run: those that were picked, else the only one of each row")
    save.add_argument("--size", metavar="SIZE", help="with --run: the longest side in pixels, or a size such as 800x600")
    save.add_argument("--embed", action="store_true", help="a PNG with the picture's lineage inside, prompts included")
    save.add_argument("--drop-credentials", action="store_true", help="with --embed: leave out content credentials, which it makes false")
    about = "print the lineage that a picture file brings along, and what other tools wrote into it"
    embedded = command("embedded", _embedded, about)
    embedded.add_argument("picture", type=picture, metavar="FILE", help="a picture file, or - for stdin")


def _gigabytes(given: str) -> float:
    with suppress(ValueError):
        if 0 < (value := float(text(given))) < MOST_GB:
            return value
    raise argparse.ArgumentTypeError(f"{given!r} is no number of gigabytes, such as 20")


def _export(options: argparse.Namespace) -> int:
    from promptkit.archive.export import archive_name

    if options.all and options.step:
        raise usage("--all and --step exclude each other")
    if options.old_session is not None:
        take_old_session(options, options.old_session, "export")
    session = existing_session(options, advice="")
    given = {"step": options.step, "all": options.all, "strip": options.strip, "overwrite": options.overwrite}
    output = options.output or f"{archive_name(session.folder, strip=options.strip)}.zip"
    what = "all steps" if options.all else "the trail of one step"
    bare = " without words; its pictures may hold metadata of their own" if options.strip else ""
    if output == STDOUT:
        check_stdout()
        with TemporaryDirectory() as folder:
            path = session.export(Path(folder, "exported.zip"), **given)
            say(f"{what}{bare}; {_bytes(path.stat().st_size)}")
            write_stdout(path.read_bytes())
        return 0
    path = session.export(output, **given)
    say(f"{what}{bare}; {_bytes(path.stat().st_size)}")
    print_file(path)
    return 0


def _import(options: argparse.Namespace) -> int:
    if not isinstance(options.archive, bytes):
        return _import_from(options.archive, options)
    with TemporaryDirectory() as folder:
        archive = Path(folder, "stdin.zip")
        archive.write_bytes(options.archive)
        return _import_from(archive, options)


def _import_from(archive: str | Path, options: argparse.Namespace) -> int:
    from promptkit.archive.import_zip import LIMIT, import_session, session_name

    name = options.session or session_name(archive)
    session = Session(name)
    before = len(session)
    if before and not options.session:
        said = f"There is a session {name!r} already: -s {name} merges the archive into it, -s and another name makes a new one."
        raise LineageError(said, path=session.folder)
    limit = LIMIT if options.limit is None else int(options.limit * GB)
    folder = import_session(archive, session.folder, limit=limit)
    after = len(Session(folder))
    came = f"{after - before} steps came{f' to the {before} that were there' if before else ''}"
    say(f"{came}; see them with promptkit log -s {shlex.quote(str(name))}")
    print_file(folder)
    return 0


def _save(options: argparse.Namespace) -> int:
    if options.run_folder is not None:
        return _save_run(options)
    if options.picked or options.size is not None:
        raise usage("--picked and --size go with --run, the folder of a run")
    session = existing_session(options, advice="")
    step = session.head if options.step is None else session[options.step]
    if step is None:
        raise LineageError("The head of this session is not known; name the step to save.", path=session.folder)
    if options.output == STDOUT:
        check_stdout()
    if options.output == STDOUT and options.embed:
        with TemporaryDirectory() as folder:
            write_stdout(step.save(Path(folder, "step.png"), embed=True, drop_credentials=options.drop_credentials).read_bytes())
        return 0
    if path := save_step(step, options, embed=options.embed, drop_credentials=options.drop_credentials):
        print_file(path, step=step.number)
    return 0


def _save_run(options: argparse.Namespace) -> int:
    from promptkit.runs.run import Run

    if options.step is not None or options.session is not None or options.embed or options.output == STDOUT:
        raise usage("--run saves the pictures of a run's rows: leave out the step, -s, --embed and -o -")
    size = int(options.size) if options.size and options.size.isdigit() else options.size
    made = Run.open(options.run_folder)
    paths = made.save(options.output, picked=options.picked, size=size, overwrite=options.overwrite)
    for path in paths:
        print_file(path)
    if options.picked and (left := [row for row in made.rows if row.steps and not row.picked]):
        some = ", ".join(row.label or str(row.number) for row in left[:3])
        folder = shlex.quote(str(left[0].folder))
        say(f"nothing is picked of {how_many(len(left), 'row')} ({some}): mark what to take, as in `promptkit mark 2 keep -s {folder}`")
    return 0 if paths else 1


def _embedded(options: argparse.Namespace) -> int:
    from promptkit.archive.png_embed import read_embedded

    name = "What came on stdin" if isinstance(options.picture, bytes) else options.picture
    found, others = read_embedded(options.picture), _other_tools(options.picture)
    if found is not None:
        _print_embedded(found)
    if as_json():
        print_objects(field.to_dict() for field in others)
    for field in () if as_json() else others:
        print(printable(_field(field), keep="\n"))
    if found is None and others:
        say(f"{name} holds no lineage of promptkit's, and the above of other tools; Picture.open(…).metadata has it whole.")
    elif found is None:
        say(f"{name} holds no lineage, nor what other tools write; `promptkit save -o FILE.png --embed` puts a lineage in.")
    return 1 if found is None and not others else 0


def _other_tools(given: str | Path | bytes) -> tuple[ToolMetadata, ...]:
    from promptkit.images.metadata import tool_metadata

    return tool_metadata(given if isinstance(given, bytes) else Path(given).expanduser().read_bytes())


def _field(field: ToolMetadata) -> str:
    """The words that were asked for, and the field as it stands, or its beginning."""
    asked = field.prompt
    title = f"{field.tool or 'another tool'} ({field.name})"
    cut = field.text if len(field.text) <= LONGEST_FIELD else f"{field.text[:LONGEST_FIELD]}… ({len(field.text):,} characters)"
    if asked is None or asked == field.text:
        return f"{title}:\n{cut}"
    return f"{title}, the prompt:\n{asked[:LONGEST_FIELD]}\n\nthe whole field:\n{cut}"


def _print_embedded(found: Embedded) -> None:
    if found.omitted:
        (say if as_json() else print)(f"({found.omitted} earlier steps did not fit, or hold no words any more)")
    if as_json():
        print_objects(flat_object("embedded", original=found.original, **record_columns(record)) for record in found.records)
    for record in () if as_json() else found.records:
        print(printable("\n".join(_told(record)), keep="\n"))  # a picture may come from a stranger
    state = "byte for byte the recorded one" if found.original else "changed since it was recorded, or converted"
    say(f"The picture is {state}: step {found.record.number}, {found.record.id}.")


def _told(record: Record) -> list[str]:
    """A step in words: all that was asked, with its template, and who was asked."""
    text = str(record.prompt.get("text") or headline(record))
    asked = (fact for fact in facts(record) if fact.name in ASKED)
    title = f"{record.number} {record.id[:10]}  {text}" + ("" if record.ok else f" ({record.outcome})")
    return [title, *(f"  {fact.name:{NAME_COLUMNS}}{fact.short}" for fact in asked)]


def _bytes(count: int) -> str:
    return f"{count / 10**6:.1f} MB" if count >= 10**6 else f"{count / 1000:.0f} kB"
