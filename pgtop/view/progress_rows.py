"""The columns of `pgtop progress`."""

from collections.abc import Sequence
from typing import TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.progress import remaining_seconds, step_number, steps_of
from pgtop.model.progress import Operation
from pgtop.table import columns
from pgtop.table.columns import ColumnSet
from pgtop.table.fitting import Contents
from pgtop.text.clean import cells, clean
from pgtop.text.units import rounded_span
from pgtop.view.progress import percentage, work_words
from pgtop.view.progress_record import waits_for

Column: TypeAlias = columns.Column[Operation, DerivedSnapshot]


def _done(operation: Operation, _derived: DerivedSnapshot) -> str:
    return percentage(operation)


def _left(operation: Operation, _derived: DerivedSnapshot) -> str:
    return rounded_span(remaining_seconds(operation))


def _waits_for(operation: Operation, derived: DerivedSnapshot) -> str:
    return str(waits_for(operation, derived) or "")


def _phase(operation: Operation, _derived: DerivedSnapshot) -> str:
    if operation.is_hidden:
        return "hidden"
    number = step_number(operation)
    steps = len(steps_of(operation))
    place = "" if number is None or steps < 2 else f"{number}/{steps} "
    return place + (operation.phase or work_words(operation))


def _column(
    name: str,
    heading: str,
    meaning: str,
    text: columns.Text[Operation, DerivedSnapshot],
    width: int,
    most: int = 0,
) -> Column:
    return Column(
        name=name,
        title=heading,
        meaning=meaning,
        width=width,
        usual=width,
        most=most or width,
        rank=len(name),
        key=text,
        text=text,
    )


COLUMNS = ColumnSet(
    _column("pid", "PID", "process id", lambda each, _: str(each.pid), 7, 10),
    _column("command", "COMMAND", "the command", lambda each, _: each.command, 12, 25),
    _column("target", "TABLE", "its table", lambda each, _: each.target, 16, 60),
    _column("done", "DONE", "what is done of the phase", _done, 4),
    _column("left", "LEFT", "time left of the phase", _left, 6),
    _column("waits_for", "WAITS", "pid that it waits for", _waits_for, 7, 10),
    _column(
        "phase", "PHASE", "its phase, its number, and how many there are", _phase, 24
    ),
)


def in_order(derived: DerivedSnapshot) -> list[Operation]:
    """Return the operations, by pid."""
    return [derived.operations[pid] for pid in sorted(derived.operations)]


def contents(rows: Sequence[Operation], derived: DerivedSnapshot) -> Contents:
    """Return the cells that the columns need."""
    needs = []
    for column in COLUMNS.columns[:-1]:
        texts = [clean(column.text(row, derived)) for row in rows]
        widest = max(map(cells, texts), default=0)
        needs.append((column, max(widest, len(column.title)) if widest else 0))
    return tuple(needs)
