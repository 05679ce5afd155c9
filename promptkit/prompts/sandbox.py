"""The jinja2 environment that is closed to strangers: what a template tries ends in a text of bounded size, or in TemplateError.

Three rules hold it. Deny by default: only the syntax, filters and tests named here, no method of any value. Each stretch of straight
code pays for its nodes each time it runs. Each value that is made or walked pays for its size. What is spent is counted in units of
work and never by a clock, so that a template that renders once renders always. Nothing else imports jinja2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError
from jinja2.filters import do_title
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from promptkit.errors import TemplateError, did_you_mean

__all__ = ["Part", "Reference", "Survey", "render", "survey"]

FUEL = 100_000  # units for one render: a node that runs, or 64 characters or one item that are made or walked
LONGEST = 100_000  # characters of any one text
CODE = 300_000  # characters of the Python that one file may become
NODES = 15_000  # of one file's syntax tree,
SCOPED = 50_000  # and of all that stands in its loops, macros and blocks, counted for each: so often jinja2 looks at it
LARGEST = 10**15  # of the whole numbers written in a template
NESTING = 64  # levels of the syntax tree
SHORT_TEXT = 2_500  # characters, up to which Python looks for a text in the simplest way
CALLS = 32  # macros and blocks inside each other
A_CALL, A_FILE = 10, 100  # units beyond the nodes of what is called or loaded

# What a template may use

SYNTAX = {
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Concat),
    *(nodes.If, nodes.CondExpr, nodes.For, nodes.Assign, nodes.AssignBlock, nodes.Filter, nodes.Test, nodes.Getattr, nodes.Getitem),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Macro, nodes.Call, nodes.Keyword),
    *(nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Block),
}
TESTS = ("defined", "undefined", "none", "string", "number", "boolean")
LOOP = ("index", "index0", "revindex", "revindex0", "first", "last", "length")
HIDDEN_NAMES = ("self", "caller", "varargs", "kwargs")
REFERENCES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


# What is spent


class _Tank:
    """What one render may still spend, and the files it may load."""

    __slots__ = ("calls", "left", "parts")

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self.left, self.calls, self.parts = FUEL, 0, parts


_tank: ContextVar[_Tank] = ContextVar("_tank")


def _burn(units: int) -> None:
    tank = _tank.get()
    tank.left -= units
    if tank.left < 0:
        raise SecurityError("it does more work than a template may; make its loops and macros smaller")


def _size(value: object) -> int:
    if isinstance(value, str):
        return 1 + (len(value) >> 6)
    if isinstance(value, (list, tuple)):
        return 1 + sum(map(_size, value))
    return 1


def _weigh(value: Any) -> Any:
    _burn(_size(value))
    return value


def _search(value: Any) -> Any:
    """What is looked into with `in`, after it has paid for the slowest search: Python's is quadratic in short texts."""
    _burn(_size(value) + (min(len(value), SHORT_TEXT) ** 2 >> 14 if isinstance(value, str) else 0))
    return value


def _walk(value: Any, weight: int) -> Any:
    """What a loop walks, after it has paid for all of its turns."""
    if not isinstance(value, (list, tuple)):
        raise SecurityError(f"a loop walks a list, and this is {_kind(value)}")
    _burn(_size(value) + len(value) * weight)
    return value


def _pay(units: int) -> None:
    _burn(units)


def _kind(value: object) -> str:
    if isinstance(value, Undefined):
        str(value)  # raises what jinja2 says of an unknown name
    return {str: "a text", list: "a list", tuple: "a list", type(None): "nothing"}.get(type(value), f"a {type(value).__name__.lower()}")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (str, int, float, Undefined)):
        return str(value)
    raise SecurityError(f"{_kind(value)} cannot be printed; join a list, and call a macro")


def _concat(pieces: Iterable[Any]) -> str:
    # what stands in this list exists already or is a short number, so that only the joined text has to be bounded
    texts = [piece if type(piece) is str else _text(piece) for piece in pieces]
    length = sum(map(len, texts))
    if length > LONGEST:
        raise SecurityError(f"it makes a text of more than {LONGEST:,} characters")
    _burn(1 + (length >> 6))
    return "".join(texts)


# Filters

