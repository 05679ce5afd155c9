"""What a command writes where -o says: to a file, where nothing of the user's is replaced unasked, or to stdout.

It is looked at before anything is asked for, so that no picture is paid for in vain.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from promptkit import atomic
from promptkit.cli.output import as_json, print_file, usage
from promptkit.errors import SettingsError
from promptkit.images.picture import check_name, no_overwriting
from promptkit.lineage.recorded_bytes import is_recorded
from promptkit.session.file_names import check_pattern, has_fields
from promptkit.session.session import Session
from promptkit.session.step import Step

__all__ = ["STDOUT", "check_output", "check_stdout", "save_step", "write_document", "write_stdout"]

STDOUT = "-"


def check_output(options: Namespace, session: Session) -> None:
    """Exits, or raises PictureError, where a picture cannot be written there, or would take the place of a file that no session knows."""
    if options.output == STDOUT:
        check_stdout()
        return
    if options.output and has_fields(options.output):  # what its name will be is known when there is a step
        check_pattern(options.output)
        check_name(options.output)
        return
    check_name(options.output)
    if options.output and not options.overwrite:
        target = Path(options.output).expanduser()
        for there in (path for path in (target, target.with_name(target.name + ".png")) if path.suffix):
            if not atomic.may_replace(there, b"", lambda data: is_recorded(data, session.folder)):
                raise no_overwriting(there)
            if target.suffix:
                break


def check_stdout() -> None:
    """Exits where the bytes of a picture or an archive cannot go to stdout."""
    if as_json():
        raise usage("-o - and --json both write to stdout; leave one of them out")
    if sys.stdout.isatty():
        raise usage("-o - writes bytes to stdout, which is a terminal; send them on with > FILE, or with | to another program")


def write_stdout(data: bytes) -> None:
    """These bytes on stdout, as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def save_step(step: Step, options: Namespace, **how: bool) -> Path | None:
    """Writes the step's picture where -o says; returns the path, or None for stdout."""
    if options.output == STDOUT:
        write_stdout(step.picture.data)
        return None
    return step.save(options.output, overwrite=options.overwrite, **how)


def write_document(target: Path | None, data: bytes, *, overwrite: bool, ours: Callable[[bytes], bool] = lambda _: False) -> None:
    """Writes a page or a sheet, in whose place there may be an older one of `ours`; to stdout where there is no target.

    SettingsError where it cannot be written, or would take the place of another file.
    """
    if target is None:
        write_stdout(data)
        return
    if not overwrite and not atomic.may_replace(target, data, ours):
        raise SettingsError(f"{target} is there already, and promptkit did not write it: -o names another file, --overwrite replaces it.")
    try:
        atomic.write_whole(target, data)
    except OSError as error:
        raise SettingsError(f"{target} cannot be written: {error.strerror or error}; -o names another file.") from None
    print_file(target)
