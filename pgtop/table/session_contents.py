"""The cells that the columns of the sessions need for what they hold.

Names are measured over all sessions, so that neither scrolling nor a filter moves a column; what
changes with time only over the rows in sight.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from pgtop.analysis.client_names import pooled_of
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model import EMPTY
from pgtop.model.backend import CLIENT_BACKEND, LOCAL, PARALLEL_WORKER, Backend
from pgtop.model.running import RunningCounts
from pgtop.model.section import BACKEND_IO, HOST
from pgtop.model.snapshot import IdleGroup
from pgtop.table.fitting import Contents
from pgtop.table.layout import AnyColumn
from pgtop.table.options import TableOptions
from pgtop.table.session_cells import age_width, time_width
from pgtop.table.session_columns import COLUMNS, column
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
_EXTRA_COLUMNS = tuple([each for each in COLUMNS if each.on_request])
_OFFERED_COLUMNS = tuple([each for each in COLUMNS if each.is_offered])
_AGES = ("xact", "query_age", "state_age")
_NO_NAME = frozenset((None,))
_LONGEST_NAME = 63
"""Bytes of the longest name that a server has, unless it was built otherwise."""

Names: TypeAlias = tuple[str | None, str | None, str | None, str | None, str | None]
_names: RunningCounts[Names] = RunningCounts(_names_of)
"""The names of the sessions outside the idle group; a pass over 130 of them takes 0.05 ms."""
_pid_digits: RunningCounts[int] = RunningCounts(lambda backend: len(str(backend.pid)))
_KINDS = frozenset((CLIENT_BACKEND, PARALLEL_WORKER, None))
"""The kinds of processes that are shown unless the user wants all."""


_ACTIVITY_FIELDS = ("state", "backend_type", "wait_event_type", "wait_event")
_activity_of = itemgetter(*map(Backend._fields.index, _ACTIVITY_FIELDS))
"""Returns what the columns STATE and WAIT depend on."""


class Spread(NamedTuple):
    """The texts of a column: whether they differ, and the cells of the widest."""

    examples: frozenset[str | None] = frozenset()
    """Two of the texts, or all if there are fewer."""
    widest: int = 0

    @classmethod
    def of(cls, texts: Set[str | None]) -> "Spread":
        """Summarise texts."""
        return cls(
            frozenset(islice(texts, 2)),
            max(map(_width_of, texts), default=0),
        )

    def joined(self, other: "Spread") -> "Spread":
        """Return the spread of both texts."""
        return Spread(
            frozenset(islice(self.examples | other.examples, 2)),
            max(self.widest, other.widest),
        )

    @property
    def needed(self) -> int:
        """The cells that a column needs; 0 for one that has the same text in every row."""
        return self.widest if self.differs else 0

    @property
    def differs(self) -> bool:
        """True if there are several texts."""
        return len(self.examples) > 1


class NameSpreads(NamedTuple):
    """The spreads of the names of sessions."""

    users: Spread = Spread()
    databases: Spread = Spread()
    accounts: Spread = Spread()
    applications: Spread = Spread()
    addresses: Spread = Spread()

    @classmethod
    def of(cls, names: Set[Names]) -> "NameSpreads":
        """Summarise the names of sessions, each combination once."""
        accounts = {(user, database) for user, database, *_ in names}
        fields = [set(texts) for texts in zip(*names, strict=True)] or [set()] * 5
        users, databases, applications, addresses, _ = fields
        return cls(
            users=Spread.of(users - _NO_NAME),
            databases=Spread.of(databases - _NO_NAME),
            accounts=Spread.of({user_at_database(*account) for account in accounts}),
            applications=Spread.of(applications - _NO_NAME),
            addresses=Spread.of(addresses),
        )

    def joined(self, other: "NameSpreads") -> "NameSpreads":
        """Return the spreads of both groups of sessions."""
        return NameSpreads(
            self.users.joined(other.users),
            self.databases.joined(other.databases),
            self.accounts.joined(other.accounts),
            self.applications.joined(other.applications),
            self.addresses.joined(other.addresses),
        )


def contents(
    rows: Iterable[Backend],
    derived: DerivedSnapshot,
    options: TableOptions,
) -> Contents:
    """Return the cells that each column needs; `rows` are those in sight."""
    in_sight = list(rows)
    snapshot = derived.snapshot
    names = _of_names(
        frozenset(_names.of(snapshot.ungrouped)),
        max(_pid_digits.of(snapshot.ungrouped), default=1),
        snapshot.idle_group,
        options.show_background,
    )
    if pooled_of(snapshot):
        names = _with_pooled(names, derived)
    return (
        *names,
        *_of_states(in_sight, derived),
        *_of_ages(in_sight, derived, options.ages_apart),
        (column("lock"), _of_locks(in_sight, derived)),
        *_of_extra_columns(in_sight, derived, options.extra_columns),
    )


def _of_extra_columns(
    rows: Sequence[Backend],
    derived: DerivedSnapshot,
    are_wanted: bool,
) -> Iterator[tuple[AnyColumn, int]]:
    """Yield what the rows in sight need for the columns on request, or for those that are offered
    as soon as they have contents.
    """
    if are_wanted:
        for extra in _EXTRA_COLUMNS:
            yield extra, _of_texts(extra, rows, derived)
    else:
        yield from _of_offered_columns(rows, derived)


def _of_offered_columns(
    rows: Sequence[Backend],
    derived: DerivedSnapshot,
) -> Iterator[tuple[AnyColumn, int]]:
    """Yield what is known of the use of sessions: it is read for wide screens alone.

    On the server's machine all columns come at once, as the figures of each session do within some
    seconds: each column that came later would draw the whole table again, up to 7 kB.
    """
    snapshot = derived.snapshot
    if HOST not in snapshot.sections:
        return
    from pgtop.model.host import host_of  # late: most servers run elsewhere

    reading = host_of(snapshot)
    are_read = reading is not None and bool(reading.processes)
    if reading is not None and are_read and not reading.missing:
        yield from [(offered, offered.width) for offered in _OFFERED_COLUMNS]
    elif are_read or BACKEND_IO in snapshot.sections:
        for offered in _OFFERED_COLUMNS:
            yield offered, _width_if_any(offered, rows, derived)


def _width_if_any(
    column: AnyColumn,
    rows: Sequence[Backend],
    derived: DerivedSnapshot,
) -> int:
    """Return the width of a column that has a text in a row in sight; 0 for another one."""
    has_any = any(column.text(row, derived) for row in rows)
    return column.width if has_any else 0


@lru_cache(maxsize=2)
def _of_names(
    names: frozenset[Names],
    pid_digits: int,
    group: IdleGroup,
    with_background: bool,
) -> Contents:
    """Return the columns of names, which are mostly those of the sample before.

    A column with the same name in every row is not worth a look.
    """
    if not with_background:
        names = frozenset([each for each in names if each[-1] in _KINDS])
    spreads = NameSpreads.of(names).joined(_of_group(group))
    digits = max(pid_digits, len(str(_highest_pid(group))))
    return (
        (column("pid"), digits),
        *_of_accounts(spreads),
        *_forms("application", spreads.applications.needed),
        (column("client"), spreads.addresses.needed),
    )


@lru_cache(maxsize=1)
def _of_group(group: IdleGroup) -> NameSpreads:
    return NameSpreads.of(set(map(_names_of, group.backends)))


@lru_cache(maxsize=1)
def _highest_pid(group: IdleGroup) -> int:
    return max(map(_pid_of, group.backends), default=0)


def _with_pooled(names: Contents, derived: DerivedSnapshot) -> Contents:
    """Return the columns of names with the clients and applications that a pooler knows."""
    snapshot = derived.snapshot
    backends = [snapshot.at(each.pid) for each in pooled_of(snapshot)]
    rows = list(filter(None, backends))
    return tuple([(form, _wider(form, width, rows, derived)) for form, width in names])


def _wider(
    form: AnyColumn,
    width: int,
    rows: Sequence[Backend],
    derived: DerivedSnapshot,
) -> int:
    if form.name not in _POOLED:
        return width
    texts = Spread.of({form.text(row, derived) for row in rows})
    return max(width, texts.widest if width else texts.needed)


_POOLED = ("application", "client")
"""The columns of what a pooler knows."""


def _of_accounts(names: NameSpreads) -> Contents:
    """Return the cells of role and database, or of one column for both if both differ."""
    if names.users.differs and names.databases.differs:
        return (
            *_forms("who", names.accounts.widest),
            (column("user"), 0),
            (column("database"), 0),
        )
    return (
        *_forms("who", 0),
        (column("user"), names.users.needed),
        (column("database"), names.databases.needed),
    )


def _forms(name: str, width: int) -> Iterator[tuple[AnyColumn, int]]:
    """Yield the wide and the narrow form of a column with their cells."""
    for form in column(name).forms:
        yield form, width


@lru_cache(maxsize=4096)
def _width_of(text: str | None) -> int:
    return cells(clean((text or LOCAL)[:_LONGEST_NAME]))


_STATE_FORMS = (*column("state").forms, *column("wait").forms)


def _of_states(
    rows: Sequence[Backend], derived: DerivedSnapshot
) -> Iterator[tuple[AnyColumn, int]]:
    """Yield what the rows in sight need for state and wait, in both forms."""
    at_work = [row for row in rows if row.pid in derived.operations]
    widths = _of_activities(rows, derived)
    for form, widest in zip(_STATE_FORMS, widths, strict=True):
        most = form.most_width
        texts = {form.shown(row, derived, most) for row in at_work}
        yield form, min(max(widest, Spread.of(texts).widest), most)


_known_widths: dict[frozenset[object], tuple[int, ...]] = {}
_MOST_KNOWN = 64


def _of_activities(
    rows: Sequence[Backend], derived: DerivedSnapshot
) -> tuple[int, ...]:
    """Return the cells of the longest words for what the rows in sight do, apart from progress, in
    each of `_STATE_FORMS`.

    Sessions in sight do few different things, which are mostly those of the sample before.
    """
    examples = {_activity_of(row): row for row in rows}
    activities = frozenset(examples)
    if activities not in _known_widths:
        if len(_known_widths) >= _MOST_KNOWN:
            _known_widths.clear()
        idle = derived._replace(operations=EMPTY)
        widths = [_widest_of(form, examples.values(), idle) for form in _STATE_FORMS]
        _known_widths[activities] = tuple(widths)
    return _known_widths[activities]


def _widest_of(
    form: AnyColumn,
    rows: Iterable[Backend],
    derived: DerivedSnapshot,
) -> int:
    texts = {form.shown(row, derived, form.most_width) for row in rows}
    return Spread.of(texts).widest


def _of_ages(
    rows: Sequence[Backend],
    derived: DerivedSnapshot,
    are_apart: bool,
) -> Iterator[tuple[AnyColumn, int]]:
    """Yield the one age, or the three."""
    widths = [age_width(row, derived) for row in rows]
    yield column("age"), 0 if are_apart else max(widths, default=0)
    for name in _AGES:
        yield column(name), _of_times(column(name), rows, derived) if are_apart else 0


def _of_times(
    column: AnyColumn,
    rows: Sequence[Backend],
    derived: DerivedSnapshot,
) -> int:
    """Return the cells of the longest time; more than nothing, as a column of times stays."""
    widths = [time_width(row, column.key(row, derived)) for row in rows]
    return max(1, max(widths, default=0))


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
