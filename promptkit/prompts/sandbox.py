"""The sandbox in which a template's body is checked, compiled and rendered: it ends in a text of bounded size, or in TemplateError.

Templates come from packs and folders of strangers, and Jinja would let them read Python's objects, work for ever and fill the memory.
Three rules hold them. Allowed is only what is named here: syntax, filters, tests, and no attribute or method of any value. Each stretch of
straight code pays for its nodes each time it runs. Each value that is made or walked pays for its size. Work is counted in units and never
by a clock, so that a template that renders once renders always. Nothing else imports jinja2: survey takes its nodes from here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError
from jinja2.filters import do_title
from jinja2.lexer import TokenStream
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from promptkit.errors import TemplateError, did_you_mean, listed
from promptkit.prompts.filters import article, bare, lower_first, unstopped, upper_first
from promptkit.prompts.prose import SOFT_BREAK, Eaten, join_lines, lay_out

__all__ = ["FAILURES", "FILTERS", "TESTS", "Part", "cannot_be_used", "is_constant_text", "nodes", "parse", "render"]

FUEL = 100_000  # units of work for one render: a node that runs, or 64 characters or one item that are made or walked
LONGEST = 100_000  # characters of any one text
CODE = 300_000  # characters of the Python that one file may become
NODES = 15_000  # of one file's syntax tree,
SCOPED = 50_000  # and of all that stands in its loops, macros and blocks, counted for each: so often jinja2 looks at it
LARGEST = 10**15  # of the whole numbers written in a template: Python spells longer ones in quadratic time
NESTING = 64  # levels of the syntax tree
SHORT_TEXT = 2_500  # characters, up to which Python looks for a text in the simplest way
CALLS = 32  # macros and blocks inside each other
A_CALL, A_FILE = 10, 100  # units beyond the nodes of what is called or loaded

# What a template may use; FILTERS stands below, behind the functions that it names

# No arithmetic, which makes texts and numbers of any size from small ones. No mappings, slices or call blocks: prompts do without them, and
# each kind of node that is allowed has to pay for what it does.
SYNTAX = {
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Concat),
    *(nodes.If, nodes.CondExpr, nodes.For, nodes.Assign, nodes.AssignBlock, nodes.Filter, nodes.Test, nodes.Getattr, nodes.Getitem),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Macro, nodes.Call, nodes.Keyword),
    *(nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Block),
}
TESTS = ("defined", "undefined", "none", "string", "number", "boolean")
LOOP = ("index", "index0", "revindex", "revindex0", "first", "last", "length")  # of `loop`: numbers, true and false
HIDDEN_NAMES = ("self", "caller", "varargs", "kwargs")  # jinja2's own: the template's blocks, and what a macro was called with
FILE_STATEMENTS = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


# Counting the work of one render


class _Render:
    """The state of one render: the work that it may still do, how deep its calls are, and the files that it may load."""

    __slots__ = ("calls", "fuel", "has_line_ends", "parts")

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self.fuel, self.calls, self.parts = FUEL, 0, parts
        self.has_line_ends = False  # whether a _LINE_END may be among the texts


_current: ContextVar[_Render] = ContextVar("_current")
_LINE_END = "".join((SOFT_BREAK, "\n"))  # this one object, whatever equals it


def _line_end(_: object) -> str:
    """What is printed at a line's end that may need no line break: _concat decides."""
    _current.get().has_line_ends = True
    return _LINE_END


def _spend(units: int) -> None:
    """Takes work from the fuel of the current render, which ends when none is left."""
    render = _current.get()
    render.fuel -= units
    if render.fuel < 0:
        raise SecurityError("it does more work than a template may; make its loops and macros smaller")


def _units(value: object) -> int:
    """What it costs to make or walk a value once."""
    if isinstance(value, str):
        return 1 + (len(value) >> 6)
    if isinstance(value, (list, tuple)):
        return 1 + sum(map(_units, value))
    if isinstance(value, dict):
        return 1 + sum(map(_units, value.values()))
    return 1


def _paid(value: Any) -> Any:
    """The value, once its size has been paid for."""
    _spend(_units(value))
    return value


def _paid_for_search(value: Any) -> Any:
    """What is looked into with `in`, once the slowest search has been paid for: Python's is quadratic in short texts."""
    _spend(_units(value) + (min(len(value), SHORT_TEXT) ** 2 >> 14 if isinstance(value, str) else 0))
    return value


def _paid_for_loop(value: Any, weight: int) -> Any:
    """What a loop walks, once all of its turns have been paid for, of so many nodes each."""
    if not isinstance(value, (list, tuple)):
        raise SecurityError(f"a loop walks a list, and this is {_kind(value)}")
    _spend(_units(value) + len(value) * weight)
    return value


