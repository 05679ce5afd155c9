"""A run planned whole before anything is sent: every row read, rendered and checked, and every problem told with its line and column.

What is kept of a row is what it says; its prompts are rendered again when it is handed out, so that memory does not grow with their words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from promptkit.cost import FREE, Cost, Money
from promptkit.engine.client import Client, Terms
from promptkit.engine.engine import Engine
from promptkit.engine.options import checked_config, checked_pictures, checked_prompt, checked_words
from promptkit.errors import InputError, PictureError, PromptkitError, SettingsError, did_you_mean, listed
from promptkit.images.formats import media_type
from promptkit.images.picture import Picture, is_picture
from promptkit.prompts.template import Prompt
from promptkit.providers import models
from promptkit.providers.endpoint_choice import choose_endpoint, endpoint_behind
from promptkit.providers.endpoints import Endpoint
from promptkit.providers.gemini_batch import check_batch
from promptkit.providers.keys import Key
from promptkit.providers.options import OPTIONS
from promptkit.providers.transport import Transport
from promptkit.runs.column_meaning import ColumnMeaning, RowValues, read_cells
from promptkit.runs.order import AlongPicture, Hands, Order, OrderStep, PictureOf
from promptkit.runs.row_folder import key_of, name_of, row_folders
from promptkit.runs.row_state import NOTHING_YET, RowState
from promptkit.runs.rows import Table, TableRow, sentence
from promptkit.session.file_names import check_pattern
from promptkit.session.recipe import Recipe, RecipeStep
from promptkit.values import items

__all__ = ["BATCH", "LIVE", "MODES", "Asked", "PlannedRow", "Planner", "Words"]

SHOWN = 20  # problems that an error tells
AT_ONCE = 500  # rows whose words are looked through for keys together
HEAD = 64  # bytes by which a picture's type is known
NO_FOLDER = ".none"  # in which a row's client asks, where there is no folder yet
LIVE, BATCH = MODES = ("live", "batch")
Function = Callable[[Mapping[str, Any]], Any]
Words = Recipe | Function


@dataclass(frozen=True)
class Asked:
    """How a run was asked for, beside its rows: all of it checked, so that it can be written down.

    `inputs` hold for every row, `columns` say which heading is read for a name, `label` is a pattern over the row's values, `options` are
    those of a request. `budget` and `max_requests` bound all rows together, `per_minute` requests. `extra` is "refuse" or "keep", `mode`
    "live" or "batch".
    """

    inputs: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    takes: int = 1
    label: str | None = None
    lang: str | None = None
    endpoint: str | Endpoint | None = None
    model: str | None = None
    key: Key | None = None
    transport: Transport | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    recover: int = 2
    deadline: float = 600
    budget: Money | None = None
    max_requests: int | None = None
    workers: int = 8
    per_minute: float | None = None
    retry: tuple[str, ...] = ()
    extra: str = "refuse"
    mode: str = LIVE

    @property
    def is_batch(self) -> bool:
        """Whether rows are asked for by batch jobs."""
        return self.mode == BATCH


@dataclass(slots=True)
class PlannedRow:
    """One row of the table, and what is known of it: where it stands, its key, its folder's name, its values, and what came of it."""

    row: TableRow
    key: str
    label: str | None
    folder: str
    requests: int = 1  # that it takes where nothing is there
    price: Cost | None = FREE  # of all these, at list price; None where one has none
    state: RowState = NOTHING_YET
    was_there: bool = False
    changed: str = ""  # the first word that differs from what is on record

    @property
    def number(self) -> int:
        """From 1 on, in the table's order."""
        return self.row.number


@dataclass(frozen=True)
class _Rendered:
    """A row with its words: what its order is made of."""

    values: RowValues
    steps: tuple[RecipeStep, ...]
    prompts: tuple[Prompt | None, ...]
    configs: tuple[dict[str, Any], ...]
    endpoint: Endpoint
    model: str


