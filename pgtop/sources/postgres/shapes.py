"""The shape of each statement's rows, and the one place where a wrong row becomes an error.

A server may be broken, hostile or no PostgreSQL at all. The rest of the package may rely on the
Python types of rows that pass here, and on times that the calendar has; a row that does not pass is
an error of the server, never a bug of pgtop.
"""

from itertools import chain
from operator import itemgetter
from struct import Struct
from typing import Any, NamedTuple, TypeAlias

import psycopg
from psycopg import pq
from psycopg.adapt import AdaptersMap, Buffer, Loader, Transformer
from psycopg.types.bool import BoolBinaryLoader
from psycopg.types.numeric import (
    Int2BinaryLoader,
    Int4BinaryLoader,
    Int8BinaryLoader,
    OidBinaryLoader,
)
from psycopg.types.string import ByteaBinaryLoader

from pgtop.model.timestamp import MICROSECONDS

Row: TypeAlias = tuple[Any, ...]
Rows: TypeAlias = list[Row]
Result: TypeAlias = pq.abc.PGresult


CELLS_AT_MOST = 1_000_000
"""Of one result: four times what 10,000 sessions take."""

LONGEST_NAME = 2048
"""Bytes of a name that is kept: the name of a host may have 1025, all others have less."""

_ROWS_MEASURED = 10
"""Number of rows with measured values: a server that writes its numbers in another way does so from
the first row on.
"""

_DAY = 86_400 * MICROSECONDS
_EARLIEST = -730_000 * _DAY
_LATEST = 2_900_000 * _DAY
"""Bounds within the years 1 to 9999 of Python's calendar, with a margin. Infinity is outside."""

_ARRAY_HEAD = Struct("!iiIii")
_ELEMENT = Struct("!ii")
_INT4 = 23

_ANY_OTHER_OID = 0
"""The key of the loader of every type that has none of its own."""


class AnswerError(psycopg.DataError):
    """The server's answer is not what a PostgreSQL server gives."""


class TooLongError(AnswerError):
    """The server's answer is longer than it may be."""


class ColumnKind(NamedTuple):
    """The type of a column. `size`: the bytes of each value, if all have the same."""

    oids: frozenset[int]
    size: int | None = None
    is_null: bool = False
    """True if a value may be missing."""
    lowest: int | None = None
    highest: int | None = None

    @property
    def or_null(self) -> "ColumnKind":
        return self._replace(is_null=True)


# https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
BOOL = ColumnKind(frozenset({16}), 1)
BYTES = ColumnKind(frozenset({17}))
TEXT = ColumnKind(frozenset({19, 25}))
INT2 = ColumnKind(frozenset({21}), 2)
INT4 = ColumnKind(frozenset({23}), 4)
INT8 = ColumnKind(frozenset({20}), 8)
OID = ColumnKind(frozenset({26}), 4)
XID = ColumnKind(frozenset({28}), 4)
PID = INT4._replace(lowest=1)
PIDS = ColumnKind(frozenset({1007}))
TIME = ColumnKind(frozenset({1184}), 8, lowest=_EARLIEST, highest=_LATEST)


class Shape:
    """The types of a statement's columns, and the checks that follow from them."""

    def __init__(self, *kinds: ColumnKind) -> None:
        self.kinds = kinds
        self.present = [column for column, kind in enumerate(kinds) if not kind.is_null]
        bounded: dict[tuple[int | None, int | None], list[int]] = {}
        for column, kind in enumerate(kinds):
            if kind.lowest is not None:
                bounded.setdefault((kind.lowest, kind.highest), []).append(column)
        self.bounded = [
            (*bounds, itemgetter(*columns, columns[0]))
            for bounds, columns in bounded.items()
        ]
        """Bounds, each with a getter for the bounded values of a row; it gets at least two, so that
        the result is a tuple.
        """


