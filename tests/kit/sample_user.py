"""What a user's own module may look like: each public name, used as it is meant. It runs offline, and is checked by mypy --strict."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

import promptkit
from promptkit import (
    BudgetExceeded,
    Cost,
    CostError,
    Endpoint,
    FunctionTransport,
    Input,
    InputError,
    KeyRejected,
    Library,
    LineageError,
    Mark,
    ModelNotFound,
    NoPicture,
    NotRecorded,
    OutOfCredit,
    Picture,
    PictureError,
    Problem,
    Prompt,
    PromptkitError,
    PromptkitWarning,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    Reference,
    Refused,
    RegionUnavailable,
    Request,
    RequestsTransport,
    Response,
    Run,
    ServiceUnavailable,
    Session,
    SettingsError,
    Step,
    StepNotFound,
    Steps,
    Template,
    TemplateError,
    TemplateNotFound,
    Transport,
    TransportError,
    add_library,
    ask_key,
    find,
    import_session,
    run,
    sessions,
    templates,
    which,
)

log = logging.getLogger(__name__)


# Templates


def stickers(animals: list[str]) -> Iterator[Prompt]:
    """A prompt for each animal, in two languages."""
    sticker: Template = templates.sticker
    for animal in animals:
        yield sticker(subject=animal, characteristics="a tiny hat")
        yield templates["sticker"](subject=animal, lang="ja")


def inputs_of(template: Template) -> dict[str, Input]:
    return dict(template.inputs)


def own_library(folder: Path) -> Template:
    """A folder of one's own, before the templates that come along."""
    folder.mkdir(exist_ok=True)
    (folder / "mug.j2").write_text("---\ndescription: A mug\ninputs: {subject: {}}\n---\nA mug with {{ subject|article }}.\n")
    add_library(folder)
    library = Library(folder, builtin=False)
    assert [template.name for template in library] == ["mug"]
    bracketed: Template = Template.from_brackets("A [style] picture of a [subject].")
    assert_type(str(bracketed(style="flat", subject="fox")), str)
    mug: Template = library.mug
    return mug


# Sessions


class Counting:
    """A transport of one's own: it counts what another one sends."""

    def __init__(self, inner: Transport) -> None:
        self.inner, self.count = inner, 0

    def send(self, request: Request) -> Response:
        self.count += 1
        return self.inner.send(request)


def refine(folder: Path) -> Session:
    """A picture, refined over several steps."""
    bear = Session(folder / "bear", endpoint="offline", budget=2.0, max_requests=30, seed=7, on_progress=lambda line: log.info("%s", line))
    panda: Step = bear.generate(templates.sticker(subject="red panda"), label="first", meta={"for": "a client"})
    pair = panda.edit("Put a small white alpaca beside it", aspect_ratio="1:1")
    takes: Steps = pair.vary("Make it night", n=2)
    best: Step = takes[0]
    own = bear.add(best.picture, label="by hand")
    both = bear.edit("Put both on a bench", on=own, references=[pair.picture, panda])
    bear.undo()
    bear.redo()
    bear.goto(both)
    bear.tag("for the client", best)
    assert_type(bear.reference("scarf", best, description="the red scarf"), Reference)
    named: dict[str, Reference] = bear.references
    assert named
    bear.edit("Add the scarf", references="scarf")
    assert_type(best.mark("keep", stars=4, note="bluer", region=(0, 0, 100, 100), by="client"), Mark)
    assert [mark.verdict for mark in bear.marks] == ["keep"]
    assert_type(bear.marked("keep")[0], Step)
    assert [mark.text for mark in bear.import_marks(f"{best.number} reject too dark", by="Ann")] == ["reject too dark"]
    assert bear.marked("keep").conflicts == (best,)
    assert_type(bear.head, Step | None)
    assert_type(bear.drift().worst, Step | None)
    assert_type(bear.steps, Steps)
    tags: dict[str, Step] = bear.tags
    assert tags
    assert_type(bear["for the client"], Step)
    assert_type([step.number for step in bear], list[int])
    other: Session = bear.at(panda)
    assert other.trail() == (panda,)
    return bear


def told(step: Step) -> str:
    """What a step says of itself."""
    assert_type(step.id, str)
    assert_type(step.parents, Steps)
    pictures: tuple[Picture, ...] = step.pictures
    assert pictures
    assert_type(step.ok, bool)
    assert_type(step.warnings, tuple[str, ...])
    assert_type(step.usage, dict[str, int])
    picture: Picture = step.picture
    assert_type(picture.data, bytes)
    assert_type(picture.size, tuple[int, int] | None)
    width, height = picture.size or (0, 0)
    return f"{step.number}: {picture.mime_type}, {width} x {height}, {spent(step.cost)}"


