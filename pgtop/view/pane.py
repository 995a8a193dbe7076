"""The pane below a tall table: the session under the cursor, in four lines.

The fields are those of the session's own page. Loaded only on a screen with room for it.
"""

from collections.abc import Iterable

from pgtop.analysis.client_names import ClientNames
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.config.settings import Settings
from pgtop.model.backend import Backend
from pgtop.model.timestamp import seconds_between
from pgtop.signalling.protection import guard
from pgtop.table.idle_folds import IdleFold, SessionRow
from pgtop.table.sessions import ArrangedSessions
from pgtop.text.clean import cells, clean, fit
from pgtop.text.comments import statement_of
from pgtop.text.identity import name_of_session, user_at_database
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age, rough_age
from pgtop.text.wrap import Line
from pgtop.view.detail import (
    blocks_field,
    does_field,
    rights_fields,
    waits_for_fields,
)
from pgtop.view.fields import LabelledValue, field
from pgtop.view.sessions import PANE_LINES

_LABEL = 11
_NO_NAME = "no application name"
_LONGEST = 1_000
"""Characters of a query that are worth cleaning for one line."""


def pane_lines(
    row: SessionRow | None,
    derived: DerivedSnapshot,
    width: int,
    settings: Settings,
    later: str = "",
) -> list[Line]:
    """Return a rule with the name of the row, and three lines of two fields each; `later` is what
    became of the session after this instant.
    """
    if row is None:
        return [()] * PANE_LINES
    if isinstance(row, IdleFold):
        title = row.mark
        fields = _of_fold(row, derived)
    else:
        title = str(row.pid)
        fields = _of_session(row, derived, settings)
    left, right = fields[:3], fields[3:]
    half = width // 2
    lines = [
        (*_at_width(one, half), *_at_width(other, width - half))
        for one, other in zip(left, right, strict=True)
    ]
    return [_rule(title, later, width), *lines]


def first_pane(
    table: ArrangedSessions,
    settings: Settings,
    width: int,
) -> list[Line]:
    """Return the pane of the first row."""
    row = table.rows[0] if table.rows else None
    return pane_lines(
        row,
        table.context,
        width,
        settings,
    )


def _rule(title: str, later: str, width: int) -> Line:
    words = f"── {title} under the cursor "
    if later:
        words += f"── {later} "
    return (Span(words.ljust(width, "─")[:width], Tone.QUIET),)


def _of_session(
    backend: Backend, derived: DerivedSnapshot, settings: Settings
) -> list[LabelledValue]:
    query = clean(statement_of(backend.query or "")[:_LONGEST])
    rights = rights_fields(
        backend,
        derived.snapshot.server,
        settings.read_only,
        guard(settings.protect, derived),
    )
    return [
        does_field(backend, derived),
        field("Login", clean(_login(backend, derived))),
        field("Query", query),
        blocks_field(backend, derived),
        _joined("Waits for", waits_for_fields(backend, derived)),
        _joined("Rights", rights),
    ]


def _joined(label: str, fields: Iterable[LabelledValue]) -> LabelledValue:
    """Return the first value, and the others behind it; of more than two, their number."""
    first, *others = [each.value for each in fields]
    if len(others) > 1:
        more = Span(f" and {len(others)} more", Tone.PLAIN)
        return LabelledValue(label, (*first, more))
    for value in others:
        first = (*first, _GAP, *value)
    return LabelledValue(label, first)


_GAP = Span("   ", Tone.PLAIN)


def _login(backend: Backend, derived: DerivedSnapshot) -> str:
    names = ClientNames.of(derived.snapshot)
    parts = [name_of_session(backend), names.application(backend) or _NO_NAME]
    pooled = names.pooled_client(backend)
    if pooled is not None:
        from pgtop.view.pool_words import short_client  # late: few have a pooler

        parts.append(short_client(pooled))
    elif backend.client_addr is not None:
        parts.append(f"from {backend.client_addr}:{backend.client_port}")
    if backend.backend_start is not None:
        seconds = seconds_between(backend.backend_start, derived.now)
        parts.append(f"logged in {rough_age(seconds)} ago")
    return ", ".join(filter(None, parts))


def _of_fold(fold: IdleFold, derived: DerivedSnapshot) -> list[LabelledValue]:
    oldest = fold.oldest
    start = oldest.state_change
    since = "?" if start is None else age(seconds_between(start, derived.now))
    name = user_at_database(fold.identity.usename, fold.identity.datname)
    application = fold.identity.application_name or _NO_NAME
    return [
        field("Does", f"idle, the oldest ({oldest.pid}) for {since}"),
        field(
            "Login", clean(f"{len(fold.sessions)} sessions of {name}, {application}")
        ),
        field("Query", clean(statement_of(oldest.query or "")[:_LONGEST])),
        field("Blocks", "no session"),
        field("Waits for", "no session"),
        field("Rights", "a signal key lists all of them first"),
    ]


def _at_width(labelled: LabelledValue, width: int) -> Line:
    """Return a field as exactly `width` cells, cut with an ellipsis."""
    label = Span(f"{labelled.label:<{_LABEL}}", Tone.QUIET)
    spans: list[Span] = []
    room = width - 1
    for text, tone in (label, *labelled.value):
        shown = text if cells(text) <= room else fit(text, room)
        room -= cells(shown)
        if shown:
            spans.append(Span(shown, tone))
    return (*spans, Span(" " * (room + 1), Tone.PLAIN))
