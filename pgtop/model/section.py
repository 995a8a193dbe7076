"""Optional parts of a snapshot, and the topics by which consumers request them.

Sessions and locks are part of every snapshot, as they belong to one instant. Everything else that
a source can read is a section: it has a time of its own, and it is there only if its topic was
requested.
"""

from collections.abc import Callable
from typing import (
    Generic,
    NamedTuple,
    NewType,
    Protocol,
    Self,
    TypeAlias,
    TypeVar,
    runtime_checkable,
)

from pgtop.model.timestamp import Instant

Topic = NewType("Topic", str)
"""A subject that a screen or a command shows."""

SESSIONS = Topic("sessions")
"""Requested always: every snapshot has the sessions."""
LOCKS = Topic("locks")
"""Prepared transactions, replication slots and all locks that sessions wait for; without this topic
locks are read only while a session waits.
"""
RATES = Topic("rates")
"""How much all databases do in a second: see `model.rates`."""
PROGRESS = Topic("progress")
"""How far vacuums, index builds, copies and base backups are: see `model.progress`."""
STATEMENTS = Topic("statements")
"""What statements did lately: see `model.statements`."""
REPLICATION = Topic("replication")
"""Standbys, replication slots and subscriptions: see `model.replication`."""
REPLICATION_NOW = Topic("replication now")
"""The same with each sample."""
USUAL = Topic("usual")
"""How long the statements that run now usually take: see `model.statements`."""
POOLS = Topic("pools")
"""What the poolers report: see `model.pools`. Every snapshot has it if a pooler is named."""
HOST = Topic("host")
"""The machine, where the server runs on this one: see `model.host`."""
HOST_SESSIONS = Topic("host_sessions")
"""What each session uses of it; without this topic the sessions cost nothing."""
BACKEND_IO = Topic("backend_io")
"""What each session has read and written, as the server counts it: see `model.backend_io`."""
SESSIONS_ONLY = frozenset({SESSIONS})

Data = TypeVar("Data")


class MaskedText(Protocol):
    """The text of a statement without its literals."""

    @property
    def text(self) -> str: ...

    @property
    def is_normalized(self) -> bool:
        """True if its query id reveals nothing about what was masked."""
        ...


Mask: TypeAlias = Callable[[str], MaskedText]


@runtime_checkable
class HasTexts(Protocol):
    """The data of a section with texts of statements, or with query ids."""

    def masked(self, mask: Mask, query_ids: frozenset[int]) -> Self:
        """Mask the literals; `query_ids` are those that may be shown beside a masked text."""
        ...


class Section(NamedTuple, Generic[Data]):
    """The result of a probe at `taken_at`: either data, or the reason why there are none."""

    taken_at: Instant
    data: Data | None = None
    reason: str = ""
    """Empty if there is data; may quote the server: clean before showing."""
