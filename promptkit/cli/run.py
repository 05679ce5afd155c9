"""The commands run and recipe: a recipe carried out over the rows of a table, and a trail written down as one."""

from __future__ import annotations

import shlex
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

from promptkit.cli.flags import (
    STEP,
    Commands,
    add_command,
    add_deadline,
    add_lang,
    add_library,
    add_limits,
    add_output,
    add_request_options,
    add_service,
    add_session,
    given,
)
from promptkit.cli.output import NO_MONEY, NO_PICTURE, as_json, print_file, print_objects, say, say_error, usage
from promptkit.cli.parser import Parser, as_written
from promptkit.cli.prompt import inputs_from, template_named
from promptkit.cli.session import existing_session
from promptkit.cli.texts import picture, text
from promptkit.cli.written import STDOUT, write_stdout
from promptkit.errors import SettingsError
from promptkit.prompts.inputs import Input
from promptkit.providers.options import OPTIONS
from promptkit.runs.causes import DONE, IN_JOB, RETRIED
from promptkit.runs.coordinator import STOPPED
from promptkit.runs.planning import BATCH, LIVE
from promptkit.runs.preview import RunPreview
from promptkit.runs.rows import Table, table_of_bytes
from promptkit.runs.run import Run, run
from promptkit.runs.under_way import others_at_work, stop_all
from promptkit.session.recipe import Recipe, read_recipe
from promptkit.terminal import how_many

__all__ = ["add"]

SETTINGS = ("endpoint", "model", "lang", "label", "workers", "per_minute", "budget", "max_requests", "recover", "deadline", *OPTIONS)
SHOWN = 10  # failures that are told
MONEY = ("budget", "credit")
WORDS = ("refused", "text")
NAME_ROWS = "give a table (animals.csv), or --status, --retry or --stop for a run that is there"


def add(commands: Commands) -> None:
    """Adds run and recipe."""
    made = add_command(commands, "run", _run, "carry a template, or several, out over the rows of a table")
    about = "a CSV, TSV or JSONL file, a folder of pictures, or - for stdin"
    made.add_argument("rows", nargs="?", type=picture, metavar="TABLE", help=about)
    made.add_argument("--into", required=True, metavar="FOLDER", help="the run's folder: a session for each row, results.csv, report.html")
    _what(made)
    _asking(made)
    about = "ask by batch jobs, at Google for half the price: returns when they are made, and polls them when run again"
    made.add_argument("--batch", action="store_true", help=about)
    made.add_argument("--wait", action="store_true", help="with --batch: return when the jobs are over, which may take a day")
    made.add_argument("--dry-run", action="store_true", help="show prompts, requests, cost and time; send and write nothing")
    made.add_argument("--status", action="store_true", help="say how far it is; exit status 1 while rows are missing")
    about = f"go on with it, and ask again what failed for these causes, too: {', '.join(RETRIED)}"
    made.add_argument("--retry", nargs="*", metavar="CAUSE", help=about)
    made.add_argument("--stop", action="store_true", help="let a run that is under way finish what it has begun, and end")
    recipe = add_command(commands, "recipe", _recipe, "write the trail of a step as a recipe, which `run --recipe` carries out")
    add_session(recipe)
    recipe.add_argument("step", nargs="?", metavar="STEP", help=f"{STEP}; the head")
    add_output(recipe, "the recipe, a JSON file; - for stdout", required=True)


def _what(parser: Parser) -> None:
    about = "a template; a second one edits what the first has made, and so on"
    parser.add_argument("-t", "--template", action="append", default=[], metavar="NAME", help=about)
    parser.add_argument("--recipe", metavar="FILE", help="the recipe of a trail, in place of templates")
    about = "an input for every row; a cell goes before it; 2.style=ink is the second template's"
    parser.add_argument("-i", "--input", action="append", type=as_written, default=[], metavar="INPUT=VALUE", help=about)
    about = "which heading is read for an input, such as subject=Bezeichnung"
    parser.add_argument("--column", action="append", type=as_written, default=[], metavar="NAME=HEADING", help=about)
    parser.add_argument("--keep-extra", action="store_true", help="keep columns that are no input as notes, instead of refusing them")
    parser.add_argument("--label", help='a name for each row, of its columns: "{subject}"')
    parser.add_argument("--takes", type=int, metavar="N", help="how many pictures of each row (1)")
    add_library(parser)
    add_lang(parser)


def _asking(parser: Parser) -> None:
    add_service(parser)
    add_request_options(parser)
    parser.add_argument("--recover", type=int, metavar="N", help="how often to ask again after a reply without a picture (2)")
    parser.add_argument("--workers", type=int, metavar="N", help="how many rows at once (8)")
    parser.add_argument("--per-minute", type=_rate, metavar="N", help="how many requests a minute at most")
    add_limits(parser)
    add_deadline(parser)


def _rate(given: str) -> float:
    try:
        return float(text(given))
    except ValueError:
        raise ArgumentTypeError(f"{given!r:.60} is not a number, such as 60") from None


# What is carried out


def _run(options: Namespace) -> int:
    _check_together(options)
    try:
        return _carried_out(options)
    except KeyboardInterrupt as stop:
        say_error(stop, STOPPED)
        return 130


