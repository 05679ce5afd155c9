"""`run`, which carries a recipe out over a table, and Run, what a user holds of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptkit.cost import FREE, Cost
from promptkit.engine.options import checked_config, checked_limits, checked_opening, refuse_unknown
from promptkit.errors import PromptkitError, SettingsError, StepNotFound, did_you_mean, warn
from promptkit.lineage.location import Where
from promptkit.markup import mime_bundle
from promptkit.progress import Listener, Progress
from promptkit.providers.endpoint_choice import endpoint_of_record
from promptkit.providers.endpoints import Endpoint
from promptkit.providers.keys import Key
from promptkit.providers.options import OPTIONS
from promptkit.providers.transport import Transport
from promptkit.runs.arguments import checked_mode, column_names, count, extra_columns, mapping, pace, run_folder, words_of
from promptkit.runs.batch import BatchRun
from promptkit.runs.causes import DONE, IN_JOB, WAITING, checked_causes
from promptkit.runs.coordinator import Coordinator, look_at
from promptkit.runs.executors import checked_executor, is_of_threads, refuse_what_stays
from promptkit.runs.planning import LIVE, Asked, PlannedRow, Planner
from promptkit.runs.preview import RunPreview, preview
from promptkit.runs.report import run_card, write_report
from promptkit.runs.report_pictures import ReportPictures
from promptkit.runs.results import Paced, read_rows, row_object, write_results
from promptkit.runs.row_folder import key_of, row_folders
from promptkit.runs.row_state import RowState
from promptkit.runs.rows import Table, open_table
from promptkit.runs.run_file import RunFile, refuse_another_recipe, write_run_file
from promptkit.runs.run_row import RunRow
from promptkit.runs.saving import save_rows
from promptkit.runs.threads import Threads
from promptkit.runs.under_way import stop_all
from promptkit.session.step import Steps
from promptkit.terminal import how_many
from promptkit.values import whole_number

if TYPE_CHECKING:  # is loaded where something is forgotten
    from promptkit.lineage.forgetting import Forgetting

__all__ = ["Run", "run"]

log = logging.getLogger("promptkit")
SHOWN = 10  # failures in a text
JOINED = 0.5  # seconds between two chances for Ctrl-C
REPORTED = 60.0  # seconds at least between two writings of the report
HINTS = {
    "takes": "n=", "template": "the first argument, what", "table": "the second argument, rows", "folder": "into=",
    "reuse": "another folder for into=", "fresh": "another folder for into=", "chain": "a Session for chains that talk",
    "batch": 'mode="batch"',
    **dict.fromkeys(("references", "images"), "a column `references`"),
}


def run(
    what: object,
    rows: object,
    into: Where,
    *,
    inputs: Mapping[str, Any] | None = None,
    columns: Mapping[str, str] | None = None,
    n: int = 1,
    label: str | None = None,
    lang: str | None = None,
    endpoint: str | Endpoint | None = None,
    model: str | None = None,
    api_key: str | None = None,
    transport: Transport | None = None,
    budget: float | str | None = None,
    max_requests: int | None = None,
    workers: int = 8,
    per_minute: float | None = None,
    executor: Executor | None = None,
    retry: object = (),
    recover: int = 2,
    deadline: float = 600,
    extra: str = "refuse",
    on_row: Callable[[RunRow], object] | None = None,
    on_progress: Listener | None = None,
    mode: str = "live",
    wait: bool = True,
    dry_run: bool = False,
    **options: Any,
) -> Run | RunPreview:
    """Carries a recipe out over the rows of a table: each row is a session in the folder `into`. What is there is not asked for again.

    `what` is a Template, several (the first generates, or edits the row's picture; the others edit), a Session or Step, whose trail is the
    recipe, a recipe's file, or a function from a row to a prompt or several. `rows` is a CSV, TSV or JSONL file, a folder of pictures, a
    DataFrame, or an iterable of mappings. Columns are inputs by name, and `picture`, `references` (several with ;), `label`, `key`, `lang`,
    `endpoint`, `model` and the options of a request; `2.style` is the second template's; `columns` says which heading is read for a name;
    `inputs` hold for every row, and a cell wins. With extra="keep" other columns become notes.

    `n` is how many pictures each row gets, `label` a pattern for rows' labels ("{subject}"), `budget` and `max_requests` bound all rows
    together, `workers` is how many at once, `per_minute` how many requests. Rows that failed are asked again where the cause may pass;
    `retry` names others ("refused", "text"). `on_row` gets each row as it is done; with wait=False the run goes on while this returns;
    `dry_run` shows what would be asked for, and sends and writes nothing.

    `executor` is any of concurrent.futures, such as loky's or Dask's client.get_executor(); it stays open. Processes need the same
    promptkit, a folder `into` that all share, and the key in a variable of their own: each says what it lacks before its first row.
    `api_key`, `transport` and functions go with threads only.

    With mode="batch" rows of one step are asked for by jobs at Google, for half the price, at most 100 requests a job; that may take a day.
    With wait=False it returns when the jobs are made; the same run, or `wait`, goes on polling them. What they fail at or leave out is in
    the Run, and asked live only by a run with mode="live".

    Every row is checked before anything is sent: InputError names all problems, with their lines. SettingsError, LineageError. Failed rows
    are in the Run; what keeps all of them from being asked is a warning.
    """
    refuse_unknown({k: v for k, v in options.items() if k not in OPTIONS}, (*(run.__kwdefaults__ or ()), *OPTIONS), HINTS)
    opening = checked_opening(model=model, transport=transport, recover=recover, deadline=deadline, lang=lang)
    checked_opening(on_progress=on_progress)
    if label is not None and not isinstance(label, str):
        raise SettingsError(f'label= is a pattern such as "{{subject}}", not {label!r:.60}.')
    asked = Asked(
        inputs=mapping("inputs", inputs),
        columns=column_names(columns),
        takes=count("n", n),
        label=label,
        endpoint=endpoint,
        key=Key(api_key) if api_key is not None else None,
        options=checked_config(options),
        workers=count("workers", workers),
        per_minute=pace(per_minute),
        retry=checked_causes(retry),
        extra=extra_columns(extra),
        mode=checked_mode(mode),
        **opening,
        **checked_limits(budget, max_requests),
    )
    if asked.is_batch and executor is not None:
        raise SettingsError('executor= goes with mode="live": batch jobs have no workers here; leave it out.')
    words, folder = words_of(what), run_folder(into)
    chosen = checked_executor(executor, asked.workers)
    refuse_what_stays(chosen, words, endpoint, api_key=api_key, transport=transport)
    refuse_another_recipe(words, folder)
    planner = Planner(words, open_table(rows), folder, asked)
    planned, later = _read(planner)
    if dry_run:
        return _previewed(planner, planned, later)
    made = Run(planner.into, planned, planner)
    if asked.is_batch:
        made.begin_batch(later, on_row, on_progress)
        return made.go_on_in_batch(waits=wait)
    made.begin(chosen, later, on_row, on_progress)
    return made.wait() if wait else made.go_on()


# Reading and looking


def _read(planner: Planner) -> tuple[list[PlannedRow], Iterator[PlannedRow]]:
    """All rows, looked up; or, of a table that can be read once, none, and the rows as they come."""
    if not planner.table.is_once:
        return _all_rows(planner), iter(())
    warn("These rows can be read once only, so each is checked when it is its turn, and not all before the first request.")
    return [], _one_by_one(planner)


def _one_by_one(planner: Planner) -> Iterator[PlannedRow]:
    folders = row_folders(planner.into)
    for row in planner.table:
        try:
            yield planner.planned(row, folders)
        except (PromptkitError, ValueError) as error:
            said = error if isinstance(error, PromptkitError) else SettingsError(f"{row.place}: {error}.")
            yield PlannedRow(row, "", None, "", state=RowState.failed(said))


def _all_rows(planner: Planner) -> list[PlannedRow]:
    seen = 0

    def look(row: PlannedRow) -> None:
        nonlocal seen
        seen += 1
        progress.say(f"checking the rows, {seen:,} so far")
        look_at(planner, row)

    with Progress() as progress:
        return planner.rows(look)


def _previewed(planner: Planner, rows: list[PlannedRow], later: Iterator[PlannedRow]) -> RunPreview:
    for row in later:
        look_at(planner, row)
        rows.append(row)
    return preview(planner, rows, _older(planner.into, rows))


def _older(into: Path, rows: Iterable[PlannedRow]) -> list[str]:
    """The folders of rows that the table has no more."""
    known = {row.key for row in rows}
    return [name for key, name in row_folders(into).items() if key not in known]


class _RowListener:
    """Who hears of each row as it is done, or nobody. What that raises ends no run; it is told no more of this one."""

    def __init__(self, on_row: Callable[[RunRow], object] | None) -> None:
        self._on_row = on_row

    def tell(self, row: RunRow) -> None:
        if self._on_row is None:
            return
        try:
            self._on_row(row)
        except Exception:
            log.warning("on_row raised, and is told no more of this run", exc_info=True)
            self._on_row = None


class Run:
    """A run: its rows, and what came of them. In a notebook a table and a contact sheet.

    `run` makes one, and `Run.open(into)` opens one that was made before, here or elsewhere. Rows are in the table's order.
    """

    def __init__(self, into: Path, planned: list[PlannedRow], planner: Planner | None = None, file: RunFile | None = None) -> None:
        self.folder, self._planned, self._planner, self._file = into, planned, planner, file
        self._coordinator: Coordinator | BatchRun | None = None
        self._thread: threading.Thread | None = None
        self._raised: BaseException | None = None
        self._executor: Executor | None = None  # the caller's, which carries out a retry too
        self._reported = Paced(REPORTED)
        self._paced = Paced()
        self._pictures = ReportPictures(into)

    @classmethod
    def open(cls, into: Where) -> Run:
        """The run in that folder, as far as it is on record. LineageError where it is none. Nothing is sent or written."""
        folder = run_folder(into)
        file = RunFile.read(folder)
        rows = read_rows(folder)
        made = cls(folder, rows, _planner_again(file, folder, rows), file)
        made._look_again()
        return made

    def _look_again(self) -> None:
        """Looks up the rows that were not done when the results were written: a killed run may have done more."""
        if self._planner is None:
            return
        folders = row_folders(self.folder)
        for row in self._planned:
            if row.state.outcome != DONE and row.key in folders:
                before = row.state
                row.was_there, row.folder = True, folders[row.key]
                look_at(self._planner, row)
                if row.state.outcome == WAITING and before.outcome not in (WAITING, IN_JOB):
                    row.state = before

    # Carrying out

    def begin(
        self,
        executor: Executor,
        later: Iterator[PlannedRow],
        on_row: Callable[[RunRow], object] | None,
        on_progress: Listener | None,
    ) -> None:
        """Makes ready to carry it out. SettingsError where a key is missing, before anything is written."""
        assert self._planner is not None
        heard = partial(self._came, _RowListener(on_row))
        made = Coordinator(self._planner, self._planned, executor, self._written, heard, on_progress, later)
        if made.has_work and is_of_threads(executor):
            self._planner.connect()
        write_run_file(self._planner)
        self._coordinator, self._executor = made, None if isinstance(executor, Threads) else executor

    def begin_batch(
        self, later: Iterator[PlannedRow], on_row: Callable[[RunRow], object] | None, on_progress: Listener | None
    ) -> None:
        """Makes ready to carry it out by batch jobs. SettingsError where a key is missing, before anything is written."""
        assert self._planner is not None
        heard = partial(self._came, _RowListener(on_row))
        made = BatchRun(self._planner, self._planned, self._written, heard, on_progress, later)
        if made.has_work:
            self._planner.connect()
        write_run_file(self._planner)
        self._coordinator = made

    def go_on_in_batch(self, *, waits: bool) -> Run:
        """Makes and polls its jobs, until they are over where it `waits`."""
        assert isinstance(self._coordinator, BatchRun)
        self._coordinator.waits = waits
        self._carry_out()
        return self

    def wait(self) -> Run:
        """Waits until it is done, or was stopped, and returns it. Ctrl-C lets what is under way finish first; batch jobs go on without."""
        if isinstance(self._coordinator, BatchRun):
            return self.go_on_in_batch(waits=True)
        if self._thread is not None:
            self._joined()
        elif self._coordinator is not None:
            self._carry_out()
        if self._raised is not None:
            raised, self._raised = self._raised, None
            raise raised
        return self

    def go_on(self) -> Run:
        """Carries it out in a thread of its own."""
        self._thread = threading.Thread(target=self._carry_out_aside, daemon=True, name="promptkit run")
        self._thread.start()
        return self

    def stop(self) -> None:
        """Hands nothing more out, in this process and in others; what is under way is finished and recorded."""
        if self._coordinator is not None:
            self._coordinator.stop_asked.set()
        stop_all(self.folder)

    def retry(self, *causes: str, **changes: Any) -> Run:
        """Carries it out once more: what is waiting, what failed for a cause that may pass, and what failed for `causes`.

        `changes` are keywords of `run`, such as budget=10, endpoint= or workers=. SettingsError where the prompts came from a function that
        this process does not have.
        """
        again = checked_causes(causes[0] if len(causes) == 1 and not isinstance(causes[0], str) else causes)
        what, table, asked = self._again(is_placed="endpoint" in changes or "transport" in changes)
        executor = self._executor if changes.get("mode", asked.mode) == LIVE else None
        made = run(what, table, self.folder, **{**_keywords(asked), "retry": again, "executor": executor, **changes})
        if isinstance(made, Run):
            self._planned, self._planner, self._coordinator, self._thread = made._planned, made._planner, made._coordinator, made._thread
            self._executor = made._executor
        return self

    def _again(self, *, is_placed: bool) -> tuple[object, Table, Asked]:
        """What is carried out, over which rows, and how it was asked for; where it is asked needs not be known where that `is_placed`."""
        read = [row.row for row in self._planned]
        if self._planner is not None:
            return self._planner.what, replace(self._planner.table, read=lambda: iter(read), is_once=False), self._planner.asked
        file = self._file
        if file is None or file.recipe is None:
            said = "The prompts of this run came from a function, which this process does not have"
            raise SettingsError(f"{said}: run it again with that, its table and into={str(self.folder)!r}.")
        endpoint = None if is_placed else endpoint_of_record(str(file.asked.endpoint), "This run")
        return file.recipe, file.table_of(read), replace(file.asked, endpoint=endpoint)

    def _carry_out(self) -> None:
        assert self._coordinator is not None
        self._coordinator.run()
        self._coordinator.tell_of_end()

    def _carry_out_aside(self) -> None:
        try:
            self._carry_out()
        except BaseException as error:
            self._raised = error

    def _joined(self) -> None:
        thread = self._thread
        while thread is not None and thread.is_alive():
            try:
                thread.join(JOINED)
            except KeyboardInterrupt:
                self.stop()
                thread.join()
                raise

    def _came(self, listener: _RowListener, row: PlannedRow) -> None:
        """A row is over: its thumbnails are begun, and who asked is told."""
        self._pictures.add(row)
        listener.tell(RunRow(self.folder, row))

    def _written(self, now: bool) -> None:
        """Writes the tables and the report: now, or where it is time."""
        if now or self._paced.is_due():
            begun = time.monotonic()
            write_results(self.folder, self._planned)
            self._paced.begun(begun)
        if now or self._reported.is_due():
            begun = time.monotonic()
            write_report(self.folder, self._planned, self._pictures, waits=now)
            self._reported.begun(begun)

    # Looking

    @property
    def is_under_way(self) -> bool:
        """Whether this process carries it out just now."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def ended(self) -> str | None:
        """What kept rows from being asked for, in a sentence; None where nothing did."""
        return (self._coordinator.ended or None) if self._coordinator is not None else None

    @property
    def ended_by(self) -> str | None:
        """The class of the error that kept rows from being asked for, such as BudgetExceeded."""
        return (self._coordinator.ended_by or None) if self._coordinator is not None else None

    @property
    def rows(self) -> tuple[RunRow, ...]:
        """All rows."""
        return tuple(RunRow(self.folder, row) for row in self._planned)

    @property
    def failed(self) -> tuple[RunRow, ...]:
        """Those that have no picture, and are neither waiting nor in a batch job."""
        return tuple(row for row in self.rows if row.outcome not in (DONE, IN_JOB, WAITING))

    @property
    def missing(self) -> tuple[RunRow, ...]:
        """Those that have no picture, for whatever reason."""
        return tuple(row for row in self.rows if not row.ok)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each outcome."""
        counts: dict[str, int] = {}
        for row in self._planned:
            counts[row.state.outcome] = counts.get(row.state.outcome, 0) + 1
        return counts

    @property
    def older(self) -> tuple[Path, ...]:
        """The folders of rows that the table has no more; they stay."""
        return tuple(self.folder / name for name in _older(self.folder, self._planned))

    @property
    def cost(self) -> Cost:
        """What was spent for its rows, failures included."""
        return sum((row.state.cost for row in self._planned), FREE)

    def __getitem__(self, key: str | int) -> RunRow:
        """A row by its label or its key, or, as a number, by its place in the table from 1 on. StepNotFound where there is none."""
        if isinstance(key, str):
            found = [row for row in self._planned if row.label == key] or [row for row in self._planned if row.key == key]
            found = found or [row for row in self._planned if row.key == key_of(key)]
        else:
            place = whole_number(key)
            found = [row for row in self._planned if row.number == place]
        if not found:
            near = did_you_mean(str(key), [row.label or row.key for row in self._planned])
            said = f"There is no row {key!r:.80}{near}; give its label, or its number (1 to {len(self._planned)})."
            raise StepNotFound(said, path=self.folder)
        return RunRow(self.folder, found[0])

    def __iter__(self) -> Iterator[RunRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self._planned)

    def __bool__(self) -> bool:
        return True

    def to_dicts(self) -> list[dict[str, Any]]:
        """Each row as one flat object: `pandas.DataFrame(run.to_dicts())` is a table. See RunRow.to_dict."""
        return [row_object(row) for row in self._planned]

    # Taking along

    @property
    def picked(self) -> Steps:
        """The steps to go on with: of each row those that are kept, else those with the most stars, else the only take."""
        return Steps(step for row in self._with_folders() for step in row.picked)

    def _with_folders(self) -> list[RunRow]:
        return [row for row in self.rows if row.ok or row.folder.is_dir()]

    def forget(self, *, rejected: bool, words: bool = False, dry_run: bool = False) -> list[Forgetting]:
        """Takes away the pictures of all steps that every reader who judged them rejects, `rejected=True`; see Session.forget. What was, or
        with `dry_run` would be, forgotten, by row.
        """
        if not rejected:
            raise SettingsError("forget takes away what is rejected, rejected=True; Session.forget takes away steps of one row.")
        found = [(row, steps) for row in self._with_folders() if (steps := row.session.marked("reject"))]
        forgotten = [row.session.forget(*steps, words=words, dry_run=dry_run) for row, steps in found]
        if forgotten and not dry_run:
            write_report(self.folder, self._planned, self._pictures)
        return forgotten

    def save(self, pattern: Where, *, picked: bool = False, size: object = None, overwrite: bool = False) -> list[Path]:
        """Saves the pictures by a pattern such as "out/{label}-{take}.jpg"; returns the paths.

        Fields are label, take (from 1 on), row, key, number, id, template, model, run, and the table's columns. `picked` saves those of
        `picked` alone; `size` is the longest side in pixels, or a size such as "800x600". PictureError for an unknown field, where two
        pictures would have the same name, and as Picture.save does; nothing is written then.
        """
        return save_rows(self._with_folders(), pattern, self.folder.name, picked=picked, size=size, overwrite=overwrite)

    # Showing

    def in_words(self) -> str:
        """How many rows there are of each outcome, and what they cost: "58 picture, 2 refused; 2.34 USD"."""
        said = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items()) or "no rows"
        return f"{said}; {self.cost}"

    def __repr__(self) -> str:
        return f"<Run {self.folder.name!r}: {how_many(len(self), 'row')}: {self.in_words()}>"

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        text = "\n".join([repr(self), *(f"  {row.label or row.number}: {row.error}" for row in self.failed[:SHOWN])])
        return mime_bundle(text, run_card(repr(self), self.rows), include, exclude)


def _planner_again(file: RunFile, folder: Path, rows: Sequence[PlannedRow]) -> Planner | None:
    """What planned a run that was made before; None where its prompts came from a function, or its endpoint is not known here."""
    if file.recipe is None:
        return None
    try:
        endpoint = endpoint_of_record(str(file.asked.endpoint), "This run")
        return Planner(file.recipe, file.table_of([row.row for row in rows]), folder, replace(file.asked, endpoint=endpoint))
    except SettingsError:
        return None


def _keywords(asked: Asked) -> dict[str, Any]:
    """How a run was asked for, as the keywords of `run`."""
    names = ("inputs", "columns", "label", "lang", "endpoint", "model", "transport", "budget", "max_requests", "workers", "per_minute")
    plain = {name: getattr(asked, name) for name in (*names, "recover", "deadline", "extra", "mode")}
    return {**plain, "n": asked.takes, "api_key": asked.key.reveal() if asked.key else None, **asked.options}
