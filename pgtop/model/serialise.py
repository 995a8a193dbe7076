"""Snapshots and their parts as JSON, by the names of their fields, and back.

Everything that prints, records or replays a snapshot uses this one writer and this one reader.
Types come from the annotations of the fields: an instant is written in ISO 8601, in UTC with
microseconds, which is exact; a tuple as a list, a set as a sorted list, a mapping as an object, a
record as an object with the names of its fields.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache, partial
from types import NoneType, UnionType
from typing import (
    Any,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pgtop.model.section import Section
from pgtop.model.timestamp import Instant, parsed, written

VERSION = 1
"""Number of the format. New fields do not change it; it grows if a field goes or changes its
meaning.
"""

Json: TypeAlias = Any
_Write: TypeAlias = Callable[[Any], Json]
_Read: TypeAlias = Callable[[Json], Any]
_Record = TypeVar("_Record")

_UNIONS = (Union, UnionType)
_SCALARS = frozenset({bool, int, float, str})


def record(value: Any, names: Collection[str] | None = None) -> dict[str, Json]:
    """Return a record as JSON; with `names` only these fields or properties, in this order."""
    kind: Any = type(value)
    writers = _writers(kind)
    whole = {name: getattr(value, name) for name in names or _names(kind)}
    for name in writers.keys() & whole:
        whole[name] = writers[name](whole[name])
    return whole


def read_record(kind: type[_Record], data: Json) -> _Record:
    """Return the record that `record` has written. Fields that are not known are ignored, and
    fields that are missing have their default values. Raises ValueError.
    """
    cached: Any = kind
    readers = _readers(cached)
    values = json_object(data)
    try:
        return kind(
            **{name: readers[name](values[name]) for name in readers if name in values}
        )
    except TypeError as error:
        raise ValueError(f"a {kind.__name__} lacks a field") from error


def read_fields(kind: type, data: Mapping[str, Json]) -> dict[str, Any]:
    """Return the values of those fields of a record that are in `data`. Raises ValueError."""
    readers = _readers(kind)
    return {name: readers[name](data[name]) for name in readers.keys() & data}


def read_section(data: Json, kind: Any = Any) -> Section[Any]:
    """Return a section with data of this type. Raises ValueError."""
    section = read_record(Section, data)
    return section._replace(
        data=None if section.data is None else _reader(kind)(section.data)
    )


def is_record(kind: Any) -> bool:
    """Return whether this is a type with named fields."""
    return isinstance(kind, type) and (hasattr(kind, "_fields") or is_dataclass(kind))


@cache
def _names(kind: type) -> tuple[str, ...]:
    if is_dataclass(kind):
        return tuple([field.name for field in fields(kind)])
    names: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]  # a named tuple has them
    return names


@cache
def _types(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind, include_extras=True)


@cache
def _writers(kind: type) -> Mapping[str, _Write]:
    """Return what writes those fields that are not written as they are."""
    types = {name: _types(kind)[name] for name in _names(kind)}
    return {name: _writer(types[name]) for name in types if not _is_scalar(types[name])}


def _writer(kind: Any) -> _Write:
    is_instant = Instant in (kind, *get_args(kind))
    return written if is_instant else _write


def _is_scalar(kind: Any) -> bool:
    kinds = get_args(kind) if get_origin(kind) in _UNIONS else (kind,)
    return not _SCALARS.isdisjoint(kinds)


def _write(value: Any) -> Json:
    if isinstance(value, Enum):
        return value.value
    if is_record(type(value)):
        return record(value)
    if isinstance(value, Mapping):
        return {str(key): _write(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple | list):
        return [_write(item) for item in value]
    return value


@cache
def _readers(kind: type) -> Mapping[str, _Read]:
    return {name: _reader(_types(kind)[name]) for name in _names(kind)}


def _reader(kind: Any) -> _Read:
    """Return what reads a value of this type."""
    if kind is Any or isinstance(kind, TypeVar):
        return _unchanged
    if kind == Instant:
        return _instant
    if get_origin(kind) in _UNIONS:
        [kind] = [arg for arg in get_args(kind) if arg is not NoneType]
        return partial(_optional, _reader(kind))
    return _plain_reader(kind)


def _plain_reader(kind: Any) -> _Read:
    origin = get_origin(kind)
    args = get_args(kind)
    if is_record(origin or kind):
        return partial(read_record, origin or kind)
    if origin is None:
        return partial(_scalar, kind)
    if origin in (tuple, frozenset):
        return partial(_collection, origin, _reader(args[0]))
    return partial(_mapping, args[0], _reader(args[1]))


def _unchanged(data: Json) -> Any:
    return data


def _instant(data: Json) -> int:
    return parsed(_scalar(str, data))


def _optional(read: _Read, data: Json) -> Any:
    return None if data is None else read(data)


def _collection(kind: type, read: _Read, data: Json) -> Any:
    if not isinstance(data, list):
        raise ValueError("a list is expected")
    return kind([read(item) for item in data])


def _mapping(key_type: type, read: _Read, data: Json) -> dict[Any, Any]:
    return {key_type(key): read(value) for key, value in json_object(data).items()}


def json_object(data: Json) -> Mapping[str, Json]:
    """Return the data. Raises ValueError if it is no object."""
    if not isinstance(data, Mapping):
        raise ValueError("an object is expected")
    return data


_LARGEST = 1e300


def _scalar(kind: type[_Record], data: Json) -> _Record:
    is_whole_number = kind is float and type(data) is int
    if type(data) is not kind and not is_whole_number:
        raise ValueError(f"a {kind.__name__} is expected")
    if kind is float and not abs(data) < _LARGEST:
        raise ValueError("a finite number is expected")
    return data  # type: ignore[no-any-return]  # checked above
