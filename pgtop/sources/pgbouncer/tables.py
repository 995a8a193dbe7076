"""The tables of the console, as text and numbers: cleaned, and bounded in length."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self, TypeAlias

from psycopg import pq

from pgtop.sources.postgres.encoding import decode_name
from pgtop.text.clean import clean

Value: TypeAlias = Callable[[int, int], bytes | None]
"""Returns the value of a row and a column."""

CONSOLE = "pgbouncer"
"""The database that is the console, and the name of the console's own pool."""
LONGEST_TEXT = 128
"""Characters of a text that is kept: names of PostgreSQL have at most 63 bytes."""
_LONGEST_RAW = 512
"""Bytes of a text that is decoded."""
_NUMBER = re.compile(rb"\s*(-?[0-9]{1,15})\s*")


@dataclass(frozen=True, slots=True)
class ConsoleRow:
    """A row of a table. Columns are found by name: each version has others."""

    columns: Mapping[str, int]
    value: Value
    number_of_row: int

    def raw(self, name: str) -> bytes:
        """Return the bytes of a value; none for NULL and for a column that is not there."""
        column = self.columns.get(name)
        if column is None:
            return b""
        return self.value(self.number_of_row, column) or b""

    def text(self, name: str) -> str:
        """Return a value as a text that is safe to show."""
        return text_of(self.raw(name))

    def number(self, name: str) -> int | None:
        """Return a value as a number; None if it is none."""
        raw = self.raw(name)[:_LONGEST_RAW]
        match = _NUMBER.fullmatch(raw)
        return int(match[1]) if match else None

    def amount(self, name: str) -> int:
        """Return a number that is not negative; 0 if there is none."""
        number = self.number(name)
        return max(0, number or 0)


@dataclass(frozen=True, slots=True)
class ConsoleTable:
    """The answer to a SHOW. Its values are not copied."""

    columns: Mapping[str, int]
    size: int
    value: Value

    @classmethod
    def of(cls, result: pq.abc.PGresult) -> Self:
        """Return the table of a result."""
        columns = {}
        for column in range(result.nfields):
            name = result.fname(column) or b""
            columns[text_of(name)] = column
        return cls(
            columns,
            result.ntuples,
            result.get_value,
        )

    def __iter__(self) -> Iterator[ConsoleRow]:
        for number in range(self.size):
            yield ConsoleRow(
                self.columns,
                self.value,
                number,
            )


EMPTY_TABLE = ConsoleTable({}, 0, lambda _row, _column: None)


def text_of(raw: bytes) -> str:
    """Return a text that is safe to show, and short enough."""
    return clean(decode_name(raw[:_LONGEST_RAW]))[:LONGEST_TEXT]