class Planner:
    """Plans the rows of a table for a recipe or a function, into a folder. Raises SettingsError for what is wrong with all of it."""

    def __init__(self, what: Words, table: Table, into: Path, asked: Asked) -> None:
        self.what, self.table, self.into, self.asked = what, table, into, asked
        self.recipe = what if isinstance(what, Recipe) else None
        self._meaning = ColumnMeaning(self.recipe, asked.columns, asked.extra)
        self._endpoints: dict[str | None, Endpoint] = {}
        self._clients: dict[tuple[Endpoint, str], Client] = {}
        self._checked: set[tuple[str, ...]] = set()  # headings that are known to mean something
        self._unchecked: list[tuple[TableRow, Client, object]] = []  # words in which no key was looked for yet
        self._of_libraries: dict[str, Picture] = {}  # of the prompts that a function has made
        self._latest: tuple[TableRow, _Rendered] | None = None
        self._first: dict[str, tuple[TableRow, str]] = {}  # the first row of each key, and the hash of its values
        self._equal: dict[str, int] = {}  # how many rows have its values, where there are several
        self._check_inputs()
        if self.recipe and asked.is_batch:
            self._check_one_step(self.recipe.steps)
        if table.headings is not None:
            self._check_headings(table.headings)

    @cached_property
    def hands(self) -> Hands:
        """What its orders need of this process."""
        pictures = self.recipe.pictures if self.recipe else self._of_libraries
        own = {e.name: e for e in self._endpoints.values() if not isinstance(e.dialect, str)}
        return Hands(self.asked.key, self.asked.transport, own, pictures)

    # All rows

    def rows(self, look: Callable[[PlannedRow], object] = lambda _: None) -> list[PlannedRow]:
        """All rows, checked. InputError, with `.problems`, names all that is wrong with any of them. `look` sees each as it is read, as
        long as nothing is wrong: then what was rendered is at hand.
        """
        planned: list[PlannedRow] = []
        problems: list[tuple[TableRow, str]] = []
        folders, of_settings = row_folders(self.into), True
        for row in self.table:
            self._check_headings(tuple(row.values))
            try:
                planned.append(self.planned(row, folders))
                if not problems:
                    look(planned[-1])
            except (PromptkitError, ValueError) as error:
                problems += [(row, said) for said in _told(error)]
                of_settings = of_settings and isinstance(error, SettingsError)
            if len(self._unchecked) >= AT_ONCE:
                self._refuse_keys(problems)
        self._refuse_keys(problems)
        self._first, self._equal = {}, {}  # all keys are given
        if problems and of_settings and not planned and len({said for _, said in problems}) == 1:
            raise SettingsError(f"{problems[0][1]}.")  # wrong with the call, and not with a row
        if problems:
            raise self._refusal(problems)
        if not planned:
            raise SettingsError(f"{sentence(self.table.name)} has no rows, so there is nothing to run.")
        return planned

    def planned(self, row: TableRow, folders: Mapping[str, str]) -> PlannedRow:
        """One row, rendered and checked."""
        rendered = self._rendered(row)
        self._check(row, rendered)
        label = self._label(rendered.values)
        key = self._key(row, rendered.values, label)
        requests, price = self._price(rendered)
        folder = folders.get(key) or name_of(label, key)
        return PlannedRow(row, key, label, folder, requests, price, was_there=key in folders)

    def _refuse_keys(self, problems: list[tuple[TableRow, str]]) -> None:
        """Adds a problem for each row since the last time whose words hold a key. All are looked at together, which is much faster."""
        unchecked, self._unchecked = self._unchecked, []
        clients = {id(client): client for _, client, _ in unchecked}
        for own, client in clients.items():
            try:
                client.refuse_keys([words for _, c, words in unchecked if id(c) == own])
            except SettingsError:
                problems += [(row, said) for row, c, words in unchecked if id(c) == own and (said := _key_in(c, words))]

    def _refusal(self, problems: Sequence[tuple[TableRow, str]]) -> InputError:
        all_of_them = [f"{row.place}: {said}" for row, said in problems]
        rows_of: dict[str, list[TableRow]] = {}
        for row, said in problems:
            rows_of.setdefault(said, []).append(row)
        lines = [f"{rows[0].place}{f' and {len(rows) - 1:,} more' if rows[1:] else ''}: {said}" for said, rows in rows_of.items()]
        if len(lines) == 1:
            return InputError(f"{sentence(self.table.name)}, {lines[0]}. Nothing was sent.", problems=all_of_them)
        more = [f"and {len(lines) - SHOWN:,} more"] if len(lines) > SHOWN else []
        said = f"{sentence(self.table.name)} has {len(problems):,} problems, and nothing was sent:"
        return InputError(said, problems=all_of_them, lines=[*lines[:SHOWN], *more])

    # One row

    def order(self, planned: PlannedRow) -> Order:
        """All that is needed to carry out a row, rendered anew."""
        rendered = self._rendered(planned.row)
        picture = rendered.values.of_row.get("picture")
        return Order(
            folder=str(self.into / planned.folder),
            row=planned.number,
            endpoint=rendered.endpoint,
            model=rendered.model,
            steps=tuple(self._steps(rendered)),
            takes=self.asked.takes,
            label=planned.label,
            meta={name: _plain(value) for name, value in rendered.values.meta.items()},
            picture=None if picture is None else PictureOf.of(self._located(picture)),
            recover=self.asked.recover,
            deadline=self.asked.deadline,
            again=self.asked.retry,
        )

    def prompts(self, planned: PlannedRow) -> list[Prompt]:
        """The prompts of a row, as they are sent."""
        return [prompt for prompt in self._rendered(planned.row).prompts if prompt is not None]

    def inputs(self, row: TableRow) -> dict[str, Any]:
        """What a row gives, by the name of what it means."""
        return self._read(row).all

    def _read(self, row: TableRow) -> RowValues:
        meaning = self._meaning.of(tuple(row.values), self.table.name)
        return read_cells(row.values, meaning, self.recipe)

    def _rendered(self, row: TableRow) -> _Rendered:
        if self._latest is None or self._latest[0] is not row:
            self._latest = row, self._render(row)
        return self._latest[1]

    def _render(self, row: TableRow) -> _Rendered:
        values = self._read(row)
        endpoint = self._endpoint(values.of_row.get("endpoint"))
        model = str(values.of_row.get("model") or self.asked.model or endpoint.model or models.default_model())
        steps = self._steps_of(row, values)
        prompts = self._prompts(row, steps, values)
        client = self._client(endpoint, model)
        placed = zip(steps, range(len(steps)), prompts, strict=True)
        configs = tuple({} if p is None else client.config(p, self._options(step, place, values)) for step, place, p in placed)
        return _Rendered(values, steps, prompts, configs, endpoint, model)

    def _steps_of(self, row: TableRow, values: RowValues) -> tuple[RecipeStep, ...]:
        """The recipe's, or what a function makes of the row: a prompt, or several, of which the first may edit the row's own picture."""
        if isinstance(self.what, Recipe):
            return self.what.steps
        made = self.what(dict(row.values))
        given = [made] if isinstance(made, str) else list(items(made) or ())
        if not given:
            raise ValueError(f"the function made {made!r:.60} of it; expected a prompt, or a list of prompts")
        prompts = [checked_prompt(each) for each in given]
        first = "edit" if values.of_row.get("picture") is not None else "generate"
        kinds = [prompts[0].kind or first, *("edit" for _ in prompts[1:])]
        return tuple(_AsMade(kind, text=p.text, made=p) for kind, p in zip(kinds, prompts, strict=True))

    def _prompts(self, row: TableRow, steps: Sequence[RecipeStep], values: RowValues) -> tuple[Prompt | None, ...]:
        """The words of each step. InputError names all that is wrong with any of them, and with the row's options."""
        prompts: list[Prompt | None] = []
        problems = list(values.problems)
        for place, step in enumerate(steps):
            try:
                prompts.append(None if step.operation else self._prompt(step, place, values))
            except InputError as error:
                problems += [self._with_heading(said, row) for said in error.problems or [str(error)]]
        if problems:
            problems = list(dict.fromkeys(problems))
            raise InputError(f"{'; '.join(problems)}.", problems=problems)
        return tuple(prompts)

    def _with_heading(self, said: str, row: TableRow) -> str:
        """A problem with an input, and the column that it is read from, where that is headed otherwise."""
        meaning = self._meaning.of(tuple(row.values), self.table.name)
        read = ((meant.name, heading) for heading, meant in meaning.items() if meant.inputs and meant.name != heading)
        return next((f"{said} (column {heading.strip()!r:.60})" for name, heading in read if said.startswith(f"'{name}' ")), said)

    def _prompt(self, step: RecipeStep, place: int, values: RowValues) -> Prompt:
        if isinstance(step, _AsMade) and step.made is not None:
            return step.made
        shared = {name: value for name, value in self.asked.inputs.items() if _has(step, name)}
        shared |= self._placed_inputs(place)
        return step.prompt(shared | values.inputs.get(place, {}), self._lang(place, values))

    def _placed_inputs(self, place: int) -> dict[str, Any]:
        """Inputs for all rows that are for one step alone: `2.style`."""
        begun = f"{place + 1}."
        return {name.removeprefix(begun): value for name, value in self.asked.inputs.items() if name.startswith(begun)}

    def _options(self, step: RecipeStep, place: int, values: RowValues) -> dict[str, Any]:
        """The options of a request: the recipe's, then the run's, then the row's."""
        of_row = {**values.of_row, **values.of_step.get(place, {})}
        own = {name: value for name, value in of_row.items() if name in OPTIONS}
        return checked_config({**step.config, **self.asked.options, **own})

    def _steps(self, rendered: _Rendered) -> Iterator[OrderStep]:
        values = rendered.values
        for place, (step, prompt, config) in enumerate(zip(rendered.steps, rendered.prompts, rendered.configs, strict=True)):
            if prompt is None:
                yield OrderStep(step.kind, operation=step.operation)
                continue
            pictures = (PictureOf.of(self._located(each)) for each in self._references(place, values))
            along = (*self._along(step), *(AlongPicture("reference", picture=picture) for picture in pictures))
            if not self.recipe:
                self._of_libraries.update((each.picture.sha256, each.picture) for each in prompt.references)
            yield OrderStep(step.kind, prompt, config, prompt.lang or self._lang(place, values), along)

    def _lang(self, place: int, values: RowValues) -> str | None:
        lang = values.of_step.get(place, {}).get("lang") or values.of_row.get("lang")
        return self.asked.lang if lang is None else str(lang)

    def _along(self, step: RecipeStep) -> Iterator[AlongPicture]:
        for a in step.along:
            yield AlongPicture(a.role, a.step, PictureOf(sha256=a.picture.sha256) if a.picture else None, a.words)

    def _references(self, place: int, values: RowValues) -> list[Any]:
        """The row's own pictures that go along: with the first step that asks, unless the column names another."""
        first = self.recipe.asking[0] if self.recipe and self.recipe.asking else 0
        given = values.of_step.get(place, {}).get("references") or (values.of_row.get("references") if place == first else None)
        if given is None:
            return []
        return [each for part in given.split(";") if (each := part.strip())] if isinstance(given, str) else list(items(given) or (given,))

    def _located(self, given: Any) -> Any:
        """A picture of the row: a path from the table's folder on, or what it is."""
        if not isinstance(given, str):
            return given
        path = Path(given).expanduser()
        return path if path.is_absolute() else (self.table.folder or Path()).absolute() / path

    # Labels and keys

    def _label(self, values: RowValues) -> str | None:
        if self.asked.label is None:
            label = values.of_row.get("label")
            return None if label is None else str(label)
        said = self.asked.label
        if "{" not in said:
            return str(values.all[said]) if said in values.all else None
        try:
            return said.format_map(dict.fromkeys(self._names, "") | {k: str(v) for k, v in values.all.items()}) or None
        except ValueError as error:  # a width that is none
            raise ValueError(f"the label {said!r:.60} cannot be made ({error})") from None

    @cached_property
    def _names(self) -> list[str]:
        """The names that a label's pattern may have: the inputs, and the columns of the table."""
        declared = [name for step in (self.recipe.steps if self.recipe else ()) for name in step.declared]
        return list(dict.fromkeys([*declared, *(self.table.headings or ()), "label", "key", "lang"]))

    def _key(self, row: TableRow, values: RowValues, label: str | None) -> str:
        """The row's key. ValueError where another row has the same key column or label, and other values."""
        own = values.of_row.get("key")
        said = str(own).strip() if own is not None else label
        all_values = dict(row.values) if self.recipe is None else values.all
        key = key_of(all_values if said is None else said)
        digest = key if said is None else key_of(all_values)
        if key not in self._first:
            self._first[key] = row, digest
            return key
        first, values_of_first = self._first[key]
        if values_of_first != digest:
            what = "key" if own is not None else "label"
            raise ValueError(f"the {what} {said!r:.60} is that of {first.place} too; give each row its own, in a column `key`")
        self._equal[key] = self._equal.get(key, 1) + 1
        return f"{key}-{self._equal[key]}"

    # Where requests go

    def _endpoint(self, named: object) -> Endpoint:
        """The endpoint of a row that names one, else the run's."""
        if named is not None and self.asked.transport is not None:
            raise ValueError("names an endpoint, and the run has a transport of its own: leave one out")
        key = None if named is None else str(named)
        if key not in self._endpoints:
            given = self.asked.endpoint
            behind = endpoint_behind(self.asked.transport) if given is None else None
            self._endpoints[key] = choose_endpoint(key) if key else behind or choose_endpoint(given)
        return self._endpoints[key]

    def _client(self, endpoint: Endpoint, model: str) -> Client:
        """What checks a row's requests; nothing is asked through it."""
        found = self._clients.get((endpoint, model))
        if found is None:
            terms = Terms(endpoint, model, self.asked.key, self.asked.transport, budget=self.asked.budget)
            client = Client(Engine(self.into / NO_FOLDER), terms, endpoint, model, key=self.asked.key)
            found = self._clients[endpoint, model] = client
        return found

    @property
    def endpoint(self) -> Endpoint:
        """Where rows are asked for that name none of their own."""
        return self._endpoint(None)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """All that its rows ask."""
        return tuple(self._endpoints.values())

    @property
    def is_offline(self) -> bool:
        """Whether all rows ask for offline drafts."""
        return all(endpoint.is_offline for endpoint in self._endpoints.values())

    def client(self, endpoint: str, model: str) -> Client:
        """What reaches an endpoint of that name, one of this run's or a known one. SettingsError where there is none."""
        named = next((e for e in self._endpoints.values() if e.name == endpoint), None)
        return self._client(named or choose_endpoint(endpoint), model)

    def connect(self) -> None:
        """Finds the keys and the transports, so that none is missing midway; sends nothing. They live as long as the planner."""
        for client in self._clients.values():
            client.connection.open()

    # Checking

    def _check_inputs(self) -> None:
        """SettingsError for an input for all rows that no step has."""
        if self.recipe is None:
            if self.asked.inputs:
                raise SettingsError("inputs= fill templates; a function gets each row, and makes its prompts itself.")
            return
        known = list(dict.fromkeys(name for step in self.recipe.steps for name in step.declared))
        for name in self.asked.inputs:
            place, dot, bare = name.partition(".")
            steps = self.recipe.steps
            is_placed = bool(dot) and place.isdigit() and 0 < int(place) <= len(steps) and _has(steps[int(place) - 1], bare)
            if not is_placed and not any(_has(step, name) for step in steps):
                near = did_you_mean(name, known)
                raise SettingsError(f"inputs= has {name!r:.60}, which no template here has{near}; they have {listed(known)}.")

    def _check_one_step(self, steps: Sequence[RecipeStep]) -> None:
        """SettingsError for what batch mode cannot do: a step waits for no other there."""
        if len(steps) != 1 or steps[0].operation:
            said = f"this has {len(steps)}" if len(steps) != 1 else f"{steps[0].name} is made here, and asks nobody"
            raise SettingsError(f'mode="batch" takes one step that asks for each row, and {said}: run the chain with mode="live".').also(
                in_shell=f"--batch takes one template, and {said}: run the chain without --batch."
            )

    def _check_headings(self, headings: Sequence[str]) -> None:
        """SettingsError for a column that means nothing, and where a picture is needed and no column has one."""
        if tuple(headings) in self._checked:
            return
        meaning = self._meaning.of(headings, self.table.name)
        self._checked.add(tuple(headings))
        self._check_label([*self._names, *(m.name for m in meaning.values())])
        if not any(m.of_row and m.name == "endpoint" for m in meaning.values()):
            _ = self.endpoint  # where nothing says where requests go, that is wrong with all rows at once
        if self.recipe and self.recipe.needs_picture and not any(m.of_row and m.name == "picture" for m in meaning.values()):
            first = self.recipe.steps[0].name
            raise SettingsError(f"{first} starts from a picture: {self.table.name} needs a column `picture` that names one for each row.")

    def _check_label(self, names: Sequence[str]) -> None:
        """SettingsError for a label that no column and no input can fill."""
        label = self.asked.label
        if label is None or ("{" not in label and label in names):
            return
        if "{" not in label:
            said = f"label= is a column, or a pattern such as \"{{subject}}\", and there is no {label!r:.60}"
            raise SettingsError(f"{said}{did_you_mean(label, names)}; there are {listed(dict.fromkeys(names))}.")
        try:
            check_pattern(label, dict.fromkeys(names), "label")
        except PictureError as error:
            raise SettingsError(str(error)) from None

    def _check(self, row: TableRow, rendered: _Rendered) -> None:
        """Raises what would make a request of the row fail."""
        if self.asked.is_batch:
            self._check_one_step(rendered.steps)
            check_batch(rendered.endpoint, rendered.model)
        picture = rendered.values.of_row.get("picture")
        if rendered.steps[0].kind != "generate" and picture is None:
            raise ValueError("picture is missing: name the file that the first step starts from")
        if picture is not None:
            self._check_picture(picture, "picture")
        for place, prompt in enumerate(rendered.prompts):
            if prompt is not None:
                self._check_request(row, rendered, place, prompt)

    def _check_request(self, row: TableRow, rendered: _Rendered, place: int, prompt: Prompt) -> None:
        client, step, config = self._client(rendered.endpoint, rendered.model), rendered.steps[place], rendered.configs[place]
        references = self._references(place, rendered.values)
        for each in references:
            self._check_picture(each, "references")
        count = int(step.kind == "edit") + len(step.along) + len(references)
        checked_pictures(prompt, count)
        checked_words(prompt)
        client.check_options(config, count + len(prompt.references))
        self._unchecked.append((row, client, [prompt.text, dict(prompt.inputs), _words(rendered.values.all), rendered.values.meta]))
        client.budget.check_price(rendered.model, rendered.endpoint.name, config.get("image_size"))

    def _check_picture(self, given: object, column: str) -> None:
        """ValueError where a picture is missing, or its file is none. It is decoded when the row is carried out."""
        located = self._located(given)
        if not isinstance(located, Path):
            if not is_picture(located):
                raise ValueError(f"{column} is {given!r:.60}; expected a picture's file")
            return
        try:
            with located.open("rb") as file:
                head = file.read(HEAD)
        except OSError as error:
            raise ValueError(f"{column} {str(given)!r:.120} cannot be read: {error.strerror or error}") from None
        if media_type(head) is None:
            raise ValueError(f"{column} {str(given)!r:.120} is no picture")

    def _price(self, rendered: _Rendered) -> tuple[int, Cost | None]:
        """How many requests a row takes where nothing is there, and what they may cost."""
        configs = [c for p, c in zip(rendered.prompts, rendered.configs, strict=True) if p is not None]
        where, in_batch = (rendered.model, rendered.endpoint.name), self.asked.is_batch
        prices = [models.estimate(*where, image_size=c.get("image_size"), in_batch=in_batch) for c in configs]
        count = len(configs) * self.asked.takes
        if any(price is None for price in prices):
            return count, None
        return count, sum((price or FREE for price in prices for _ in range(self.asked.takes)), FREE)


@dataclass(frozen=True)
class _AsMade(RecipeStep):
    """A step whose prompt a function made."""

    made: Prompt | None = None


def _key_in(client: Client, words: object) -> str:
    """What is wrong with words that hold a key; empty where they do not."""
    try:
        client.refuse_keys(words)
    except SettingsError as error:
        return str(error).rstrip(".")
    return ""


def _words(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a row gives in words: its pictures hold no key that anybody would read."""
    pictures = ("picture", "references")
    return {name: value for name, value in values.items() if isinstance(value, str) or name.rpartition(".")[2] not in pictures}


def _told(error: BaseException) -> list[str]:
    """What is wrong with a row, each problem by itself."""
    return list(error.problems) if isinstance(error, InputError) and error.problems else [str(error).rstrip(".")]


def _has(step: RecipeStep, name: str) -> bool:
    return name in step.declared or any(each.renamed_from == name for each in step.declared.values())


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else str(value)