DETERMINERS = frozenset(
    {"the", "this", "that", "these", "those", "my", "your", "his", "her", "its", "our", "their", "some", "any", "no", "each", "every",
     "both", "all", "many", "several", "few", "most", "another", "either", "neither",
     "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
)
# spelled with a vowel that is said as "you" or "one", and with an h that is not said
CONSONANT_SOUND = re.compile(r"eu|ew|one(?![a-z])|once|uni[^nmd]|u[bcfhjkqrst][aeiou]", re.IGNORECASE)
VOWEL_SOUND = re.compile(r"[aeiou]|hour|honest|honou?r|heir|8|1[18](?!\d)|1[18]\d\d(?!\d)", re.IGNORECASE)
OWN_ARTICLE = re.compile(r"\A\s*(?:an?|the)\s+", re.IGNORECASE)
FIRST_WORD = re.compile(r"[^\W_]+")


def article(text: str, *, names: bool = False) -> str:
    """The text with "a" or "an" before it, unless it brings an article, a number or an owner of its own.

    `names`: what looks like a name (each word begins with a capital letter and goes on in small ones) gets none either.
    """
    text = text.strip()
    first, _, rest = text.partition(" ")
    if first in ("A", "An") and rest[:1].islower():
        return text.replace(first, first.lower(), 1)
    word = FIRST_WORD.search(first)
    if word is None or not word[0].isascii() or _is_determined(first, rest) or (names and text.istitle()):
        return text
    return f"{'an' if _sounds_like_a_vowel(word[0], first) else 'a'} {text}"


def _is_determined(first: str, rest: str) -> bool:
    word = first.lower()
    counts_or_article = bool(rest) and (word.isdigit() or word in ("a", "an"))
    owner = word.endswith(("'s", "’s")) and first[0].isupper()
    return counts_or_article or owner or word in DETERMINERS


def _sounds_like_a_vowel(word: str, first: str) -> bool:
    if word.isupper() and (len(word) <= 3 or not set(word[1:]) & set("AEIOU")):
        return word[0] in "AEFHILMNORSX"  # said letter by letter, as UFO and X-ray are
    return bool(VOWEL_SOUND.match(first, first.find(word))) and not CONSONANT_SOUND.match(word)


def bare(text: str) -> str:
    """The text without the article at its beginning."""
    return OWN_ARTICLE.sub("", text)


def lower_first(text: str) -> str:
    """The text with its first letter small, unless the second is a capital or none: "Add a hat", but "UFO" and "A hat" stay."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def upper_first(text: str) -> str:
    """The text with its first letter large and all others as they were."""
    return text[:1].upper() + text[1:]


def unstopped(text: str) -> str:
    """The text without the full stop or exclamation mark at its end, so that a sentence can go on; an ellipsis stays."""
    text = text.rstrip()
    return text if text.endswith("..") else text.rstrip(".。．｡।!！")


def _replace(text: str, old: str, new: str) -> str:
    _burn(min(len(text), SHORT_TEXT) * min(len(old), SHORT_TEXT) >> 14)
    if len(text) + text.count(old) * len(new) > LONGEST:
        raise SecurityError(f"it makes a text of more than {LONGEST:,} characters")
    return text.replace(old, new)


def _join(items: Any, between: Any = "", last: Any = None) -> str:
    if not isinstance(items, (list, tuple)):
        raise SecurityError(f"join takes a list, and this is {_kind(items)}")
    seams = [between] * (len(items) - 1)
    if seams and last is not None:
        seams[-1] = last
    return _concat(piece for pair in zip(items, [*seams, ""], strict=False) for piece in pair)


def _default(value: Any, other: Any = "", empty: bool = False) -> Any:
    return other if value is None or isinstance(value, Undefined) or (empty and not value) else value


def _paid(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that pays for what it is given and for what it gives."""

    def paying(*values: Any, **named: Any) -> Any:
        for value in (*values, *named.values()):
            _weigh(value)
        return _weigh(function(*values, **named))

    return paying


def _on_text(function: Callable[..., str], *, times: int = 1) -> Callable[..., Any]:
    """A filter of one text, which pays as the others do, or so many times as much."""

    def paying(value: Any, *more: Any, **named: Any) -> str:
        text = value if type(value) is str else _text(value)
        result = function(text, *map(_text, more), **named) if more else function(text, **named)
        _burn(2 + times * (len(text) + len(result) >> 6) + sum(map(_size, more)))
        return result

    return paying


FILTERS: dict[str, Callable[..., Any]] = {
    "article": _on_text(article),
    "bare": _on_text(bare),
    "lower_first": _on_text(lower_first),
    "upper_first": _on_text(upper_first),
    "unstopped": _on_text(unstopped),
    "upper": _on_text(str.upper),
    "lower": _on_text(str.lower),
    "capitalize": _on_text(str.capitalize),
    "title": _on_text(do_title, times=8),
    "trim": _on_text(lambda text: text.strip()),  # of white space only: a set of characters would be walked for each of them
    "removeprefix": _on_text(str.removeprefix),
    "replace": _on_text(_replace),
    "join": _paid(_join),
    "length": _paid(len),
    "count": _paid(len),
    "first": _paid(lambda value: value[0] if value else None),
    "last": _paid(lambda value: value[-1] if value else None),
    "default": _paid(_default),
    "d": _paid(_default),
}


# The environment


class _Generator(CodeGenerator):
    """Writes Python whose every concatenation pays, that computes nothing before it is run, and that is not endless."""

    written = 0

    def write(self, x: str) -> None:
        self.written += len(x)
        if self.written > CODE:
            self.fail("it becomes too much code; make it shorter", 1)
        super().write(x)

    def visit_Concat(self, node: nodes.Concat, frame: Any) -> None:  # noqa: N802  (jinja2's name)
        self.write("environment.concat((")
        for piece in node.nodes:
            self.visit(piece, frame)
            self.write(", ")
        self.write("))")

    # What is printed is text nearly always; only what is not goes through the environment.
    def _output_child_pre(self, node: nodes.Expr, frame: Any, finalize: Any) -> None:  # noqa: ARG002
        self.write("(_v if type(_v := (")

    def _output_child_post(self, node: nodes.Expr, frame: Any, finalize: Any) -> None:  # noqa: ARG002
        self.write(")) is str else environment.finalize(_v))")

    def _output_child_to_const(self, node: nodes.Expr, frame: Any, finalize: Any) -> str:
        if isinstance(node, nodes.TemplateData):
            return super()._output_child_to_const(node, frame, finalize)
        raise nodes.Impossible


class _Environment(ImmutableSandboxedEnvironment):
    code_generator_class = _Generator
    concat = staticmethod(_concat)

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined, finalize=_text, trim_blocks=True, lstrip_blocks=True, optimized=False, cache_size=0
        )
        self.filters = FILTERS | {"_pay": _pay, "_search": _search, "_walk": _walk, "_weigh": _weigh}

    def get_template(self, name: Any, parent: Any = None, globals: Any = None) -> Any:  # noqa: A002, ARG002  (jinja2's names)
        _burn(A_FILE)
        return _tank.get().parts[name].body

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in LOOP:
            return getattr(obj, attribute)
        if isinstance(obj, TemplateModule) and attribute in vars(obj) and not attribute.startswith("_"):
            return vars(obj)[attribute]
        hint = f"; write it as a filter, |{attribute}" if attribute in FILTERS else ""
        raise SecurityError(f"{_kind(obj)} has no {attribute!r} that a template may use{hint}")

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, (list, tuple)) and type(argument) is int and -len(obj) <= argument < len(obj):
            return obj[argument]
        raise SecurityError(f"{_kind(obj)} has no item {argument!r}")

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805  (jinja2's names)
        if not isinstance(__obj, (Macro, BlockReference)):
            raise SecurityError(f"{_kind(__obj)} cannot be called; only macros and super() can")
        tank = _tank.get()
        tank.calls += 1
        if tank.calls > CALLS:
            raise SecurityError(f"macros and blocks call each other more than {CALLS} deep")
        try:
            return super().call(__context, __obj, *args, **kwargs)
        finally:
            tank.calls -= 1


class _Body(jinja2.Template):
    lines_before = 0

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:  # noqa: ARG002
        return self.make_module()  # jinja2 keeps the first one, which the second render would not pay for


_ENVIRONMENT = _Environment()


# Checking and compiling


def _refuse(node: nodes.Node, why: str) -> NoReturn:
    raise jinja2.TemplateSyntaxError(why, node.lineno or 1)


def _complaint(node: nodes.Node) -> str | None:
    """Why this node is not allowed, or None."""
    match node:
        case _ if type(node) not in SYNTAX:
            return f"{_named(node)} is not among what a template may use"
        case nodes.Const(value=int() | float() as number) if not abs(number) <= LARGEST:
            return f"the number {str(number)[:20]} is larger than {LARGEST:,}"
        case nodes.Name() if node.name in HIDDEN_NAMES or not _is_plain(node.name):
            hint = "" if node.name.isascii() else "; inputs have the names of the base file, in small letters from a to z"
            return f"the name {node.name!r} is not among what a template may use{hint}"
        case nodes.List() | nodes.Tuple() if any(type(item) is not nodes.Const for item in node.items):
            return "a list holds constants only"
        case nodes.Filter() if node.name not in FILTERS:
            return f"there is no filter {node.name!r}{did_you_mean(node.name, FILTERS)}; known are {', '.join(FILTERS)}"
        case nodes.Test() if node.name not in TESTS:
            return f"there is no test {node.name!r}; known are {', '.join(TESTS)}"
        case nodes.Filter() | nodes.Test() | nodes.Call() if node.dyn_args or node.dyn_kwargs:
            return "arguments are written out, without * and **"
        case _:
            return _complaint_about_statement(node)


def _complaint_about_statement(node: nodes.Node) -> str | None:
    match node:
        case nodes.For() if node.recursive or node.test is not None:
            return "a loop is neither recursive nor filtered; write {% if %} inside it"
        case nodes.For() | nodes.Assign() | nodes.AssignBlock() if type(node.target) is not nodes.Name:
            return "one name is set at a time"
        case nodes.Macro(name=name) | nodes.Block(name=name) | nodes.Keyword(key=name) if not _is_plain(name):
            return f"the name {name!r} is not among what a template may use"
        case nodes.Include() if node.ignore_missing:
            return "what is included has to exist; leave out 'ignore missing'"
        case nodes.Include() | nodes.Import() | nodes.FromImport() | nodes.Extends() if not _is_constant_text(node.template):
            return "a file is named in quotes, so that the digest can cover it"
        case _:
            return None


ARITHMETIC = (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Neg, nodes.Pos)
WRITTEN = {nodes.Dict: "a mapping {…}", nodes.Slice: "a slice [:]", nodes.CallBlock: "{% call %}", nodes.FilterBlock: "{% filter %}"}


def _named(node: nodes.Node) -> str:
    """What a reader would call a piece of syntax."""
    if isinstance(node, ARITHMETIC):
        return "arithmetic (texts are joined with ~)"
    return WRITTEN.get(type(node), f"{{% {type(node).__name__.lower()} %}}")


def _is_plain(name: str) -> bool:
    return name.isascii() and not name.startswith("_")


def _is_constant_text(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, str)


def _check(tree: nodes.Template) -> None:
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    seen = 0
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if seen > NODES:
            _refuse(node, f"it has more than {NODES:,} pieces of syntax; make it shorter")
        if depth > NESTING:
            _refuse(node, f"it is nested more than {NESTING} deep")
        if why := _complaint(node):
            _refuse(node, why)
        waiting.extend((child, depth + 1) for child in node.iter_child_nodes())


def _through(name: str, node: nodes.Node, *values: int) -> nodes.Filter:
    line = node.lineno
    return nodes.Filter(node, name, [nodes.Const(v, lineno=line) for v in values], [], None, None, lineno=line)


def _make_pay(tree: nodes.Template) -> None:
    """Adds to the tree that straight code pays when it starts, a loop for all its turns, a comparison for what it compares with."""
    weights = _weights(tree)
    if sum(weights[id(node)] for node in tree.find_all((nodes.For, nodes.Macro, nodes.Block))) > SCOPED:
        _refuse(tree, "too much stands inside too many loops, macros and blocks; nest fewer")
    for node in list(tree.find_all((nodes.For, nodes.Compare, nodes.Template, nodes.Macro, nodes.Block))):
        match node:
            case nodes.For():
                node.iter = _through("_walk", node.iter, weights[id(node)])
            case nodes.Compare():
                for operand in node.ops:
                    operand.expr = _through("_search" if operand.op in ("in", "notin") else "_weigh", operand.expr)
            case nodes.Template() | nodes.Macro() | nodes.Block():
                _pay_first(node, weights[id(node)])


def _weights(tree: nodes.Template) -> dict[int, int]:
    """How many nodes there are below each, by its id: a node's own hash and equality walk all that is below it."""
    weights: dict[int, int] = {}

    def weigh(node: nodes.Node) -> int:
        weights[id(node)] = below = sum(1 + weigh(child) for child in node.iter_child_nodes())
        return below

    weigh(tree)
    return weights


def _pay_first(node: nodes.Template | nodes.Macro | nodes.Block, weight: int) -> None:
    # a statement, not an output: jinja2 drops outputs beside the blocks of a template that extends another
    price = nodes.Const(A_CALL + weight, lineno=node.lineno)
    node.body.insert(0, nodes.ExprStmt(_through("_pay", price), lineno=node.lineno))


@dataclass(frozen=True, eq=False)
class Part:
    """One file's body, checked and compiled; `needs` maps the files that it extends, includes or imports to the line that first does."""

    body: _Body
    needs: Mapping[str, int]

    @classmethod
    def compile(cls, source: str, name: str, file: str, lines_before: int = 0) -> Part:
        """Checks and compiles a body that begins after so many lines of its file. TemplateError with file and line where it is refused."""
        try:
            tree = _ENVIRONMENT.parse(source, name, file)
            _check(tree)
            needs: dict[str, int] = {}
            for node in tree.find_all(REFERENCES):
                needs.setdefault(node.template.value, lines_before + node.lineno)  # type: ignore[attr-defined]  # _check saw that it is a Const
            _make_pay(tree)
            body = _Body.from_code(_ENVIRONMENT, _ENVIRONMENT.compile(tree, name, file), {})
            assert isinstance(body, _Body)
        except _FAILURES as error:
            line = lines_before + error.lineno if isinstance(error, jinja2.TemplateSyntaxError) else None
            raise TemplateError(f"The template cannot be used: {_why(error)}.", file=file, line=line) from None
        body.lines_before = lines_before
        return cls(body, needs)


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
    dynamic: tuple[int, ...]  # the lines that name a file by something else than a text in quotes
    blocks: Mapping[str, Survey]


def survey(source: str, name: str, file: str, lines_before: int = 0) -> Survey:
    """What a body refers to, whether or not it may be used. TemplateError where its syntax is wrong."""
    try:
        return _Surveyor(lines_before).survey(_ENVIRONMENT.parse(source, name, file).body)
    except _FAILURES as error:
        line = lines_before + error.lineno if isinstance(error, jinja2.TemplateSyntaxError) else None
        raise TemplateError(f"The template cannot be used: {_why(error)}.", file=file, line=line) from None


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
        found = (frozenset(self.asked), sets, frozenset(self.stored), tuple(self.references), tuple(self.dynamic))
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
        if _is_constant_text(node.template):
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

    def store(self, name: str, known: set[str]) -> None:
        known.add(name)
        self.stored.add(name)

    def line(self, node: nodes.Node) -> int:
        return self.lines_before + node.lineno


# Rendering


def render(name: str, parts: Mapping[str, Part], values: dict[str, Any]) -> str:
    """The text of the part of that name; `parts` holds all that it needs. TemplateError where it asks for more than a template may."""
    body = parts[name].body
    token = _tank.set(_Tank(parts))
    try:
        return _concat(body.root_render_func(body.new_context(values, shared=True)))
    except _FAILURES as error:
        file, line = _where(error)
        raise TemplateError(f"The template cannot be rendered: {_why(error, values)}.", file=file or body.filename, line=line) from None
    finally:
        _tank.reset(token)


# what jinja2 raises, and what Python does inside the code that jinja2 wrote
_FAILURES = (
    *(jinja2.TemplateError, RecursionError, MemoryError, ArithmeticError, LookupError),
    *(SyntaxError, TypeError, ValueError, AttributeError, NameError),
)


def _why(error: BaseException, values: Mapping[str, Any] | None = None) -> str:
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    if isinstance(error, (RecursionError, SyntaxError)):
        return "it is nested too deep"
    if "int_max_str_digits" in str(error):
        return "it holds a number of too many digits"
    message = error.message if isinstance(error, jinja2.TemplateError) else str(error)
    unknown = re.fullmatch(r"'(\w+)' is undefined", message or "")
    if unknown and values is not None:
        near = did_you_mean(unknown[1], values) or "; declare it under `inputs:` in the front matter"
        return f"{unknown[1]!r} is neither an input nor set before{near}"
    if "got '='" in (message or ""):
        return f"{message} (compare with ==)"
    return (message or type(error).__name__)[:500].rstrip(".")


def _where(error: BaseException) -> tuple[str | None, int | None]:
    """The file and line of the innermost template that was running."""
    place: tuple[str | None, int | None] = (None, None)
    step = error.__traceback__
    while step is not None:
        body = step.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(body, _Body):
            place = (body.filename, body.lines_before + body.get_corresponding_lineno(step.tb_lineno))
        step = step.tb_next
    return place
