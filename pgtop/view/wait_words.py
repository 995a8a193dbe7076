"""The meanings of waits in a few words each, after PostgreSQL's documentation.

https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-TABLE
Events have their words in `wait_events`. From 17 the server describes its events itself in
pg_wait_events, at more length than a row has.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pgtop.model import EMPTY
from pgtop.model.waits import WaitClass
from pgtop.text.clean import clean
from pgtop.view.wait_events import event_words, family_words


class ClassWords(NamedTuple):
    """The usual meaning of a wait of one class, and the place to look at next."""

    brief: str
    """For a row."""
    meaning: str
    next: str


CLASS_WORDS: Mapping[WaitClass, ClassWords] = {
    WaitClass.CPU: ClassWords(
        "runs, or reports no wait",
        "it computes, or does what PostgreSQL does not report as a wait, such as most system calls",
        "the queries behind it, their plans, and the CPUs of the server",
    ),
    WaitClass.IO: ClassWords(
        "reads or writes a file",
        "it waits until the kernel has read or written a block of a file",
        "the cache hits in the header, queries that read whole tables, and the disks' own latency",
    ),
    WaitClass.LWLOCK: ClassWords(
        "for memory others use",
        "it waits for a short lock on shared memory, which many sessions want at once",
        "the event's name: WAL, buffers or the lock table; then fewer sessions at once, by a pool",
    ),
    WaitClass.IPC: ClassWords(
        "for another process",
        "it waits for a process of its own server, such as a parallel worker or a standby",
        "the parallel workers, and whether a standby confirms commits",
    ),
    WaitClass.TIMEOUT: ClassWords(
        "sleeps for a set time",
        "it sleeps by its own wish, as in pg_sleep or a vacuum's cost delay",
        "the query: work that sleeps holds its locks and its slot",
    ),
    WaitClass.CLIENT: ClassWords(
        "for its client",
        "its statement runs, and waits for the client to send or to take data",
        "the client and the network: a slow reader, a COPY, a large result",
    ),
    WaitClass.OTHER: ClassWords(
        "a wait of its own kind",
        "it waits for the pin of a buffer, or for what an extension does",
        "the event's name, and the cursor that keeps a row in use",
    ),
    WaitClass.LOCK: ClassWords(
        "for another's lock",
        "it waits for a lock that another session holds until its transaction ends",
        "the locks view (`key:show_locks`), which shows who blocks whom",
    ),
    WaitClass.IDLE_IN_TRANSACTION: ClassWords(
        "client holds a transaction",
        "its client has a transaction open and sends nothing; no load, but it keeps its locks",
        "its age and the sessions that it blocks; then its application",
    ),
}


_WAITING = "Waiting "


def meaning_of(
    event: str,
    kind: WaitClass,
    server_words: Mapping[str, str] = EMPTY,
) -> str:
    """Return what an event means: in pgtop's words, which are short, or else in the server's. If
    neither knows the event, the words are those of its family, or of its class.
    """
    if words := event_words(event):
        return words
    if words := server_words.get(event, ""):
        return clean(words).removeprefix(_WAITING)
    return family_words(event) or CLASS_WORDS[kind].brief
