"""The values on screen that complete a filter, by the keys of its language."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from pgtop.analysis.client_names import ClientNames, pool_names_of
from pgtop.model.backend import LOCAL, Backend
from pgtop.model.snapshot import Snapshot
from pgtop.table.arrange import Arranged
from pgtop.table.columns import ContextT, RowT
from pgtop.table.language.states import STATE_WORDS, state_called
from pgtop.table.language.vocabulary import normalized
from pgtop.table.session_state import state_word
from pgtop.table.spec import TableSpec


def _wait(backend: Backend) -> str | None:
    return backend.wait_event_type


def _client(backend: Backend) -> str | None:
    if backend.client_addr is None and backend.is_client and not backend.hidden:
        return LOCAL
    return backend.client_addr


_TEXTS: Mapping[str, Callable[[Backend], str | None]] = {
    "db": lambda backend: backend.datname,
    "user": lambda backend: backend.usename,
    "app": lambda backend: backend.application_name,
    "client": _client,
    "host": lambda backend: backend.client_hostname,
    "state": lambda backend: state_called(state_word(backend)),
    "wait": _wait,
    "type": lambda backend: backend.backend_type,
    "pid": lambda backend: str(backend.pid),
}


def session_values(
    key: str, snapshot: Snapshot, backends: Sequence[Backend]
) -> list[str]:
    """Return the values of a key among sessions of a snapshot, the most frequent first; of `state`
    also those that no session has now.
    """
    if key == "pool":
        return _ranked(pool_names_of(snapshot).values())
    text_of = _TEXTS.get(key)
    if text_of is None:
        return []
    named = ClientNames.of(snapshot).named(backends)
    values = _ranked(filter(None, map(text_of, named)))
    others = STATE_WORDS if key == "state" else ()
    return list(dict.fromkeys([*values, *others]))


def column_values(
    key: str, table: Arranged[RowT, ContextT], spec: TableSpec[RowT, ContextT]
) -> list[str]:
    """Return the texts of a column, the most frequent first; headings of groups are no rows."""
    columns = {normalized(column.name): column for column in spec.columns.columns}
    column = columns.get(key)
    if column is None:
        return []
    rows = [row for row in table.rows if not spec.heading(row)]
    texts = (column.text(row, table.context).strip() for row in rows)
    return _ranked(text for text in texts if text)


def _ranked(values: Iterable[str]) -> list[str]:
    return [value for value, _ in Counter(values).most_common()]
