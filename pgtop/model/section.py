"""Optional parts of a snapshot, and the topics by which consumers request them.

Sessions and locks are part of every snapshot, as they belong to one instant. Everything else that
a source can read is a section: it has a time of its own, and it is there only if its topic was
requested.
"""

from typing import Generic, NamedTuple, NewType, TypeVar

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
SESSIONS_ONLY = frozenset({SESSIONS})

Data = TypeVar("Data")


class Section(NamedTuple, Generic[Data]):
    """The result of a probe at `taken_at`: either data, or the reason why there are none."""

    taken_at: Instant
    data: Data | None = None
    reason: str = ""
    """Empty if there is data; may quote the server: clean before showing."""