class PidsLoader(Loader):
    """Reads an array of integers. psycopg's own loader trusts the lengths that the server writes
    into the array.
    """

    format = pq.Format.BINARY

    def load(self, data: Buffer) -> tuple[int, ...]:
        """Return the numbers, none of which is NULL."""
        raw = bytes(data)
        if len(raw) == 12 and raw.startswith(b"\0\0\0\0"):  # no dimension
            return ()
        if len(raw) < _ARRAY_HEAD.size or (len(raw) - _ARRAY_HEAD.size) % _ELEMENT.size:
            raise AnswerError("an array of an impossible length")
        dimensions, _, oid, count, _ = _ARRAY_HEAD.unpack_from(raw)
        elements = list(_ELEMENT.iter_unpack(raw[_ARRAY_HEAD.size :]))
        if (dimensions, oid, count) != (1, _INT4, len(elements)) or any(
            size != 4 for size, _ in elements
        ):
            raise AnswerError("an array of another type")
        return tuple([number for _, number in elements])


def _loaders() -> AdaptersMap:
    """Return how each type is loaded: texts as bytes, whatever encoding the server names; instants
    as the server has them, whole microseconds; transaction ids as the unsigned numbers they are.
    """
    loaders = AdaptersMap()
    loaders.register_loader(_ANY_OTHER_OID, ByteaBinaryLoader)
    for kind, loader in (
        (BOOL, BoolBinaryLoader),
        (BYTES, ByteaBinaryLoader),
        (TEXT, ByteaBinaryLoader),
        (INT2, Int2BinaryLoader),
        (INT4, Int4BinaryLoader),
        (INT8, Int8BinaryLoader),
        (OID, OidBinaryLoader),
        (XID, OidBinaryLoader),
        (PIDS, PidsLoader),
        (TIME, Int8BinaryLoader),
    ):
        for oid in kind.oids:
            loaders.register_loader(oid, loader)
    return loaders


_LOADERS = _loaders()


def load(result: Result, shape: Shape | None) -> Rows:
    """Load the rows of `result`. Raises AnswerError unless they have this shape (None: any)."""
    if result.ntuples * result.nfields > CELLS_AT_MOST:
        raise AnswerError(
            f"The server answered with {result.ntuples} rows, which is more than any has."
        )
    if shape is None:
        _check_formats(result)
    else:
        _check_columns(result, shape)
    transformer = Transformer(_LOADERS)
    transformer.set_pgresult(result)
    rows: Rows = transformer.load_rows(0, result.ntuples, tuple)
    if shape is not None and rows:
        _check_values(rows, shape)
    return rows


def one_row(rows: Rows) -> Row:
    """Return the only row. Raises AnswerError if there are more, or none."""
    if len(rows) != 1:
        raise AnswerError(f"The server answered with {len(rows)} rows in place of one.")
    return rows[0]


def _check_formats(result: Result) -> None:
    for column in range(result.nfields):
        if result.fformat(column) != pq.Format.BINARY:
            raise AnswerError("The server answered in text, and not in binary.")


def _check_columns(result: Result, shape: Shape) -> None:
    size = len(shape.kinds)
    if result.nfields != size:
        raise AnswerError(
            f"The server answered with {result.nfields} columns in place of {size}."
        )
    for column, kind in enumerate(shape.kinds):
        if (
            result.ftype(column) not in kind.oids
            or result.fformat(column) != pq.Format.BINARY
        ):
            raise AnswerError(
                f"The server answered with another type in column {column + 1} of {size}."
            )
        if kind.size is not None:
            _measure(result, column, kind.size)


def _measure(result: Result, column: int, size: int) -> None:
    for row in range(min(result.ntuples, _ROWS_MEASURED)):
        value = result.get_value(row, column)
        if value is not None and len(value) != size:
            raise AnswerError(
                f"The server answered with {len(value)} bytes where a value has {size}."
            )


def _check_values(rows: Rows, shape: Shape) -> None:
    """Raise AnswerError for a value that is missing, or that cannot be."""
    for column in shape.present:
        if None in [row[column] for row in rows]:
            raise AnswerError("The server left out what every row has.")
    for lowest, highest, values in shape.bounded:
        numbers = [
            number
            for number in chain.from_iterable(map(values, rows))
            if number is not None
        ]
        if numbers and not _is_within(lowest, min(numbers), max(numbers), highest):
            raise AnswerError(
                "The server answered with a number or a time that cannot be."
            )


def _is_within(lowest: int | None, least: int, most: int, highest: int | None) -> bool:
    return (lowest is None or least >= lowest) and (highest is None or most <= highest)
