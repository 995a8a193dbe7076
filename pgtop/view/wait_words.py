"""The meanings of waits in a few words each, after PostgreSQL's documentation.

https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-TABLE
From 17 the server describes its events itself in pg_wait_events, at more length than a row has.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pgtop.model import EMPTY
from pgtop.model.waits import WaitClass
from pgtop.text.clean import clean


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

_EVENTS: Mapping[str, str] = {
    "Lock:advisory": "an application's own lock",
    "Lock:extend": "another extends the table",
    "Lock:frozenid": "another updates the frozen xid",
    "Lock:object": "a lock on a schema, type or other object",
    "Lock:page": "a lock on a page of an index",
    "Lock:relation": "another session locks the table",
    "Lock:spectoken": "an insert with ON CONFLICT in progress",
    "Lock:transactionid": "a row of an open transaction",
    "Lock:tuple": "its turn for a row others want",
    "Lock:virtualxid": "the end of an older transaction",
    "Lock:userlock": "an application's own lock",
    "IO:BufFileRead": "reads a sort or hash from disk",
    "IO:BufFileWrite": "writes a sort or hash to disk",
    "IO:DataFileExtend": "adds blocks to a table",
    "IO:DataFileFlush": "flushes a table to disk",
    "IO:DataFilePrefetch": "asks for blocks ahead",
    "IO:DataFileRead": "reads a block of a table",
    "IO:DataFileSync": "syncs a table to disk",
    "IO:DataFileTruncate": "truncates a table",
    "IO:DataFileWrite": "writes a block of a table",
    "IO:DSMFillZeroWrite": "makes shared memory for workers",
    "IO:RelationMapRead": "reads the map of catalogs",
    "IO:SLRURead": "reads transaction status",
    "IO:SLRUSync": "syncs transaction status",
    "IO:SLRUWrite": "writes transaction status",
    "IO:TimelineHistoryRead": "reads a timeline's history",
    "IO:WALInitSync": "syncs a new WAL file",
    "IO:WALInitWrite": "makes a new WAL file",
    "IO:WALRead": "reads WAL",
    "IO:WALSync": "commit: syncs WAL to disk",
    "IO:WALWrite": "commit: writes WAL",
    "LWLock:BufferContent": "another uses the same block",
    "LWLock:buffer_content": "another uses the same block",
    "LWLock:BufferMapping": "the table of cached blocks",
    "LWLock:buffer_mapping": "the table of cached blocks",
    "LWLock:BufferIO": "another reads the same block",
    "LWLock:buffer_io": "another reads the same block",
    "LWLock:LockManager": "the table of locks",
    "LWLock:lock_manager": "the table of locks",
    "LWLock:ProcArray": "snapshots of transactions",
    "LWLock:ProcArrayLock": "snapshots of transactions",
    "LWLock:WALInsert": "room to insert WAL",
    "LWLock:wal_insert": "room to insert WAL",
    "LWLock:WALWrite": "another writes WAL",
    "LWLock:WALWriteLock": "another writes WAL",
    "LWLock:SubtransSLRU": "parents of subtransactions",
    "LWLock:SubtransBuffer": "parents of subtransactions",
    "LWLock:MultiXactOffsetSLRU": "the holders of a shared row lock",
    "LWLock:MultiXactMemberSLRU": "the holders of a shared row lock",
    "LWLock:MultiXactMemberBuffer": "the holders of a shared row lock",
    "LWLock:XactSLRU": "transaction status",
    "LWLock:XactBuffer": "transaction status",
    "LWLock:pg_stat_statements": "the counters of an extension",
    "IPC:BgWorkerShutdown": "a background worker to end",
    "IPC:BgWorkerStartup": "a background worker to start",
    "IPC:BtreePage": "a page for a parallel scan",
    "IPC:BufferIO": "another reads the same block",
    "IPC:CheckpointDone": "a checkpoint to end",
    "IPC:CheckpointStart": "a checkpoint to start",
    "IPC:ExecuteGather": "rows of its parallel workers",
    "IPC:HashBuildHashInner": "workers that build a hash",
    "IPC:MessageQueueReceive": "bytes from a parallel worker",
    "IPC:MessageQueueSend": "its leader to take bytes",
    "IPC:ParallelCreateIndexScan": "workers that build an index",
    "IPC:ParallelFinish": "parallel workers to end",
    "IPC:ProcarrayGroupUpdate": "commits in a group",
    "IPC:SafeSnapshot": "a safe serializable snapshot",
    "IPC:SyncRep": "a standby to confirm commit",
    "IPC:XactGroupUpdate": "commits in a group",
    "Timeout:PgSleep": "pg_sleep",
    "Timeout:SpinDelay": "a spinlock others hold",
    "Timeout:VacuumDelay": "cost delay of a vacuum",
    "Timeout:VacuumTruncate": "a lock to truncate a table",
    "Client:ClientRead": "data that its client sends",
    "Client:ClientWrite": "its client to take the result",
    "Client:GSSOpenServer": "a client's GSS handshake",
    "Client:SSLOpenServer": "a client's TLS handshake",
    "BufferPin:BufferPin": "a cursor that uses the block",
    "Buffer:BufferCleanup": "a cursor that uses the block",
    "Extension:Extension": "an extension",
}
"""Events by their type and name; some had other names before 13 or 14, and other capitals
before 17."""
EVENT_WORDS = {name.lower(): words for name, words in _EVENTS.items()}


_WAITING = "Waiting "


def meaning_of(
    event: str,
    kind: WaitClass,
    server_words: Mapping[str, str] = EMPTY,
) -> str:
    """Return what an event means: in pgtop's words, which are short, or else in the server's. The
    words are those of its class if neither knows the event.
    """
    if words := EVENT_WORDS.get(event.lower()):
        return words
    if words := server_words.get(event, ""):
        return clean(words).removeprefix(_WAITING)
    return CLASS_WORDS[kind].brief
