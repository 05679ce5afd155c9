"""The commands that read a session: log (its tree, or its cost), show (how a picture came to be), drift (what edits did to it), verify."""

from __future__ import annotations

import shutil
import sys
from argparse import SUPPRESS, Namespace

from promptkit.cli.flags import STEP, Commands, add_command, add_session
from promptkit.cli.output import as_json, print_objects, say, usage
from promptkit.cli.session import existing_session, is_old_session, take_old_session, tell_of_damage
from promptkit.cli.steps import steps_marked
from promptkit.lineage.tree import Lineage
from promptkit.session.session import Session
from promptkit.session.step import Steps
from promptkit.terminal import LineStyle, how_many
from promptkit.views.tree import steps_text, tree_text

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Adds log, show, drift and verify."""
    log = add_command(commands, "log", _log, "show the tree")
    add_session(log)
    log.add_argument("--files", action="store_true", help="with each step's file")
    about = "only the steps that are marked so: keep, reject, 4stars (four or more), or marked"
    log.add_argument("--marked", metavar="HOW", help=about)
    log.add_argument("--by", metavar="NAME", help="with --marked: by that reader; else by all who judged a step")
    log.add_argument("--cost", action="store_true", help="what was spent, by model and by outcome, instead of the tree")
    about = "explain how a picture came to be: each step from the root on, what it asked, what was tried and what it cost"
    show = add_command(commands, "show", _show, about)
    add_session(show)
    show.add_argument("step", nargs="?", metavar="STEP", help=f"{STEP}; the head")
    show.add_argument("old_step", nargs="?", help=SUPPRESS)  # `show SESSION STEP` is how it was spelled before
    show.add_argument("-n", "--last", type=int, metavar="N", help="only the last N steps of the trail")
    show.add_argument("--changes", action="store_true", help="measure what each edit changed in its picture")
    show.add_argument("--full", action="store_true", help="long prompts to their end, ids and digests in all their digits")
    about = "measure what the edits up to a step did to what nobody asked to change, where it begins to go wrong, and what helps"
    drift = add_command(commands, "drift", _drift, about)
    add_session(drift)
    drift.add_argument("step", nargs="?", metavar="STEP", help=f"{STEP}; the head")
    add_session(add_command(commands, "verify", _verify, "check all files against their hashes"))


def _log(options: Namespace) -> int:
    session = existing_session(options)
    if options.cost:
        if as_json():
            print_objects(session.spending.to_dicts())
        else:
            print(session.spending)
        return 0
    if options.marked is not None:
        return _log_marked(session, options)
    if as_json():
        print_objects(session.to_dicts())
        tell_of_damage(session)
        return 0
    head = session.head
    style = LineStyle.of(sys.stdout)
    print(tree_text(Lineage(session.folder), head=head.id if head else None, files=options.files, style=style))
    tell_of_damage(session)
    return 0


def _log_marked(session: Session, options: Namespace) -> int:
    """The steps that are marked so, a line for each."""
    steps = Steps(steps_marked(session, options.marked, options.by))
    if as_json():
        print_objects(steps.to_dicts())
    elif steps:
        head = session.head
        records, style = [step.record for step in steps], LineStyle.of(sys.stdout)
        print(steps_text(Lineage(session.folder), records, head=head.id if head else None, files=options.files, style=style))
    else:
        say(f"no step is marked {options.marked!r:.60}")
    tell_of_damage(session)
    return 0


def _show(options: Namespace) -> int:
    if options.last is not None and options.last < 1:
        raise usage("-n takes a number of steps from 1 on")
    if options.old_step is not None or is_old_session(options, options.step):
        take_old_session(options, options.step, "show" + (f" {options.old_step}" if options.old_step else ""))
        options.step = options.old_step
    explanation = existing_session(options).explain(options.step, measured=options.changes)
    shown = explanation if options.last is None else explanation.only(options.last)
    if as_json():
        print_objects(shown.to_dicts())
    else:
        print(shown.text(_width(), full=options.full))
    return 0


def _drift(options: Namespace) -> int:
    named = options.session  # as it was typed: a session that is found without -s needs none in the advice either
    drift = existing_session(options).drift(options.step)
    if as_json():
        print_objects(drift.to_dicts())
    else:
        print(drift.text(drift.advice_in_shell("" if named is None else str(named))))
    return 0


def _width() -> int:
    from promptkit.session.explanation import WIDTH

    return max(40, shutil.get_terminal_size((WIDTH, 24)).columns) if sys.stdout.isatty() else WIDTH


def _verify(options: Namespace) -> int:
    problems = existing_session(options).verify()
    if as_json():
        print_objects(problem.to_dict() for problem in problems)
    else:
        print(*problems, sep="\n", end="\n" if problems else "")
    damage = sum(p.is_damage for p in problems)
    forgotten = f"; {len(problems) - damage} forgotten" if damage < len(problems) else ""
    say((how_many(damage, "problem") if damage else "all files are as they were recorded") + forgotten)
    return 1 if damage else 0