def _kind(value: object) -> str:
    """What a template's author would call a value."""
    if isinstance(value, Undefined):
        str(value)  # raises what jinja2 says of an unknown name
    names: dict[type, str] = {str: "a text", list: "a list", tuple: "a list", dict: "an entry of a list", type(None): "nothing"}
    return names.get(type(value), f"a {type(value).__name__.lower()}")


def _text(value: Any) -> str:
    # a list would print as Python spells it, and an object as its author likes: with addresses, or at any length
    if value is None:
        return ""
    if isinstance(value, (str, int, float, Undefined)):
        return str(value)
    if isinstance(value, dict):
        raise SecurityError(f"an entry of a list cannot be printed; print one of its fields: {listed(value)}")
    raise SecurityError(f"{_kind(value)} cannot be printed; join a list, and call a macro")


def _concat(pieces: Iterable[Any]) -> str:
    # each of these pieces exists already or is a short number, so that only the joined text has to be bounded
    texts = [piece if type(piece) is str else _text(piece) for piece in pieces]
    length = sum(map(len, texts))
    if length > LONGEST:
        raise SecurityError(f"it makes a text of more than {LONGEST:,} characters")
    _spend(1 + (length >> 6))
    return "".join(join_lines(texts, _LINE_END) if _current.get().has_line_ends else texts)


# Filters: those that need the limits above, and the table of all that a template may use


def _replace(text: str, old: str, new: str) -> str:
    _spend(min(len(text), SHORT_TEXT) * min(len(old), SHORT_TEXT) >> 14)
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


def _tojson(value: Any) -> str:
    if isinstance(value, Undefined) or not isinstance(value, (str, int, float, list, tuple, dict, type(None))):
        raise SecurityError(f"{_kind(value)} cannot be JSON; hand a text, a number, true, false, nothing, a list or its entry to tojson")
    text = json.dumps(_given(value), ensure_ascii=False)
    if len(text) > LONGEST:
        raise SecurityError(f"it makes a text of more than {LONGEST:,} characters")
    return text


def _given(value: Any) -> Any:
    """The value without those fields of its entries that are nothing."""
    if isinstance(value, (list, tuple)):
        return [*map(_given, value)]
    return {key: inner for key, inner in value.items() if inner is not None} if isinstance(value, dict) else value


