"""The lines about what holds back vacuum: how many transactions, since when, and what it is."""

from collections.abc import Iterator

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.xmin import XminHolder, XminKind
from pgtop.model.backend import Backend
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.table.layout import section_line
from pgtop.table.session_state import MINUTE, state_in_full, state_word
from pgtop.text.clean import cells, clean, fit
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line, fitted
from pgtop.view.lock_phrases import query_of

_NAME = 18
_TRANSACTIONS = 13
_SINCE = 7
_TITLE = " HOLDS BACK VACUUM"
_SINCE_FROM = 60
"""Cells of screen from which there is space for the start of the transaction."""
_QUERY_FROM = 100
"""Cells of screen from which there is space for a query."""


def heading_line(width: int) -> Line:
    """Return the titles."""
    since = f" {'SINCE':>{_SINCE}}" if width >= _SINCE_FROM else ""
    titles = f"{_TITLE:<{_NAME + 1}}{'TRANSACTIONS':>{_TRANSACTIONS}}{since}"
    return section_line(fit(titles, width), len(_TITLE))


def holder_line(holder: XminHolder, width: int, derived: DerivedSnapshot) -> Line:
    """Return a holder: its name, how far and since when it holds back vacuum, and what it is."""
    start = _start_of(holder, derived)
    duration = None if start is None else seconds_between(start, derived.now)
    is_long = duration is not None and duration >= MINUTE
    tone = Tone.WARN if is_long else Tone.PLAIN
    name = _name_of(holder)
    is_cut = cells(name) > _NAME
    spans = [
        Span(f" {fit(name, _NAME)}", tone),
        Span(f"{holder.age:>{_TRANSACTIONS},}", tone),
    ]
    if width >= _SINCE_FROM:
        spans.append(Span(f" {age(duration):>{_SINCE}}", Tone.PLAIN))
    is_wide = width >= _QUERY_FROM
    words = ", ".join(_words(holder, derived, is_cut, is_wide))
    spans.append(Span(f"  {clean(words)}", Tone.QUIET))
    if holder.backend is not None and is_wide:
        query = clean(query_of(holder.backend)[: 4 * width])
        spans.append(Span(f"  {query}", Tone.PLAIN))
    return fitted(spans, width)


def _name_of(holder: XminHolder) -> str:
    """Return the pid of a session, or the word for another holder and its name."""
    if holder.backend is not None and holder.kind is not XminKind.STANDBY:
        return str(holder.backend.pid)
    words = {XminKind.SLOT: "slot ", XminKind.PREPARED: "prepared "}
    return f"{words.get(holder.kind, '')}{clean(holder.name)}"


def _start_of(holder: XminHolder, derived: DerivedSnapshot) -> Instant | None:
    """Return the start of the transaction; None for a slot and for a standby, which have none."""
    if holder.backend is not None:
        return holder.backend.xact_start
    prepared = derived.snapshot.locks.prepared
    starts = [each.prepared for each in prepared if each.gid == holder.name]
    return starts[0] if starts and holder.kind is XminKind.PREPARED else None


def _words(
    holder: XminHolder,
    derived: DerivedSnapshot,
    is_cut: bool,
    is_wide: bool,
) -> Iterator[str]:
    """Yield what a holder is, its database, and the session that made it so old."""
    backend = holder.backend
    if backend is None or holder.kind is XminKind.STANDBY:
        yield f"{holder.kind} {holder.name}" if is_cut else holder.kind
        yield from _place_words(holder, derived)
    else:
        yield from _session_words(holder, backend, is_wide)
    if holder.cause and is_wide:
        yield f"snapshot held since {holder.cause}'s transaction"
    elif holder.cause:
        yield f"held since {holder.cause}"


def _place_words(holder: XminHolder, derived: DerivedSnapshot) -> Iterator[str]:
    if holder.kind is XminKind.SLOT:
        slots = derived.snapshot.locks.slots
        is_active = any(each.active for each in slots if each.name == holder.name)
        yield "active" if is_active else "inactive"
    if holder.database:
        yield f"in {holder.database}"
    if holder.catalog:
        yield "system catalogs only"


def _session_words(
    holder: XminHolder,
    backend: Backend,
    is_wide: bool,
) -> Iterator[str]:
    if name := name_of_session(backend):
        yield name
    yield state_in_full(backend) if is_wide else state_word(backend)
    if not holder.is_certain:
        yield "perhaps: it may be a vacuum"
