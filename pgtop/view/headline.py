"""The fourth line of the header: what is wrong now, worst first, and the key that goes there; or
one sentence that nothing is.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pgtop.analysis.budget import Budget, Level
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.full_groups import FullGroup
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import seconds_between
from pgtop.monitor.poller import Paused, PollFailed, PollOverdue
from pgtop.monitor.state import State
from pgtop.text.clean import clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.units import quiet_age
from pgtop.text.wrap import Line, line, line_cells, plain_text
from pgtop.view.alarm import SIGN, alarm_forms
from pgtop.view.beside import alarms_beside, calm_beside, warnings_beside
from pgtop.view.fitting import GAP, justified, longest_that_fits, quiet
from pgtop.view.freshness import pace_words, reason
from pgtop.view.latest import keeps_latest
from pgtop.view.looks import Looks
from pgtop.view.restarts import interruption_forms
from pgtop.view.server_line import counted_seconds
from pgtop.view.server_words import pooled_words
from pgtop.view.slot_words import about, free_words, held, missing

_NEXT = " · "
WARNS = "! "
_OLD_TRANSACTION = 10.0
"""Seconds from which the age of the oldest transaction is shown; below, it would be drawn with each
sample.
"""


class Lead(NamedTuple):
    """The way to what a sentence is about."""

    action: str
    """The action whose key goes there."""
    words: str
    short: str
    """The words where there is little room."""
    view: str = ""
    """The view that it opens; "" if it opens none."""
    is_session: bool = False
    """True if the sessions have a key of their own that goes there."""


class Trouble(NamedTuple):
    """One thing that is wrong, in words of several lengths, the longest first."""

    forms: Sequence[Line]
    lead: Lead | None = None
    is_doubt: bool = False
    """True if nothing else on the screen shows that it is less, or older, than it seems."""


class Headline(NamedTuple):
    """The line, and what a click on it or Enter opens."""

    line: Line
    lead: Lead | None = None
    doubt: Line = ()
    """The first doubt that the line has no room for."""


_TRY_NOW = Lead("refresh", "try now", "now")
_NEW_CONNECTION = Lead("refresh", "new connection", "retry")
_RESUME = Lead("pause", "resumes", "resumes")
_LOCKS = Lead(
    "show_locks",
    "who blocks whom",
    "locks",
    view="locks",
    is_session=True,
)
_SESSIONS = Lead(
    "show_sessions",
    "sessions",
    "sessions",
    view="sessions",
    is_session=True,
)
_FOLLOW = Lead("follow", "goes there", "goes")
_WAITERS = Lead("show_locks", "shows waiters", "locks", view="locks")
_CONNECTIONS = Lead("show_breakdown", "connections", "opens", view="breakdown")


def headline(
    state: State,
    looks: Looks,
    width: int,
    view: str = "",
    *,
    leads_to_worst: bool = True,
    names_beside: bool = True,
) -> Headline:
    """Return the worst trouble, and behind it others that fit; no key leads to `view`, the one
    in sight, or to the session under its cursor. `names_beside` is False where what is beside the
    server has lines of its own.
    """
    troubles = list(_troubles(state)) or [_calm(state)]
    if names_beside:
        troubles += map(Trouble, calm_beside(state))
    if words := pooled_words(state.derived.snapshot.server):
        troubles.append(Trouble([line(each, Tone.NOTICE) for each in words]))
    return lay_out(
        troubles,
        looks,
        width,
        view,
        state.stale,
        leads_to_worst,
    )


@keeps_latest
def lay_out(
    troubles: Sequence[Trouble],
    looks: Looks,
    width: int,
    view: str,
    is_stale: bool,
    leads_to_worst: bool = True,
) -> Headline:
    """Lay out the troubles, which are mostly those of the sample before."""
    first, *others = troubles
    lead = first.lead
    keys = _keys(_shown_lead(lead, view, leads_to_worst), looks)
    words, key = _beside_key(first.forms, keys, width)
    room = width - line_cells(key) - GAP * bool(key)
    doubts: list[Line] = []
    for other in others:
        longer = _with(
            words,
            other,
            room,
            is_old=is_stale,
        )
        if longer == words and other.is_doubt:
            doubts.append(other.forms[0])
        words = longer
    doubt = doubts[0] if doubts else ()
    return Headline(justified(words, key, width), lead, doubt)


def _shown_lead(
    lead: Lead | None,
    view: str,
    leads_to_worst: bool,
) -> Lead | None:
    """Return the lead whose key is shown in `view`: none to the view itself."""
    if lead is None:
        return None
    if view == "sessions" and lead.is_session and leads_to_worst:
        return _FOLLOW
    return None if lead.view == view else lead


def _beside_key(
    forms: Sequence[Line], keys: Sequence[Line], width: int
) -> tuple[Line, Line]:
    """Return the longest words that fit, and beside them the longest form of the key that does."""
    for form in forms:
        for key in keys:
            if line_cells(form) + GAP * bool(key) + line_cells(key) <= width:
                return form, key
    return _cut(forms[-1], width), ()


def _troubles(state: State) -> Iterator[Trouble]:
    """Yield everything that is wrong, the worst first."""
    budget = state.budget
    derived = state.derived
    yield from _away(state)
    if budget.level is Level.ALARM:
        yield _full(budget)
    if forms := alarm_forms(derived):
        yield Trouble(forms, _LOCKS)
    yield from alarms_beside(state)
    yield from _limits(budget)
    yield from _full_groups(state.full_groups)
    if budget.level is Level.WARN:
        yield _nearly_full(budget)
    yield from warnings_beside(state)
    yield from _long_queries(derived)
    if texts := interruption_forms(state.interruption, derived.now):
        forms = [line(text, Tone.WARN) for text in texts]
        yield Trouble(forms, is_doubt=True)
    yield from _doubts(state)


def _away(state: State) -> Iterator[Trouble]:
    """Yield why there is no new snapshot."""
    match state.event:
        case PollFailed(failure, retry_in, seconds):
            plate = Span("! server away", Tone.WARN_PLATE)
            away = f" for {counted_seconds(seconds)}"
            retry = f"next try in {counted_seconds(retry_in)}"
            short = f"{away}: {failure.kind}"
            texts = [f"{away}: {reason(state)}; {retry}", f"{short}; {retry}", short]
            lead = _TRY_NOW
        case PollOverdue(elapsed, _):
            plate = Span("! no answer", Tone.WARN_PLATE)
            overdue = f" for {counted_seconds(elapsed)}"
            texts = [f"{overdue}; a new connection may get one", overdue]
            lead = _NEW_CONNECTION
        case _:
            return
    forms = [(plate, Span(clean(text), Tone.WARN)) for text in [*texts, ""]]
    yield Trouble(forms, lead)


def _full(budget: Budget) -> Trouble:
    """Return the trouble of a server without ordinary slots, or nearly so."""
    if budget.free or budget.approximate:
        text = f"{about(budget)}{held(budget)} of {budget.ordinary} ordinary slots are taken"
        short = f"{free_words(budget)} of {budget.ordinary}"
        return _of_slots(line(f"{SIGN}nearly full", Tone.ALARM_PLATE), [text, short])
    left = f"{budget.reserved_left} reserved left"
    texts = [
        f"all {budget.ordinary} ordinary slots are taken, {left}",
        f"{budget.ordinary} slots taken, {left}",
        left,
    ]
    return _of_slots(line(f"{SIGN}FULL", Tone.ALARM_PLATE), texts)


def _of_slots(plate: Line, texts: Sequence[str]) -> Trouble:
    forms = [(*plate, Span(f" {text}", Tone.ALARM)) for text in texts]
    return Trouble([*forms, plate], _CONNECTIONS)


def _limits(budget: Budget) -> Iterator[Trouble]:
    """Yield the limit that keeps the role that logged in from one more connection."""
    if budget.openable or budget.openable_limit not in ("role limit", "database limit"):
        return
    whose, _, _ = budget.openable_limit.partition(" ")
    texts = [
        f"! the {whose} that you use is at its connection limit: 0 for you",
        f"! your {whose} is at its limit",
    ]
    yield Trouble([line(text, Tone.WARN) for text in texts], _CONNECTIONS)


def _full_groups(groups: Sequence[FullGroup]) -> Iterator[Trouble]:
    """Yield the group at its limit that holds most, and how many others there are."""
    if not groups:
        return
    kind, name, count, limit = groups[0]
    more = f", {len(groups) - 1} more at theirs" if len(groups) > 1 else ""
    words = f"! {kind} {name} has all {count} of its {limit} connections"
    texts = [f"{words}{more}", words, f"! {kind} {name} is full"]
    yield Trouble([line(clean(text), Tone.WARN) for text in texts], _CONNECTIONS)


def _nearly_full(budget: Budget) -> Trouble:
    share = 100 * held(budget) // max(1, budget.ordinary)
    text = f"! {share}% of the ordinary slots are taken, {free_words(budget)}"
    forms = [line(text, Tone.WARN), line("! nearly full", Tone.WARN)]
    return Trouble(forms, _CONNECTIONS)


def _long_queries(derived: DerivedSnapshot) -> Iterator[Trouble]:
    """Yield the query that has run longest, if that is over the user's limit."""
    longest = derived.long_queries
    if not longest:
        return
    start = longest[0].query_start or derived.now
    lasts = quiet_age(seconds_between(start, derived.now))
    words = f"! {longest[0].pid} has run a query for over {lasts}"
    more = f", {len(longest) - 1} more run long" if len(longest) > 1 else ""
    texts = [f"{words}{more}", words, f"! query of {lasts}"]
    yield Trouble([line(text, Tone.WARN) for text in texts], _SESSIONS)