def _on_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that pays for what it is given and for what it gives."""

    def paying(*values: Any, **named: Any) -> Any:
        for value in (*values, *named.values()):
            _paid(value)
        return _paid(function(*values, **named))

    return paying


def _on_text(function: Callable[..., str], *, times: int = 1) -> Callable[..., Any]:
    """A filter of one text, which pays as the others do, or so many times as much."""

    def paying(value: Any, *more: Any, **named: Any) -> str:
        text = value if type(value) is str else _text(value)
        result = function(text, *map(_text, more), **named) if more else function(text, **named)
        _spend(2 + times * (len(text) + len(result) >> 6) + sum(map(_units, more)))
        return result

    return paying


# no `attr` or `map`, which read attributes; no `format`, `center` or `indent`, which make much of little
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
    "join": _on_values(_join),
    "length": _on_values(len),
    "count": _on_values(len),
    "first": _on_values(lambda value: value[0] if value else None),
    "last": _on_values(lambda value: value[-1] if value else None),
    "tojson": _on_values(_tojson),
    "default": _on_values(_default),
    "d": _on_values(_default),
}
# what the compiler adds to a template, under names that no template can write
COUNTERS: dict[str, Callable[..., Any]] = {"_pay": _spend, "_weigh": _paid, "_search": _paid_for_search, "_walk": _paid_for_loop}
LINE_END = "_line_end"


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
    """Jinja's own sandbox, made narrower.

    Attributes and methods are how templates leave a sandbox (''.__class__.__mro__ …), and how they work for ever ('x'.center(10**9)). So no
    value has any, but `loop` those of LOOP and an imported file what it defines; and nothing is called but macros and super().
    """

    code_generator_class = _Generator
    concat = staticmethod(_concat)

    def __init__(self, eaten: list[Eaten] | None = None) -> None:
        super().__init__(undefined=StrictUndefined, finalize=_text, optimized=False, cache_size=0)
        self.filters = FILTERS | COUNTERS | {LINE_END: _line_end}
        self.eaten = eaten

    def _tokenize(self, source: str, name: str | None, filename: str | None = None, state: str | None = None) -> TokenStream:
        # trim_blocks and lstrip_blocks would glue the words around a line's end, and keep lines that hold nothing but blanks and tags
        tokens = lay_out(source, self.lexer.tokeniter(source, name, filename, state), self.eaten)
        return TokenStream(self.lexer.wrap(tokens, name, filename), name, filename)

    def get_template(self, name: Any, parent: Any = None, globals: Any = None) -> Any:  # noqa: A002, ARG002  (jinja2's names)
        _spend(A_FILE)  # nothing is read from the disk here: all files were gathered before the render
        return _current.get().parts[name].body

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in LOOP:
            return getattr(obj, attribute)
        if isinstance(obj, TemplateModule) and attribute in vars(obj) and not attribute.startswith("_"):
            return vars(obj)[attribute]
        if isinstance(obj, dict):
            return _field(obj, attribute)
        hint = f"; write it as a filter, |{attribute}" if attribute in FILTERS else ""
        raise SecurityError(f"{_kind(obj)} has no {attribute!r} that a template may use{hint}")

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, (list, tuple)) and type(argument) is int and -len(obj) <= argument < len(obj):
            return obj[argument]
        if isinstance(obj, dict) and isinstance(argument, str):
            return _field(obj, argument)
        raise SecurityError(f"{_kind(obj)} has no item {argument!r}")

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805  (jinja2's names)
        if not isinstance(__obj, (Macro, BlockReference)):
            raise SecurityError(f"{_kind(__obj)} cannot be called; only macros and super() can")
        render = _current.get()
        render.calls += 1
        if render.calls > CALLS:
            raise SecurityError(f"macros and blocks call each other more than {CALLS} deep")
        try:
            return super().call(__context, __obj, *args, **kwargs)
        finally:
            render.calls -= 1


def _field(entry: Mapping[str, Any], name: str) -> Any:
    if name not in entry:
        raise SecurityError(f"the entries of this list have no field {name!r}{did_you_mean(name, entry)}; known are {listed(entry)}")
    return entry[name]


class _Body(jinja2.Template):
    """A compiled body, and how many lines of its file come before it."""

    lines_before = 0

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:  # noqa: ARG002
        return self.make_module()  # jinja2 keeps the first one, which the second render would not pay for


_ENVIRONMENT = _Environment()


# What is raised, in the words of TemplateError

# what jinja2 raises, and what Python does inside the code that jinja2 wrote
FAILURES = (
    *(jinja2.TemplateError, RecursionError, MemoryError, ArithmeticError, LookupError),
    *(SyntaxError, TypeError, ValueError, AttributeError, NameError),
)


def cannot_be_used(error: BaseException, file: str, lines_before: int) -> TemplateError:
    """What to raise in place of one of FAILURES, which a body met that begins after so many lines of its file."""
    line = lines_before + error.lineno if isinstance(error, jinja2.TemplateSyntaxError) else None
    return TemplateError(f"The template cannot be used: {_reason(error)}.", file=file, line=line)


def _reason(error: BaseException, values: Mapping[str, Any] | None = None) -> str:
    """What went wrong, as the middle of a sentence; `values` are the names that a render had."""
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


# Checking and compiling


def parse(source: str, name: str, file: str) -> nodes.Template:
    """The syntax tree of a body, whatever it holds. One of FAILURES where its syntax is wrong."""
    return _ENVIRONMENT.parse(source, name, file)


def is_constant_text(node: nodes.Expr) -> bool:
    """Whether an expression is a text in quotes."""
    return isinstance(node, nodes.Const) and isinstance(node.value, str)


def _refuse(node: nodes.Node, why: str) -> NoReturn:
    raise jinja2.TemplateSyntaxError(why, node.lineno or 1)


def _complaint(node: nodes.Node) -> str | None:
    """Why this node is not allowed, or None."""
    # Names are ASCII, because Python takes letters that look alike for one (NFKC); those that begin with _ are Python's and jinja2's own.
    # Lists hold constants, because one that is set to hold itself twice, again and again, grows exponentially.
    # Arguments are written out, because what * and ** bring is not known before the render.
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
    # A loop pays for all of its turns before it begins; how many a recursive or filtered one has is not known then.
    # One name is set at a time, because several would unpack a value, and one with a dot would write into an object.
    # A file is named in quotes and has to exist, because the digest covers all that a template is rendered from.
    match node:
        case nodes.For() if node.recursive or node.test is not None:
            return "a loop is neither recursive nor filtered; write {% if %} inside it"
        case nodes.For() | nodes.Assign() | nodes.AssignBlock() if type(node.target) is not nodes.Name:
            return "one name is set at a time"
        case nodes.Macro(name=name) | nodes.Block(name=name) | nodes.Keyword(key=name) if not _is_plain(name):
            return f"the name {name!r} is not among what a template may use"
        case nodes.Include() if node.ignore_missing:
            return "what is included has to exist; leave out 'ignore missing'"
        case nodes.Include() | nodes.Import() | nodes.FromImport() | nodes.Extends() if not is_constant_text(node.template):
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
    """Whether a template may give something this name, or ask for it."""
    return name.isascii() and not name.startswith("_")


def _check(tree: nodes.Template) -> None:
    """Refuses a tree that is too large, or holds what a template may not use; without recursion, for the tree may be deep."""
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
    """A node that hands another one's value to one of COUNTERS."""
    line = node.lineno
    return nodes.Filter(node, name, [nodes.Const(v, lineno=line) for v in values], [], None, None, lineno=line)


