"""What a template's body refers to, read from its syntax tree without running it: names, other files, blocks.

It serves those who check templates: a body that the sandbox would refuse is surveyed too. It meets jinja2 only through sandbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from promptkit.prompts.sandbox import FAILURES, cannot_be_used, is_constant_text, nodes, parse

__all__ = ["Reference", "Survey", "survey"]


@dataclass(frozen=True)
class Reference:
    """Another file that a body names in quotes: on which line, with which statement, and which names set before it can be seen there."""

    name: str
    line: int
    statement: str  # Include, Import, FromImport or Extends
    sees: frozenset[str] | None  # None: it is loaded without context, and sees no inputs either


@dataclass(frozen=True)
class Survey:
    """What a body refers to, by line of its file. A block is surveyed for itself, because one of its name elsewhere can take its place."""

    names: Mapping[str, int]  # looked up from outside, because nothing in the body sets them on each way to their use
    asked: frozenset[str]  # names whose absence is provided for (`is defined`, `default`)
    sets: frozenset[str]  # at the top level, on each way through it
    stored: frozenset[str]  # set anywhere, loops and branches included
    references: tuple[Reference, ...]
    fields: tuple[tuple[str, str, int], ...]  # what a loop over a name from outside asks of each entry: that name, the field, the line
    dynamic: tuple[int, ...]  # the lines that name a file by something else than a text in quotes
    blocks: Mapping[str, Survey]


def survey(source: str, name: str, file: str, lines_before: int = 0) -> Survey:
    """What a body refers to, whether or not it may be used. TemplateError where its syntax is wrong."""
    try:
        return _Surveyor(lines_before).survey(parse(source, name, file).body)
    except FAILURES as error:
        raise cannot_be_used(error, file, lines_before) from None


class _Surveyor:
    """Walks a tree in the order in which it runs. `known` are the names set on each way to a node; a scope of its own has its own set."""

    # jinja2.meta finds the names too, but neither their lines nor what an included file can see; it reports a name that is set and used in
    # one branch only, and overlooks one that is called as a function of jinja2's own is (`range`), which templates do not have

    def __init__(self, lines_before: int) -> None:
        self.lines_before = lines_before
        self.names: dict[str, int] = {}
        self.asked: set[str] = set()
        self.stored: set[str] = set()
        self.references: list[Reference] = []
        self.fields: list[tuple[str, str, int]] = []
        self.dynamic: list[int] = []
        self.blocks: dict[str, Survey] = {}
        self.macros: list[tuple[nodes.Macro, set[str]]] = []

    def survey(self, body: Iterable[nodes.Node], known: Iterable[str] = ()) -> Survey:
        top = set(known)
        self.walk(body, top)
        sets = frozenset(top)
        while self.macros:  # they run later, when all of their scope is set
            macro, scope = self.macros.pop()
            self.walk([*macro.args, *macro.defaults, *macro.body], set(scope))
        found = (frozenset(self.asked), sets, frozenset(self.stored), tuple(self.references), tuple(self.fields), tuple(self.dynamic))
        return Survey(self.names, *found, self.blocks)

    def walk(self, body: Iterable[nodes.Node], known: set[str]) -> set[str]:
        for node in body:
            self.visit(node, known)
        return known

    def visit(self, node: nodes.Node, known: set[str]) -> None:
        match node:
            case nodes.Name(ctx="load") if node.name not in known:
                self.names[node.name] = min(self.line(node), self.names.get(node.name, self.line(node)))
            case nodes.Name() if node.ctx != "load":
                self.store(node.name, known)
            case nodes.Assign():
                self.walk([node.node, node.target], known)
            case nodes.AssignBlock():
                self.walk(node.body, set(known))
                self.walk([node.target], known)
            case nodes.If():
                self.walk([node.test, *(other.test for other in node.elif_)], known)
                branches = (node.body, *(other.body for other in node.elif_), node.else_)
                known |= set.intersection(*(self.walk(branch, set(known)) for branch in branches))
            case _:
                self.visit_scope(node, known)

    def visit_scope(self, node: nodes.Node, known: set[str]) -> None:
        match node:
            case nodes.For():
                self.walk([node.iter], known)
                self.ask_fields(node, known)
                self.walk([node.target, *node.body], known | {"loop"})
                self.walk(node.else_, set(known))
            case nodes.Macro():
                self.store(node.name, known)
                self.macros.append((node, known))
            case nodes.Block():
                inner = _Surveyor(self.lines_before)
                self.blocks[node.name] = inner.survey(node.body, known if node.scoped else ())
                self.blocks |= inner.blocks
            case nodes.Include() | nodes.Import() | nodes.FromImport() | nodes.Extends():
                self.refer(node, known)
            case _:
                self.ask(node)
                self.walk(node.iter_child_nodes(), known)

    def refer(self, node: nodes.Include | nodes.Import | nodes.FromImport | nodes.Extends, known: set[str]) -> None:
        self.walk([node.template], known)
        if is_constant_text(node.template):
            sees = frozenset(known - {"loop"}) if getattr(node, "with_context", True) else None
            self.references.append(Reference(node.template.value, self.line(node), type(node).__name__, sees))  # type: ignore[attr-defined]
        else:
            self.dynamic.append(self.line(node))
        targets = [node.target] if isinstance(node, nodes.Import) else node.names if isinstance(node, nodes.FromImport) else []
        for target in targets:
            self.store(target if isinstance(target, str) else target[1], known)

    def ask(self, node: nodes.Node) -> None:
        if isinstance(node, (nodes.Test, nodes.Filter)) and node.name in ("defined", "undefined", "default", "d"):
            self.asked |= {node.node.name} if isinstance(node.node, nodes.Name) else set()

    def ask_fields(self, loop: nodes.For, known: set[str]) -> None:
        if not isinstance(loop.iter, nodes.Name) or loop.iter.name in known or not isinstance(loop.target, nodes.Name):
            return
        if any(name.ctx != "load" and name.name == loop.target.name for part in loop.body for name in part.find_all(nodes.Name)):
            return  # it is set anew, or stands for another list's entry
        for read in (found for part in loop.body for found in part.find_all((nodes.Getattr, nodes.Getitem))):
            field = read.attr if isinstance(read, nodes.Getattr) else getattr(getattr(read, "arg", None), "value", None)
            entry = next(read.iter_child_nodes())
            if isinstance(entry, nodes.Name) and entry.name == loop.target.name and isinstance(field, str):
                self.fields.append((loop.iter.name, field, self.line(read)))

    def store(self, name: str, known: set[str]) -> None:
        known.add(name)
        self.stored.add(name)

    def line(self, node: nodes.Node) -> int:
        return self.lines_before + node.lineno
