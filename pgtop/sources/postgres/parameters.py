"""Parameters of statements, in the server's binary formats: the few types that pgtop's own
statements take.

psycopg dumps any type, but takes 0.1 ms a sample to find out which type each parameter has, and an
empty list of its is no int4[] for the server.
https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from collections.abc import Callable, Mapping
from struct import Struct, pack
from typing import Any, NamedTuple, TypeAlias

from pgtop.model.timestamp import Instant

# https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
_UNKNOWN = 0
_BOOL = 16
_BYTEA = 17
_INT8 = 20
_INT4 = 23
_INT4_ARRAY = 1007
_TIMESTAMPTZ = 1184
_LARGEST_INT4 = 2**31 - 1

_int4 = Struct("!i").pack
_int8 = Struct("!q").pack
_array = Struct("!iiIii").pack
"""Number of dimensions, whether there are nulls, type of an element; then size and first index of
the one dimension.
"""


class TimestampParam(NamedTuple):
    """An instant as a timestamptz; a plain instant would be a number."""

    instant: Instant


def moment(instant: Instant | None) -> TimestampParam | None:
    """Return the instant as a parameter, or None."""
    return None if instant is None else TimestampParam(instant)


Pids: TypeAlias = list[int] | tuple[int, ...]

Parameter: TypeAlias = bool | int | bytes | Pids | TimestampParam | None
"""A list has 32-bit numbers, such as pids. A number is sent with 32 bits if it can be: functions
that take a number take no larger type.
"""

Encoded: TypeAlias = tuple[bytes | None, int]
"""The bytes, and the oid of their type."""


def encoded(parameter: Parameter) -> Encoded:
    """Return the parameter as libpq takes it. Raises KeyError for any other type."""
    return _ENCODERS[type(parameter)](parameter)


def _number(number: int) -> Encoded:
    if -_LARGEST_INT4 <= number <= _LARGEST_INT4:
        return _int4(number), _INT4
    return _int8(number), _INT8


def _numbers(numbers: Pids) -> Encoded:
    size = len(numbers)
    # each number comes after its own length in bytes
    items = [part for number in numbers for part in (4, number)]
    return _array(1, 0, _INT4, size, 1) + pack(f"!{2 * size}i", *items), _INT4_ARRAY


_ENCODERS: Mapping[type, Callable[[Any], Encoded]] = {
    type(None): lambda _: (None, _UNKNOWN),
    bool: lambda flag: (b"\1" if flag else b"\0", _BOOL),
    int: _number,
    bytes: lambda raw: (raw, _BYTEA),
    list: _numbers,
    tuple: _numbers,
    TimestampParam: lambda moment: (_int8(moment.instant), _TIMESTAMPTZ),
}
