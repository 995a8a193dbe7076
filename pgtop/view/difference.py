"""The difference of two instants, as lines for people."""

from collections.abc import Iterable, Iterator, Sequence

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.difference import ChangedSession, Difference, Root
from pgtop.model.backend import Backend
from pgtop.model.timestamp import seconds_between, to_datetime
from pgtop.table.session_state import state_in_full
from pgtop.text.clean import clean, fit
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age, counted
from pgtop.text.wrap import Line, line
from pgtop.view.lock_phrases import root_words
from pgtop.view.server_words import address

MOST_ROWS = 40
"""Sessions of a kind that are listed; the rest is counted."""
_WORDS = {
    "application_name": "application",
    "xact_start": "transaction",
    "query_start": "statement",
    "wait_event_type": "wait",
    "wait_event": "wait",
    "blocked_by": "blockers",
}
_TIME = "%Y-%m-%d %H:%M:%S"
_NAME = 24
_PID = 7


def lines(difference: Difference, width: int) -> list[Line]:
    """Return the difference, the most important first."""
    if difference.is_empty:
        return [_title(difference), line("Nothing differs.", Tone.CALM)]
    return [
        _title(difference),
        *_restart(difference),
        *_budget(difference),
        *_roots(difference),
        *_groups(difference),
        *_listed(
            "came",
            difference.came,
            difference.after,
            width,
        ),
        *_listed(
            "went",
            difference.went,
            difference.before,
            width,
        ),
        *_changed(difference, width),
        line(
            f"{counted(difference.unchanged, 'session')} the same at both times",
            Tone.QUIET,
        ),
    ]


def _title(difference: Difference) -> Line:
    before, after = difference.before.now, difference.after.now
    first, last = to_datetime(before), to_datetime(after)
    end = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:{_TIME}}"
    times = f"{first:{_TIME}} and {end}"
    server = difference.after.snapshot.server
    place = address(server)
    apart = age(seconds_between(before, after))
    return (
        Span(place, Tone.STRONG),
        Span(f"  between {times} UTC, {apart} apart", Tone.PLAIN),
    )


def _restart(difference: Difference) -> Iterator[Line]:
    if difference.is_restarted:
        words = "The server was restarted in between, or another one answers: no session lives on."
        yield line(words, Tone.WARN)


def _budget(difference: Difference) -> Iterator[Line]:
    before, after = difference.budget_before, difference.budget_after
    change = after.used - before.used
    words = f"{before.used} of {before.ordinary} used, then {after.used}"
    if after.ordinary != before.ordinary:
        words += f" of {after.ordinary}"
    tone = Tone.PLAIN if not change else Tone.NOTICE
    yield line(f"{words} ({change:+d})" if change else words, tone)


def _roots(difference: Difference) -> Iterator[Line]:
    before = {root.key: root for root in difference.roots_before}
    after = {root.key: root for root in difference.roots_after}
    for key, root in before.items():
        if key not in after:
            yield _root(
                "no longer a root",
                root,
                difference.before,
                Tone.CALM,
            )
    for key, root in after.items():
        if key not in before:
            yield _root(
                "new root",
                root,
                difference.after,
                Tone.ALARM,
            )
        elif root.waiters != before[key].waiters:
            words = f"root, {before[key].waiters} waiters, then {root.waiters}"
            yield _root(
                words,
                root,
                difference.after,
                Tone.WARN,
                counted=False,
            )


def _root(
    words: str, root: Root, derived: DerivedSnapshot, tone: Tone, counted: bool = True
) -> Line:
    node = derived.forest.nodes[root.key]
    number = f", {root.waiters} waiting" if counted else ""
    return line(clean(f"{words}: {root_words(node, derived)}{number}"), tone)


def _groups(difference: Difference) -> Iterator[Line]:
    for group in difference.groups:
        name = clean(group.name) or "(none)"
        change = group.after - group.before
        words = f"{group.dimension} {name}: {group.before}, then {group.after}"
        yield line(f"{words} ({change:+d})", Tone.NOTICE if change > 0 else Tone.PLAIN)


def _listed(
    word: str, sessions: Sequence[Backend], derived: DerivedSnapshot, width: int
) -> Iterator[Line]:
    if not sessions:
        return
    yield line(f"{counted(len(sessions), 'session')} {word}", Tone.STRONG)
    for backend in sessions[:MOST_ROWS]:
        words = f"{state_in_full(backend)}: {backend.query or ''}"
        yield _row(
            "+" if word == "came" else "-",
            backend,
            words,
            width,
        )
    yield from _rest(len(sessions))


def _changed(difference: Difference, width: int) -> Iterator[Line]:
    sessions = difference.changed
    if not sessions:
        return
    yield line(f"{counted(len(sessions), 'session')} changed", Tone.STRONG)
    for session in sessions[:MOST_ROWS]:
        yield _row(
            "~",
            session.after,
            _change(session),
            width,
        )
    yield from _rest(len(sessions))


def _change(session: ChangedSession) -> str:
    """Return what changed in a session: the state and its query, or the names of the fields."""
    before, after = session.before, session.after
    states = (state_in_full(before), state_in_full(after))
    words = _distinct(_WORDS.get(name, name) for name in session.fields)
    what = f"{states[0]}, then {states[1]}" if states[0] != states[1] else states[1]
    return f"{what} (other {', '.join(words)}): {after.query or ''}"


def _row(
    sign: str,
    backend: Backend,
    words: str,
    width: int,
) -> Line:
    name = fit(clean(name_of_session(backend)), _NAME)
    start = f"{sign} {backend.pid:>{_PID}} {name} "
    room = max(8, width - len(start))
    rest = fit(clean(words), room).rstrip()
    return (Span(start, Tone.PLAIN), Span(rest, Tone.QUIET))


def _rest(count: int) -> Iterator[Line]:
    if count > MOST_ROWS:
        yield line(f"  and {count - MOST_ROWS} more", Tone.QUIET)


def _distinct(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