def spent(cost: Cost) -> str:
    """A sum in words, or as a number where all is priced in USD."""
    try:
        return f"{float(cost):.2f}"
    except CostError:
        return f"{cost.amount} {cost.currency}, and {cost.unpriced} not known"


def taken_along(bear: Session, folder: Path) -> list[Problem]:
    """Exported, imported, found again and checked."""
    assert_type(bear.export(folder / "bear.zip", all=True), Path)
    assert_type(bear.page(folder / "bear.html", [1], title="A bear", lang="ja", embed="screen", review=True), Path)
    with bear.page(serve=True) as live:
        assert_type(live.url, str)
    import_session(folder / "bear.zip", folder / "copy")
    saved: Path = bear.save(folder / "out.png")
    copy = Session(folder / "copy", send=False)
    assert len(list(sessions(folder))) == 2
    assert find("alpaca", folder)
    assert which(saved, folder)
    assert Picture.open(saved) == Picture(saved.read_bytes())
    problems: list[Problem] = copy.verify()
    return problems


# Where requests go


def gateway(name: str = "work") -> Endpoint:
    there = Endpoint(name, "https://gateway.example.com", auth="bearer", key_env=("WORK_API_KEY",))
    return there if there.host else Endpoint.named("google")


def asked_at_a_gateway(folder: Path) -> int:
    """A session at an endpoint of one's own, answered by a function in place of a network."""
    answer = FunctionTransport(lambda path, body: Response.json({"error": {"message": "no such model"}}, status=404))
    counting = Counting(answer)
    with_it = Session(folder / "gateway", endpoint=gateway(), api_key="of-a-test", transport=counting, recover=0)
    try:
        with_it.generate("a fox")
    except ProviderError as error:
        log.info("%s %s", error.status, error.message)
    return counting.count


def key_in_a_notebook() -> None:
    ask_key("google")


def over_the_network() -> Transport:
    return Counting(RequestsTransport(Endpoint.named("offline")))


# Many at once


def animals(folder: Path) -> str:
    """A table of animals: what it would ask for, then all of it, and the files."""
    rows = [{"label": "fox", "subject": "red fox"}, {"label": "owl", "subject": "barn owl"}]
    shown = run(templates.sticker, rows, folder / "stickers", endpoint="offline", dry_run=True)
    made = run(templates.sticker, rows, folder / "stickers", endpoint="offline", workers=2)
    assert isinstance(made, Run)
    files = made.save(folder / "out" / "{label}.png")
    assert_type(files, list[Path])
    assert_type(made["fox"].steps, Steps)
    return f"{shown!r}, {made.counts}, {made.cost}, {[file.name for file in files]}, {len(Run.open(made.folder).failed)}"


# Errors


def advice(error: PromptkitError) -> str:
    """What somebody is told of each kind of error."""
    match error:
        case Refused() | NoPicture():
            return f"asked {len(error.attempts)} times: {error.text}"
        case RateLimited():
            return f"later, in {error.retry_after} seconds"
        case KeyRejected() | RegionUnavailable() | OutOfCredit() | QuotaExceeded():
            return "somebody has to see to it"
        case ModelNotFound() | ServiceUnavailable() | ProviderError():
            return f"{error.status}: {error.message}"
        case TransportError():
            return "perhaps charged" if error.sent else "not charged"
        case InputError():
            return "\n".join(error.problems)
        case TemplateNotFound() | StepNotFound():
            return f"one of {', '.join(error.near)}"
        case NotRecorded():
            return f"not on record; the nearest is {error.near}"
        case BudgetExceeded() | SettingsError() | TemplateError() | PictureError() | LineageError():
            return str(error)
    return "" if error.step is None else error.step.outcome


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(*stickers(["happy bear"]), sep="\n")
        print(own_library(folder / "prompts")(subject="owl"), sorted(inputs_of(templates.sticker))[:2])
        bear = refine(folder)
        print(*map(told, bear.steps), sep="\n")
        print(spent(bear.cost), taken_along(bear, folder), asked_at_a_gateway(folder))
        print(animals(folder))
        print(advice(SettingsError("no key")), issubclass(PromptkitWarning, UserWarning), promptkit.__version__)


if __name__ == "__main__":
    main()
