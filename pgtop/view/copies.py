"""The texts that can be copied of a session: query, pid, row, and two statements to run by hand.

The texts come from the snapshot that is shown: what is masked on the screen is masked here. A
statement to run by hand must do nothing else than what it says, whatever the query contains.
"""

import re
from enum import StrEnum
from typing import NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import HIDDEN_QUERY, Backend
from pgtop.model.detail import Detail
from pgtop.model.signal import Signal
from pgtop.sources.postgres.signal_sql import by_hand
from pgtop.table.options import TableOptions
from pgtop.table.sessions import SESSIONS
from pgtop.text.clean import clean, clean_lines
from pgtop.text.explainable import GENERIC_PLAN, Explainable, explained
from pgtop.text.identity import name_of_session
from pgtop.text.wrap import plain_text

_ROW_WIDTH = 200
"""Cells of a copied row: those of the widest screen that shows every column."""


OTHER_BYTES = "its text may have bytes that are not in the encoding of its database"
_READABLE = "UTF8"
"""The encoding in which a server takes no text that Python cannot read."""
_OTHER_BYTE = re.compile(r"\\x[89a-f][0-9a-f]")


class CopyKind(StrEnum):
    """The choices, in the order of the menu."""

    QUERY = "query"
    PID = "pid"
    ROW = "row"
    TERMINATION = "termination"
    EXPLAIN = "explain"

    @property
    def words(self) -> str:
        """The line in the menu."""
        return _WORDS[self]

    @property
    def is_dangerous(self) -> bool:
        """True if the text can end a user's work: read-only mode lacks it."""
        return self is CopyKind.TERMINATION

    @property
    def needs_whole_query(self) -> bool:
        """True if the query must be read from the server first."""
        return self in (CopyKind.QUERY, CopyKind.EXPLAIN)

    @property
    def suffix(self) -> str:
        """The end of the name of a file for the text: a pid and a row are no SQL."""
        return ".txt" if self in (CopyKind.PID, CopyKind.ROW) else ".sql"


_WORDS = {
    CopyKind.QUERY: "the query",
    CopyKind.PID: "the pid",
    CopyKind.ROW: "the row",
    CopyKind.TERMINATION: "the SQL that would end it, no other",
    CopyKind.EXPLAIN: "its EXPLAIN, to run yourself",
}


class Copy(NamedTuple):
    """A text to copy and its name; or the reason why there is none."""

    text: str
    name: str
    reason: str = ""


class Copied(NamedTuple):
    """The session to copy from, as it is shown."""

    backend: Backend
    seen_in: DerivedSnapshot
    detail: Detail | None = None
    """None if its whole query is not known."""
    has_ended: bool = False
    """True if the server was queried for it, and no longer had it."""

    def copy(self, kind: CopyKind) -> Copy:
        """Return the text of this kind."""
        pid = self.backend.pid
        match kind:
            case CopyKind.QUERY:
                return self._query()
            case CopyKind.PID:
                return Copy(str(pid), f"pid {pid}")
            case CopyKind.ROW:
                return Copy(self._row(), f"the row of {pid}")
            case CopyKind.TERMINATION:
                return self._termination()
            case CopyKind.EXPLAIN:
                return self._explain()

    def _query(self) -> Copy:
        pid = self.backend.pid
        if self.backend.hidden or self.backend.query == HIDDEN_QUERY:
            return Copy("", f"the query of {pid}", "this role may not read it")
        return Copy(clean_lines(self.query), f"{self._part} of {pid}")

    @property
    def query(self) -> str:
        """The query as the server has it; as it is shown, if the session runs another one now."""
        detail = self._detail_of_query
        backend = self.backend if detail is None else detail.backend
        return backend.query or ""

    @property
    def _detail_of_query(self) -> Detail | None:
        detail = self.detail
        if detail is None or detail.backend.query_start != self.backend.query_start:
            return None
        return detail

    @property
    def is_whole(self) -> bool:
        """True if the whole query is known."""
        detail = self._detail_of_query
        return detail is not None and not detail.query_is_cut

    @property
    def has_other_bytes(self) -> bool:
        """True if the query may have bytes that its database cannot read as text: those are shown
        as `\\xNN`, which would be another query.
        """
        databases = self.seen_in.snapshot.server.databases
        database = databases.get(self.backend.datid or 0)
        if database is None or database.encoding == _READABLE:
            return False
        return _OTHER_BYTE.search(self.query) is not None

    @property
    def unknown_words(self) -> str:
        """The reason why the whole query is not known, if it is not."""
        if self.has_ended:
            return "the session has ended, and its whole query is not known"
        if self.detail is not None and self._detail_of_query is None:
            return "the session runs another query now"
        if self.detail is not None:
            return "the server has kept only the beginning of the query"
        return "the whole query is not known"

    @property
    def _part(self) -> str:
        if self.is_whole:
            return "the query"
        return f"the first {len(self.query)} characters of the query"

    def _row(self) -> str:
        columns = SESSIONS.whole_layout(
            _ROW_WIDTH,
            [self.backend],
            self.seen_in,
            TableOptions(),
        )
        spans = SESSIONS.line(columns, self.backend, self.seen_in)
        return plain_text(spans).strip()

    @property
    def _session(self) -> str:
        return clean(f"session {self.backend.pid}, {name_of_session(self.backend)}")

    def _termination(self) -> Copy:
        name = f"the SQL that would end {self.backend.pid}"
        statement = by_hand(Signal.TERMINATE, self.backend.identity)
        if not statement:
            reason = "its start is hidden from this role, and a pid alone may be another session"
            return Copy("", name, reason)
        server = self.seen_in.snapshot.server
        lines = (
            f"-- Ends {self._session}, on {clean(server.host)}:{server.port}.",
            "-- It compares the start of the session: once that has ended, it does nothing.",
            statement,
        )
        return Copy("\n".join(lines) + "\n", name)

    def _explain(self) -> Copy:
        name = f"the EXPLAIN of the query of {self.backend.pid}"
        statement = Explainable.of(self.query)
        reason = statement.refusal
        if self.has_other_bytes:
            reason = OTHER_BYTES
        if not self.is_whole:
            reason = self.unknown_words
        if reason:
            return Copy("", name, reason)
        snapshot = self.seen_in.snapshot
        notes = [
            f"-- The query of {self._session}. Connect to that database, and",
            "-- SET search_path first if that session has one of its own: it cannot be seen.",
            "-- EXPLAIN does not run the query, but may run functions in it with your rights.",
        ]
        if snapshot.are_queries_masked:
            notes.append("-- Literals are masked: put a value in place of each ?.")
        has_generic_plan = snapshot.server.major >= GENERIC_PLAN
        if statement.parameters and not has_generic_plan:
            notes.append("-- Before version 16 parameters need a prepared statement.")
        query = clean_lines(self.query).strip().rstrip(";")
        return Copy(
            "\n".join(
                [*notes, explained(query, statement.parameters, has_generic_plan)]
            ),
            name,
        )
