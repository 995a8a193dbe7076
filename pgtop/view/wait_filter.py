"""The filter that selects the sessions of a slice, in the language of the sessions."""

import re
from collections.abc import Callable, Mapping

from pgtop.analysis.wait_profile import REST, SliceBy
from pgtop.model.waits import WaitClass
from pgtop.table.filter import quoted
from pgtop.view.waits import WaitRow

_AT_WORK = "state:active,waiting"
_BY_CLASS: Mapping[WaitClass, str] = {
    WaitClass.CPU: f'{_AT_WORK} wait:=""',
    WaitClass.IO: "wait:io",
    WaitClass.LWLOCK: "wait:lwlock",
    WaitClass.IPC: f"{_AT_WORK} wait:ipc",
    WaitClass.TIMEOUT: f"{_AT_WORK} wait:timeout",
    WaitClass.CLIENT: f"{_AT_WORK} wait:client",
    WaitClass.OTHER: f"{_AT_WORK} wait:bufferpin,buffer,extension,injectionpoint",
    WaitClass.LOCK: "wait:lock",
    WaitClass.IDLE_IN_TRANSACTION: "state:idle-in-tx",
}
_KEYS: Mapping[SliceBy, str] = {
    SliceBy.ROLE: "user",
    SliceBy.APPLICATION: "app",
    SliceBy.DATABASE: "db",
    SliceBy.CLIENT: "client",
}
_LITERAL = re.compile(r"E?'\\\?'|\\\?|\\\$\\\$\\\?\\\$\\\$")
"""A masked literal in an escaped query."""


def slice_filter(row: WaitRow) -> str:
    """Return the filter of a slice; "" for the rest of many small slices."""
    name = row.slice.name
    if name == REST:
        return ""
    return _FILTERS.get(row.by, _property)(row)


def _class(row: WaitRow) -> str:
    return _BY_CLASS[row.slice.wait_class]


def _event(row: WaitRow) -> str:
    if ":" not in row.slice.name:
        return _class(row)
    return f"{_AT_WORK} wait:={quoted(row.slice.name)}"


def _query(row: WaitRow) -> str:
    """Return a search for the query with any literals, and with any white space."""
    words = [re.escape(word) for word in row.slice.name.split()]
    pattern = _LITERAL.sub(".*?", r"\s+".join(words))
    return f"query~{quoted(pattern)}"


def _property(row: WaitRow) -> str:
    return f"{_KEYS[row.by]}:={quoted(row.slice.name)}"


_FILTERS: Mapping[SliceBy, Callable[[WaitRow], str]] = {
    SliceBy.CLASS: _class,
    SliceBy.EVENT: _event,
    SliceBy.QUERY: _query,
}
