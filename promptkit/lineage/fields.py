"""What a field of a record is: one row of the table in `schema`. Rows check what was read, and give it by attribute, with its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from types import NoneType
from typing import Any, ClassVar, Generic, NoReturn, Self, TypeVar, cast, get_args, overload

__all__ = [
    "Entry",
    "Field",
    "Survives",
    "Values",
    "WrongField",
    "anything",
    "entries",
    "entry",
    "optional",
    "optional_entry",
    "required",
    "texts",
]

T = TypeVar("T")
E = TypeVar("E", bound="Entry")


class Survives(Enum):
    """What of a field a record without words holds; `archive.redact` has the rules. Words are what is not known to be none."""

    NO = "nothing: the field is not in it"
    EMPTY = "the field, emptied: null, {} or []"
    AS_IT_IS = "its value, where there is one"
    OR_NULL = "its value, and null where there is none"
    NUMBERS = "of its entries those that are whole numbers"
    CODE = "its value, where that is an identifier such as IMAGE_SAFETY"
    OPTIONS = "of its entries those options of a request that say nothing in words"
    PUBLIC = "its value, where that is the name of a public service, else null"
    ENTRY = "what survives of its own fields"
    ENTRY_OR_NULL = "what survives of its own fields, and null where there are none"
    ENTRY_IF_ANY = "what survives of its own fields, where there are any"


class WrongField(ValueError):
    """A value that its field cannot have: `where` is the path of its key, `wanted` is what it should be."""

    def __init__(self, where: str, value: object, wanted: str) -> None:
        super().__init__(f"{where} = {value!r:.60}, which should be {wanted}")


class Field(Generic[T]):
    """One row: a field's name (its attribute's), the type that it has in JSON, and whether it must be there.

    `first`: on disk it stands before all that are not, in the table's order; those others stand as they were filled in. `survives` is what
    a stripped record holds of it, `stays` whether a record keeps it whose words were forgotten, `label` what people are shown as its name.
    `holds` are the rows of the object or objects in it.
    """

    name = ""

    def __init__(
        self,
        kind: Any,
        read: Callable[[Any], Any] | None = None,
        *,
        holds: type[Entry] | None = None,
        is_right: Callable[[Any], bool] | None = None,
        wanted: str = "",
        first: bool = False,
        survives: Survives = Survives.NO,
        stays: bool = False,
        label: str = "",
    ) -> None:
        self.kinds: tuple[type, ...] = get_args(kind) or (kind,)
        self.holds, self.first, self.survives, self.stays, self.label = holds, first, survives, stays, label
        self._kind_name, self._read = getattr(kind, "__name__", str(kind)), read
        self._is_right, self._wanted = is_right, wanted

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.label = name, self.label or name.replace("_", " ")

    @overload
    def __get__(self, values: None, owner: type) -> Self: ...

    @overload
    def __get__(self, values: Values, owner: type) -> T: ...

    def __get__(self, values: Values | None, owner: type) -> T | Self:
        if values is None:
            return self
        found = vars(values)[self.name] = self.read(values.fields.get(self.name))  # from now on that is found before this
        return cast("T", found)

    def read(self, value: Any) -> Any:
        """The value as it is given by attribute."""
        return value if self._read is None or value is None else self._read(value)

    @property
    def must_be_there(self) -> bool:
        """Whether a record without it is damaged."""
        return NoneType not in self.kinds and object not in self.kinds

    @property
    def is_checked(self) -> bool:
        """Whether there are values that it cannot have."""
        return object not in self.kinds or self._is_right is not None

    def check(self, value: object, where: str) -> None:
        """WrongField where it cannot have that value; `where` is the path up to its name."""
        if not isinstance(value, self.kinds) or value is True or value is False:
            raise WrongField(f"{where}{self.name}", value, self._kind_name)
        if value is not None:
            self.check_inside(value, where)
        if self._is_right is not None and not self._is_right(value):
            raise WrongField(f"{where}{self.name}", value, self._wanted)

    def check_inside(self, value: Any, where: str) -> None:
        """Looks at what the value holds."""
        if self.holds is not None:
            self.holds.check(value, f"{where}{self.name}.")

    @property
    def items_kind(self) -> type | None:
        """What each item of its list is; None where it is no list, or nothing is asked of its items."""
        return None


class _Several(Field[T]):
    """A list, of texts or of objects; an empty one where there is none."""

    def read(self, value: Any) -> Any:
        return super().read(value or ())

    @property
    def items_kind(self) -> type:
        return dict if self.holds is not None else str

    def check_inside(self, value: Any, where: str) -> None:
        kind: Any = self.items_kind
        for i, item in enumerate(value):
            if not isinstance(item, kind):
                raise WrongField(f"{where}{self.name}[{i}]", item, kind.__name__)
            if self.holds is not None:
                self.holds.check(item, f"{where}{self.name}[{i}].")


# The kinds of rows


def required(kind: Callable[..., T], **row: Any) -> Field[T]:
    """A value of that type."""
    return Field(kind, **row)


def optional(kind: Callable[..., T], **row: Any) -> Field[T | None]:
    """A value of that type, or none."""
    return Field(cast("Any", kind) | None, **row)


def anything(**row: Any) -> Field[Any]:
    """A value that is taken as it comes: nothing is done with it but showing it."""
    return Field(object, **row)


def texts(kind: Any = list, **row: Any) -> Field[tuple[str, ...]]:
    """A list of texts."""
    return _Several(kind, tuple, **row)


def entry(holds: type[E], **row: Any) -> Field[E]:
    """An object with fields of its own."""
    return Field(dict, holds, holds=holds, **row)


def optional_entry(holds: type[E], **row: Any) -> Field[E | None]:
    """An object with fields of its own, or none."""
    return Field(dict | None, holds, holds=holds, **row)


def entries(holds: type[E], **row: Any) -> Field[tuple[E, ...]]:
    """A list of objects with fields of their own."""
    return _Several(list, lambda values: tuple(map(holds, values)), holds=holds, **row)


# What has fields


class Values:
    """Values by field. `fields` is the whole mapping as it was read, fields that this version does not know included. Read-only."""

    fields: Mapping[str, Any]
    rows: ClassVar[Mapping[str, Field[Any]]] = {}
    _checked: ClassVar[tuple[Field[Any], ...]] = ()

    def __init_subclass__(cls) -> None:
        cls.rows = {**cls.rows, **{name: row for name, row in vars(cls).items() if isinstance(row, Field)}}
        cls._checked = tuple(row for row in cls.rows.values() if row.is_checked)

    def __init__(self, fields: Mapping[str, Any]) -> None:
        vars(self)["fields"] = fields

    @classmethod
    def check(cls, fields: Mapping[str, Any], where: str = "") -> None:
        """WrongField for the first of its fields with a value that it cannot have; `where` is the path up to their names."""
        for row in cls._checked:
            row.check(fields.get(row.name), where)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"A {type(self).__name__} is read-only, {name!r} too.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.fields!r})"


class Entry(Values, dict[str, Any]):
    """An object within a record: a dict too, for JSON and for who reads by key, which nobody can change."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        Values.__init__(self, fields)
        dict.__init__(self, fields)

    def __reduce__(self) -> tuple[type[Self], tuple[dict[str, Any]]]:
        return type(self), (dict(self),)

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError(f"A {type(self).__name__} is read-only; dict(…) makes a copy that is not.")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse
    __repr__ = dict.__repr__
