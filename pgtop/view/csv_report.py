"""Sessions, and rows of any table, in CSV that is safe for a spreadsheet."""

import csv
import io
import re
from collections.abc import Callable, Iterable

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.view.json_report import AGES, BLOCKS, COLUMNS, session_record

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula."""
_SEPARATORS = frozenset(";\t\r\n")
_BEFORE_A_FORMULA = re.compile(r'([\s;"]++)([=+\-@＝＋－＠])?')
"""The run is matched as a whole, even if no formula follows: no character of a long run of spaces
is read twice.
"""


def as_csv(
    derived: DerivedSnapshot,
    backends: Iterable[Backend],
    safe: Callable[[str], str] = str,
) -> str:
    """Return a header and one record for each session as in RFC 4180; texts pass through `safe`."""
    records = (session_record(backend, derived).values() for backend in backends)
    return records_as_csv((*COLUMNS, *AGES, BLOCKS), records, safe)


def records_as_csv(
    header: Iterable[str],
    records: Iterable[Iterable[object]],
    safe: Callable[[str], str] = str,
) -> str:
    """Return the header and the records as in RFC 4180; texts of records pass through `safe`."""
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow(header)
    for record in records:
        writer.writerow([_cell(value, safe) for value in record])
    return lines.getvalue()


def _cell(value: object, safe: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return _inert(safe(value))
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _inert(text: str) -> str:
    """Return a text that no spreadsheet runs: it runs what begins like a formula, and every user
    who may connect can send one as a query.

    A spreadsheet that separates by semicolons or tabs sees no quotes within what it takes for a
    cell, and begins a new cell, or a new row, in the middle of a text.
    https://owasp.org/www-community/attacks/CSV_Injection
    """
    quoted = _BEFORE_A_FORMULA.sub(_quoted, text)
    return f"'{quoted}" if quoted.startswith(_FORMULA) else quoted


def _quoted(match: re.Match[str]) -> str:
    before, formula = match.groups("")
    is_start = match.start() == 0 or _SEPARATORS.intersection(before)
    return f"{before}'{formula}" if formula and is_start else match[0]
