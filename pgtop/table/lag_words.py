"""Words for the lag of a standby, which the sessions show in place of a walsender's query."""

from pgtop.analysis.replication import StandbyLag, replication_of
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.text.units import rough_bytes, span

NOT_KNOWN = "?"


def lag_words(lag_seconds: float | None, lag_bytes: int | None) -> str:
    """Return a lag in both units, as far as they are known: `3.2 s / 18 MB`."""
    if lag_bytes is None:
        return NOT_KNOWN
    size = rough_bytes(lag_bytes)
    return size if lag_seconds is None else f"{span(lag_seconds)} / {size}"


def walsender_words(backend: Backend, snapshot: Snapshot) -> str:
    """Return the state and the lag of a walsender; "" if they are not known."""
    standbys = replication_of(snapshot).standbys
    lags = [each for each in standbys if each.sender.pid == backend.pid]
    return _words(lags[0]) if lags and not lags[0].is_hidden else ""


def _words(lag: StandbyLag) -> str:
    state = lag.sender.state or ""
    if lag.lag_bytes is None:
        return state
    if not lag.lag_bytes:
        return f"{state}, all replayed"
    return f"{state}, {lag_words(lag.lag_seconds, lag.lag_bytes)} behind"