def _doubts(state: State) -> Iterator[Trouble]:
    """Yield why something that is shown may be older or less than it seems."""
    snapshot = state.derived.snapshot
    if isinstance(state.event, Paused):
        yield Trouble([line("Paused", Tone.WARN)], _RESUME)
    if note := snapshot.locks.note:
        yield Trouble([line(f"! {clean(note)}", Tone.WARN)], _LOCKS, is_doubt=True)
    if words := pace_words(state):
        yield Trouble([line(f"! {words}", Tone.WARN)], is_doubt=True)
    if unread := missing(state.budget, snapshot.server):
        forms = [line(unread, Tone.NOTICE)]
        if hidden := state.budget.hidden:
            forms.append(line(f"{hidden} sessions are hidden", Tone.NOTICE))
        lead = _WAITERS if state.budget.hidden else None
        yield Trouble(forms, lead, is_doubt=True)


def _calm(state: State) -> Trouble:
    """Return the sentence for a server on which this role sees nothing wrong."""
    none = Span("No session waits for a lock.", Tone.CALM)
    oldest = _oldest_transaction(state.derived.snapshot)
    return Trouble([(none, Span(f" {oldest}", Tone.QUIET)), (none,)])


def _oldest_transaction(snapshot: Snapshot) -> str:
    own = snapshot.server.pid
    starts = [
        backend.xact_start for backend in snapshot.busy if _is_users(backend, own)
    ]
    oldest = min([start for start in starts if start is not None], default=None)
    if oldest is None:
        return "No transaction is open."
    seconds = seconds_between(oldest, snapshot.taken_at)
    if seconds < _OLD_TRANSACTION:
        return f"Oldest transaction below {_OLD_TRANSACTION:.0f}s."
    return f"Oldest transaction over {quiet_age(seconds)}."