def _carried_out(options: Namespace) -> int:
    if options.stop:
        return _stopped(options)
    if options.status:
        return _status(options)
    if options.rows is None:
        return _told(Run.open(options.into).retry(*(options.retry or ()), **given(options, *SETTINGS), **_mode(options)), options)
    recipe = _recipe_of(options)
    declared = {name: declared for step in recipe.steps for name, declared in step.declared.items()}
    how: dict[str, Any] = {
        **given(options, *SETTINGS),
        "inputs": inputs_from(options.input, declared | _placed(recipe)),
        "columns": _columns(options.column),
        "n": options.takes if options.takes is not None else 1,
        "extra": "keep" if options.keep_extra else "refuse",
        "retry": options.retry or (),
        **_mode(options),
    }
    made = run(recipe, _rows(options), options.into, dry_run=options.dry_run, **how)
    return _previewed(made) if isinstance(made, RunPreview) else _told(made, options)


def _mode(options: Namespace) -> dict[str, Any]:
    return {"mode": BATCH, "wait": options.wait} if options.batch else {"mode": LIVE}


def _check_together(options: Namespace) -> None:
    """Exits where two things are asked for at once, or nothing is."""
    alone = [name for name in ("status", "stop") if getattr(options, name)]
    if options.wait and not options.batch:
        raise usage("--wait goes with --batch; without that a run waits anyway")
    if alone and (options.rows is not None or options.retry is not None or options.batch or len(alone) > 1):
        raise usage(f"--{alone[0]} stands alone with --into")
    if not alone and options.rows is None and options.retry is None and not options.batch:
        raise usage(NAME_ROWS)
    if options.rows is None and (options.template or options.recipe or options.dry_run) and not alone:
        raise usage("a template is carried out over a table: name that, too, such as animals.csv")


def _rows(options: Namespace) -> str | Path | Table:
    return table_of_bytes(options.rows, "stdin") if isinstance(options.rows, bytes) else options.rows


def _recipe_of(options: Namespace) -> Recipe:
    if options.recipe and options.template:
        raise usage("give templates (-t) or a recipe (--recipe), not both")
    if options.recipe:
        return read_recipe(options.recipe)
    if not options.template:
        raise usage("name what is carried out: a template (-t sticker), several, or --recipe FILE")
    return Recipe.of_templates([template_named(name) for name in options.template])


def _placed(recipe: Recipe) -> dict[str, Input]:
    """The inputs as they are named for one step alone: 2.style."""
    steps = enumerate(recipe.steps, 1)
    return {f"{place}.{name}": declared for place, step in steps for name, declared in step.declared.items()}


def _columns(pairs: list[str]) -> dict[str, str]:
    named = [pair.partition("=") for pair in pairs]
    if wrong := next((name for name, equals, heading in named if not (name and equals and heading)), None):
        raise usage(f"--column takes NAME=HEADING, such as subject=Bezeichnung, not {wrong!r:.60}")
    return {name: heading for name, _, heading in named}


# What is told


def _previewed(shown: RunPreview) -> int:
    if as_json():
        print_objects(shown.to_dicts())
    else:
        print(shown)
    say("Nothing was sent; without --dry-run these are asked for.")
    return 0


def _told(made: Run, options: Namespace) -> int:
    """Prints what came, and returns the exit status."""
    _print(made)
    if options.batch and (count := made.counts.get(IN_JOB)):
        rows = f"{count} row{' is' if count == 1 else 's are'} in batch jobs, which may take a day"
        command = shlex.join(["promptkit", "run", "--into", str(options.into), "--batch"])
        say(f"{rows}: `{command}` polls them, with --wait until they are over")
    if not as_json():
        print_file(made.folder / "results.csv")
    return _code(made)


def _print(made: Run) -> None:
    if as_json():
        print_objects(made.to_dicts())
    for row in made.failed[:SHOWN]:
        say(f"row {row.number}{f' ({row.label})' if row.label else ''} {row.outcome}: {row.error}")
    if len(made.failed) > SHOWN:
        say(f"and {len(made.failed) - SHOWN} more; results.csv has them all")
    say(f"{how_many(len(made), 'row')}: {made.in_words()}")


def _code(made: Run) -> int:
    causes = {cause for cause in made.counts if cause not in (DONE, IN_JOB)}
    if not causes:
        return 0
    if made.ended_by in ("BudgetExceeded", "OutOfCredit", "QuotaExceeded") or causes & set(MONEY):
        return NO_MONEY
    return NO_PICTURE if causes <= set(WORDS) and DONE not in made.counts else 1


def _status(options: Namespace) -> int:
    made = Run.open(options.into)
    _print(made)
    if older := made.older:
        say(f"{len(older)} older, which the table had no more")
    at_work = len(others_at_work(made.folder))
    if at_work and not as_json():
        say(f"{at_work} process{' is' if at_work == 1 else 'es are'} at work on it; --stop ends it")
    return 1 if made.missing else 0


def _stopped(options: Namespace) -> int:
    made = Run.open(options.into)
    count = stop_all(made.folder)
    if not count:
        raise SettingsError(f"Nothing is at work in {made.folder}, so there is nothing to stop; --status says how far it is.")
    say("It finishes what it has begun, and hands nothing more out; the same command with the table goes on.")
    return 0


# Recipes


def _recipe(options: Namespace) -> int:
    session = existing_session(options, advice="")
    if options.output == STDOUT:
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as folder:
            write_stdout(session.recipe(Path(folder, "recipe.json"), step=options.step).read_bytes())
        return 0
    print_file(session.recipe(options.output, step=options.step, overwrite=options.overwrite))
    return 0
