"""The tables of the console, as text and numbers: cleaned, and bounded in length."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, Self

from psycopg import pq

from pgtop.sources.postgres.encoding import decode_name
from pgtop.text.clean import clean

LONGEST_TEXT = 128
"""Characters of a text that is kept: names of PostgreSQL have at most 63 bytes."""
_LONGEST_RAW = 512
"""Bytes of a text that is decoded."""
_NUMBER = re.compile(rb"\s*(-?[0-9]{1,15})\s*")


class ConsoleTable(NamedTuple):
    """The answer to a SHOW. Columns are found by name: each version has others."""

    columns: Mapping[str, int]
    rows: int
    value: Callable[[int, int], bytes | None]
    """The value of a row and a column."""

    @classmethod
    def of(cls, result: pq.abc.PGresult) -> Self:
        """Return the table of a result, without copying its values."""
        names = [result.fname(column) or b"" for column in range(result.nfields)]
        columns = {text_of(name): column for column, name in enumerate(names)}
        return cls(columns, result.ntuples, result.get_value)

    def raw(self, row: int, name: str) -> bytes:
        """Return the bytes of a value; none for NULL and for a column that is not there."""
        column = self.columns.get(name)
        return b"" if column is None else self.value(row, column) or b""

    def text(self, row: int, name: str) -> str:
        """Return a value as a text that is safe to show."""
        return text_of(self.raw(row, name))

    def number(self, row: int, name: str) -> int | None:
        """Return a value as a number; None if it is none."""
        match = _NUMBER.fullmatch(self.raw(row, name)[:_LONGEST_RAW])
        return int(match[1]) if match else None

    def amount(self, row: int, name: str) -> int:
        """Return a number that is not negative; 0 if there is none."""
        return max(0, self.number(row, name) or 0)


def text_of(raw: bytes) -> str:
    """Return a text that is safe to show, and short enough."""
    return clean(decode_name(raw[:_LONGEST_RAW]))[:LONGEST_TEXT]
