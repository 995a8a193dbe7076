"""A row of pg_locks, and its locked object in words."""

from typing import Any, NamedTuple, Protocol

from pgtop.model.server import Server
from pgtop.model.timestamp import Instant
from pgtop.sources.postgres.shapes import INT2, INT4, OID, TEXT, XID

_WORDS = {
    "relation": "{name}",
    "extend": "the end of {name}",
    "page": "page {page} of {name}",
    "tuple": "row ({page},{tuple}) of {name}",
    "transactionid": "transaction {transactionid}",
    "virtualxid": "virtual transaction {virtualxid}",
    "spectoken": "speculative insertion {objid} of transaction {transactionid}",
    "applytransaction": "remote transaction {transactionid} of subscription {objid}{elsewhere}",
    "object": "{class_name} {objid}{elsewhere}",
    "frozenid": "frozen transaction id{elsewhere}",
    "advisory": "advisory key {key}{elsewhere}",
}
"""https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-LOCK-TABLE"""


class PgLocksRow(NamedTuple):
    """A row of pg_locks, under its column names; `name` and `class_name` are None if this
    connection cannot know them.
    """

    locktype: str
    mode: str
    granted: bool
    waitstart: Instant | None = None
    total: int = 0
    database: int | None = None
    relation: int | None = None
    name: str | None = None
    page: int | None = None
    tuple: int | None = None
    virtualxid: str | None = None
    transactionid: int | None = None
    classid: int | None = None
    class_name: str | None = None
    objid: int | None = None
    objsubid: int | None = None


TARGET_TYPES = (
    OID.or_null,  # database
    OID.or_null,  # relation
    TEXT.or_null,  # name
    INT4.or_null,  # page
    INT2.or_null,  # tuple
    TEXT.or_null,  # virtualxid
    XID.or_null,  # transactionid
    OID.or_null,  # classid
    TEXT.or_null,  # class_name
    OID.or_null,  # objid
    INT2.or_null,  # objsubid
)
"""The types of the columns that name the locked object, from `database` on."""


_TAG = (
    "database",
    "relation",
    "page",
    "tuple",
    "virtualxid",
    "transactionid",
    "classid",
    "objid",
    "objsubid",
)
"""The columns that identify what is locked."""


class Names(Protocol):
    """The known names of relations in other databases."""

    @property
    def note(self) -> str:
        """The reason why some names are not known; empty if there is none."""
        ...

    def name(self, database: int, relation: int) -> str | None:
        """Return the name of a relation, if it is known."""
        ...


class _NoNames:
    note = ""

    def name(self, database: int, relation: int) -> None:
        """Know none."""


NO_NAMES: Names = _NoNames()


_NAMELESS = frozenset({"transactionid", "virtualxid", "spectoken"})
"""Types of locks that need no name for their words."""
_OF_RELATION = frozenset({"relation", "extend", "page", "tuple"})


def is_self_contained(row: PgLocksRow) -> bool:
    """Return whether the words of `target` follow from the row alone, whatever the server and the
    known names.
    """
    has_own_name = bool(row.name) and row.locktype in _OF_RELATION
    return has_own_name or row.locktype in _NAMELESS


def self_contained_target(row: PgLocksRow) -> str:
    """Return the words for a lock that is self-contained: `target` without a server."""
    name = short_name(row.name) if row.name else None
    return _WORDS[row.locktype].format_map(row._asdict() | {"name": name})


def target(row: PgLocksRow, server: Server, names: Names = NO_NAMES) -> str:
    """Describe what is locked in words, or by the raw columns if this kind of lock is not known."""
    words = _WORDS.get(row.locktype)
    if words is None:
        return " ".join([f"{name} {value}" for name, value in _tag(row).items()])
    values = row._asdict() | {
        "elsewhere": _elsewhere(row, server),
        "name": short_name(row.name) if row.name else _distant(row, server, names),
        "class_name": row.class_name or f"class {row.classid}",
        "key": _advisory_key(row),
    }
    return words.format_map(values)


def relation_target(
    database: int,
    relation: int,
    name: str | None,
    server: Server,
    names: Names = NO_NAMES,
) -> str:
    """Return the words for a relation, as `target` has them."""
    row = PgLocksRow(
        "relation",
        "",
        granted=True,
        database=database,
        relation=relation,
        name=name,
    )
    return target(row, server, names)


def _tag(row: PgLocksRow) -> dict[str, Any]:
    """Return the columns that identify what is locked, and are not NULL."""
    columns = {name: getattr(row, name) for name in _TAG}
    return {name: value for name, value in columns.items() if value is not None}


def _elsewhere(row: PgLocksRow, server: Server) -> str:
    """Name the database, unless it is the connected one or none."""
    if row.database in (None, 0, server.database_oid):
        return ""
    database = server.databases.get(row.database)
    return f" in database {database.name if database else row.database}"


def _distant(row: PgLocksRow, server: Server, names: Names) -> str:
    """Describe a relation without a name here, by its number unless its name in its own database is
    known: it is of another database, or was created in a transaction that is still open.
    """
    elsewhere = _elsewhere(row, server)
    name = None
    if elsewhere:
        name = names.name(row.database or 0, row.relation or 0)
    known = short_name(name) if name else f"relation {row.relation}"
    return f"{known}{elsewhere}"


def short_name(name: str) -> str:
    """Return the name without the schema that people leave out, unless it would then look like a
    name of the server's own catalog.
    """
    return name if name.startswith("public.pg_") else name.removeprefix("public.")


def _advisory_key(row: PgLocksRow) -> str:
    """Return the key as its user wrote it: one bigint, or two integers.

    https://www.postgresql.org/docs/current/view-pg-locks.html
    """
    high = row.classid or 0
    low = row.objid or 0
    if row.objsubid == 1:
        return str(_signed(high << 32 | low, 64))
    return f"{_signed(high, 32)}, {_signed(low, 32)}"


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> (bits - 1) else number
