"""The cells that the columns of the sessions need for what they hold.

Names are measured over all sessions, so that neither scrolling nor a filter moves a column; what
changes with time only over the rows in sight.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import CLIENT_BACKEND, PARALLEL_WORKER, Backend
from pgtop.model.snapshot import IdleGroup
from pgtop.table.fitting import Contents
from pgtop.table.layout import AnyColumn
from pgtop.table.options import TableOptions
from pgtop.table.session_columns import column
from pgtop.text.clean import cells, clean
from pgtop.text.identity import user_at_database

_NAME_FIELDS = (
    "usename",
    "datname",
    "application_name",
    "client_addr",
    "backend_type",
)
_names_of = itemgetter(*map(Backend._fields.index, _NAME_FIELDS))
"""Returns the names of a session in one step: thousands of sessions have few different ones."""
_pid_of = itemgetter(Backend._fields.index("pid"))
_AGES = ("xact", "query_age", "state_age")
_LONGEST_NAME = 63
"""Bytes of the longest name that a server has, unless it was built otherwise."""

Names: TypeAlias = tuple[str | None, str | None, str | None, str | None, str | None]


class Measured(NamedTuple):
    """The names of sessions, each combination once, and their highest pid."""

    names: frozenset[Names]
    highest_pid: int


def contents(
    rows: Iterable[Backend],
    derived: DerivedSnapshot,
    options: TableOptions,
) -> Contents:
    """Return the cells that each column needs; `rows` are those in sight."""
    in_sight = list(rows)
    return (
        *_of_names(_measured(derived, options.show_background)),
        *_of_states(in_sight, derived),
        *_of_ages(in_sight, derived, options.ages_apart),
        (column("lock"), _of_locks(in_sight, derived)),
    )


def _measured(derived: DerivedSnapshot, with_background: bool) -> Measured:
    snapshot = derived.snapshot
    names = {*map(_names_of, snapshot.ungrouped), *_of_group(snapshot.idle_group).names}
    if not with_background:
        kinds = (CLIENT_BACKEND, PARALLEL_WORKER, None)
        names = {each for each in names if each[-1] in kinds}
    highest = max(map(_pid_of, snapshot.ungrouped), default=0)
    return Measured(
        frozenset(names), max(highest, _of_group(snapshot.idle_group).highest_pid)
    )


@lru_cache(maxsize=1)
def _of_group(group: IdleGroup) -> Measured:
    backends = group.backends
    return Measured(
        frozenset(map(_names_of, backends)), max(map(_pid_of, backends), default=0)
    )


@lru_cache(maxsize=4)
def _of_names(measured: Measured) -> Contents:
    """Return the columns of names. A column with the same name in every row is not worth a look."""
    names, highest_pid = measured
    applications = {each[2] or "" for each in names}
    addresses = {each[3] or "local" for each in names}
    return (
        (column("pid"), len(str(highest_pid))),
        *_of_accounts(names),
        *_forms("application", _if_different(applications)),
        (column("client"), _if_different(addresses)),
    )


def _of_accounts(names: Iterable[Names]) -> Contents:
    """Return the cells of role and database: of one column for both, if both differ."""
    accounts = {each[:2] for each in names}
    users = {user for user, _ in accounts if user is not None}
    databases = {database for _, database in accounts if database is not None}
    if len(users) > 1 and len(databases) > 1:
        both = _widest(user_at_database(*account) for account in accounts)
        return (*_forms("who", both), (column("user"), 0), (column("database"), 0))
    return (
        *_forms("who", 0),
        (column("user"), _if_different(users)),
        (column("database"), _if_different(databases)),
    )


def _forms(name: str, width: int) -> Iterator[tuple[AnyColumn, int]]:
    """Yield the wide and the narrow form of a column with their cells."""
    wide = column(name)
    yield wide, width
    if wide.narrow is not None:
        yield wide.narrow, width


def _if_different(texts: set[str]) -> int:
    """Return the cells of the widest text, or 0 if there is only one."""
    return _widest(texts) if len(texts) > 1 else 0


def _widest(texts: Iterable[str]) -> int:
    return max((cells(clean(text[:_LONGEST_NAME])) for text in texts), default=0)


def _of_states(
    rows: Sequence[Backend], derived: DerivedSnapshot
) -> Iterator[tuple[AnyColumn, int]]:
    """Yield what the rows in sight need for state and wait, in both forms."""
    for name in ("state", "wait"):
        wide = column(name)
        for form in (wide, wide.narrow or wide):
            most = form.most_width
            texts = {form.shown(row, derived, most) for row in rows}
            yield form, min(_widest(texts), most)


def _of_ages(
    rows: Sequence[Backend],
    derived: DerivedSnapshot,
    are_apart: bool,
) -> Iterator[tuple[AnyColumn, int]]:
    """Yield the one age, or the three."""
    yield column("age"), 0 if are_apart else _of_texts(column("age"), rows, derived)
    for name in _AGES:
        needed = max(1, _of_texts(column(name), rows, derived)) if are_apart else 0
        yield column(name), needed


def _of_texts(
    column: AnyColumn,
    rows: Sequence[Backend],
    derived: DerivedSnapshot,
) -> int:
    """Return the longest of texts that have one cell for each character."""
    return max([len(column.text(row, derived)) for row in rows], default=0)


def _of_locks(rows: Sequence[Backend], derived: DerivedSnapshot) -> int:
    """Return the longest text of the rows in sight; more than nothing while a session waits."""
    if not derived.forest.nodes and not derived.snapshot.waiting:
        return 0
    return max(1, _of_texts(column("lock"), rows, derived))