def _add_counters(tree: nodes.Template) -> None:
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


def _add_line_ends(tree: nodes.Template) -> None:
    """Makes each SOFT_BREAK in the text a node of its own, which is printed as a _LINE_END."""
    for output in list(tree.find_all(nodes.Output)):
        output.nodes = [piece for node in output.nodes for piece in _parted(node)]


def _parted(node: nodes.Expr) -> Iterator[nodes.Expr]:
    if not isinstance(node, nodes.TemplateData) or SOFT_BREAK not in node.data:
        yield node
        return
    for i, text in enumerate(node.data.split(SOFT_BREAK)):
        if i:
            yield _through(LINE_END, nodes.Const("", lineno=node.lineno))
        if text:
            yield nodes.TemplateData(text, lineno=node.lineno)


def _weights(tree: nodes.Template) -> dict[int, int]:
    """How many nodes there are below each, by its id: a node's own hash and equality walk all that is below it."""
    weights: dict[int, int] = {}

    def weigh(node: nodes.Node) -> int:
        weights[id(node)] = below = sum(1 + weigh(child) for child in node.iter_child_nodes())
        return below

    weigh(tree)
    return weights


def _pay_first(node: nodes.Template | nodes.Macro | nodes.Block, weight: int) -> None:
    """Makes a file, macro or block pay for its nodes when it starts."""
    # a statement, not an output: jinja2 drops outputs beside the blocks of a template that extends another
    price = nodes.Const(A_CALL + weight, lineno=node.lineno)
    node.body.insert(0, nodes.ExprStmt(_through("_pay", price), lineno=node.lineno))


@dataclass(frozen=True, eq=False)
class Part:
    """One file's body, checked and compiled; `needs` maps the files that it extends, includes or imports to the line that first does,
    `names` are all that it reads, those that it sets itself included.
    """

    body: _Body
    needs: Mapping[str, int]
    names: frozenset[str] = frozenset()

    @classmethod
    def compile(cls, source: str, name: str, file: str, lines_before: int = 0, eaten: list[Eaten] | None = None) -> Part:
        """Checks and compiles a body that begins after so many lines of its file. TemplateError with file and line where it is refused.

        Given a list `eaten`, it adds the white space that each `-` of a tag takes away, and the body prints a mark in each of these places.
        """
        environment = _ENVIRONMENT if eaten is None else _Environment(eaten)
        try:
            tree = environment.parse(source, name, file)
            _check(tree)
            needs: dict[str, int] = {}
            for node in tree.find_all(FILE_STATEMENTS):
                needs.setdefault(node.template.value, lines_before + node.lineno)  # type: ignore[attr-defined]  # _check saw that it is a Const
            names = frozenset(node.name for node in tree.find_all(nodes.Name) if node.ctx == "load")
            _add_line_ends(tree)
            _add_counters(tree)
            body = _Body.from_code(environment, environment.compile(tree, name, file), {})
            assert isinstance(body, _Body)
        except FAILURES as error:
            raise cannot_be_used(error, file, lines_before) from None
        body.lines_before = lines_before
        return cls(body, needs, names)


# Rendering


def render(name: str, parts: Mapping[str, Part], values: dict[str, Any]) -> str:
    """The text of the part of that name; `parts` holds all that it needs. TemplateError where it asks for more than a template may."""
    body = parts[name].body
    token = _current.set(_Render(parts))
    try:
        return _concat(body.root_render_func(body.new_context(values, shared=True)))
    except FAILURES as error:
        file, line = _running_at(error)
        raise TemplateError(f"The template cannot be rendered: {_reason(error, values)}.", file=file or body.filename, line=line) from None
    finally:
        _current.reset(token)


def _running_at(error: BaseException) -> tuple[str | None, int | None]:
    """The file and line of the innermost template that was running."""
    place: tuple[str | None, int | None] = (None, None)
    step = error.__traceback__
    while step is not None:
        body = step.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(body, _Body):
            place = (body.filename, body.lines_before + body.get_corresponding_lineno(step.tb_lineno))
        step = step.tb_next
    return place