def _is_users(backend: Backend, own: int) -> bool:
    return backend.is_client and backend.pid != own


def _keys(lead: Lead | None, looks: Looks) -> Sequence[Line]:
    """Return the key that leads there and what it does, the longest form first; () without one."""
    key = looks.key(lead.action) if lead else ""
    if not lead or not key:
        return [()]
    name = Span(key, Tone.STRONG)
    words = (f" {lead.words}", f" {lead.short}")
    return [(name, Span(each, Tone.QUIET)) for each in words]


def _without_sign(form: Line) -> Line:
    """Return the form without its sign, which behind another sentence reads like an error."""
    first, *others = form
    if not first.text.startswith(WARNS):
        return form
    return (first._replace(text=first.text.removeprefix(WARNS)), *others)


def _cut(form: Line, width: int) -> Line:
    """Return the form as one span that ends in an ellipsis."""
    text = plain_text(form)
    return (Span(fit(text, width).rstrip(), form[0].tone),)


def _with(
    words: Line,
    other: Trouble,
    room: int,
    is_old: bool,
) -> Line:
    """Return the words with another trouble behind them, if one of its forms fits; a quiet one if
    `is_old`.
    """
    forms = [_without_sign(form) for form in other.forms]
    more = longest_that_fits(forms, room - line_cells(words) - len(_NEXT))
    if not more:
        return words
    shown = quiet(more) if is_old else more
    return (*words, Span(_NEXT, Tone.QUIET), *shown)
