"""The words of a confirmation dialog: what a signal will do, to which session, and what that frees.

The words for many sessions are in `view/plan`.
"""

from typing import NamedTuple

from pgtop.analysis.client_names import pooled_of
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.keys import hint
from pgtop.model.backend import (
    ACTIVE,
    IDLE,
    PARALLEL_WORKER,
    WALSENDER,
    Backend,
)
from pgtop.model.plan import Plan
from pgtop.model.section import POOLS
from pgtop.model.server import Server
from pgtop.model.signal import ENDING, Signal
from pgtop.signalling.planning import has_nothing_to_cancel
from pgtop.signalling.rights import Right, grant, is_another_pgtop, right_to_signal
from pgtop.text.clean import clean
from pgtop.text.comments import statement_of
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, wrapped
from pgtop.view.consequence import (
    ended_field,
    frees_no_waiter_field,
    state_field,
    waiter_fields,
)
from pgtop.view.fields import LabelledValue, field, field_lines
from pgtop.view.outcome import weak_check_words
from pgtop.view.server_words import labelled_place
from pgtop.view.usual import short_usual_fields

_QUESTIONS = {
    Signal.CANCEL: "Cancel the query of {}?",
    Signal.TERMINATE: "Terminate session {}?",
    Signal.LOG_MEMORY: "Write the memory of {} to the server's log?",
}


class Proposal(NamedTuple):
    """A plan of one in words."""

    title: str
    subject: Line
    """The session, and the server."""
    short_subject: Line
    """The same for a narrow screen, which shows the client below."""
    client: LabelledValue
    fields: tuple[LabelledValue, ...]
    """All that a yes is about, the most important first."""
    extra: tuple[LabelledValue, ...]
    """What a small screen may leave out."""

    def lines(self, width: int) -> list[Line]:
        """Return all of it at `width` cells."""
        fields = field_lines((*self.fields, *self.extra), width)
        return [*wrapped(self.subject, width), *fields]


def propose(
    plan: Plan,
    derived: DerivedSnapshot,
    label: Line = (),
) -> Proposal:
    """Return the words for a plan of one, made from `derived`.

    `label` is the word that the user gave the server.
    """
    [target] = plan.targets
    backend = target.backend
    server = plan.server
    is_ending = plan.signal in ENDING
    waiters = waiter_fields(plan.signal, backend, derived) if is_ending else []
    rights = _rights(right_to_signal(server, backend)) if is_ending else []
    progress = _progress(backend, derived) if is_ending else []
    fields = [
        *_protection(target.protection),
        *_another_pgtop(server, backend),
        *rights,
        *_weak_check(server, backend),
        state_field(backend, derived),
        *_hits(plan.signal, backend, derived),
        *short_usual_fields(backend, derived),
        ended_field(plan.signal, backend, derived),
        *progress,
        *waiters,
    ]
    extra = (
        []
        if waiters or not is_ending
        else [frees_no_waiter_field(plan.signal, derived)]
    )
    return Proposal(
        _QUESTIONS[plan.signal].format(backend.pid),
        _subject(plan, label, is_short=False),
        _subject(plan, label, is_short=True),
        field("From", clean(_client(backend).removeprefix("from "))),
        tuple(fields),
        (*extra, *_query(backend)),
    )


def _hits(
    signal: Signal, backend: Backend, derived: DerivedSnapshot
) -> list[LabelledValue]:
    """Return the client of a pooler that the signal hits."""
    if POOLS not in derived.snapshot.sections:
        return []
    from pgtop.view.pool_words import hit_fields  # late: few servers have a pooler

    return list(hit_fields(signal, backend, derived))


def _progress(backend: Backend, derived: DerivedSnapshot) -> list[LabelledValue]:
    if not derived.operations:
        return []
    from pgtop.view.progress_loss import progress_fields  # late: few sessions need it

    return progress_fields(backend, derived)


def _subject(
    plan: Plan,
    label: Line,
    is_short: bool,
) -> Line:
    [target] = plan.targets
    name = _name(target.backend)
    client = "" if is_short else f", {_client(target.backend)}"
    first, comma, rest = clean(f"{name}{client}, on ").partition(",")
    place = labelled_place(
        plan.server,
        label,
        is_short,
    )
    return (Span(first, Tone.STRONG), Span(f"{comma}{rest}", Tone.PLAIN), *place)


def _query(backend: Backend) -> list[LabelledValue]:
    if backend.hidden or not backend.query:
        return []
    label = "Query" if backend.state == ACTIVE else "Last query"
    statement = statement_of(backend.query)
    comments = backend.query.removesuffix(statement).strip()
    if not comments:
        return [field(label, clean(backend.query))]
    # On one line, the statement would look like a part of the comment before it.
    spans = (
        Span(f"{clean(comments)} ", Tone.QUIET),
        Span(clean(statement), Tone.PLAIN),
    )
    return [LabelledValue(label, spans)]


def nothing_to_cancel_words(backend: Backend) -> str:
    """Return why a cancel would change nothing, "" if it would."""
    if not has_nothing_to_cancel(backend):
        return ""
    state = "idle" if backend.state == IDLE else "idle in transaction"
    way_out = f"{hint('terminate')} ends the session"
    return f"{backend.pid} is {state}: no query to cancel. {way_out}"


# Changes while the dialog was open.


def change_since(seen: Backend, before: DerivedSnapshot, after: DerivedSnapshot) -> str:
    """Return what happened to a backend between two snapshots, "" if nothing did."""
    now = after.find_from(seen, before)
    if now is None:
        return _lost(seen, before, after)
    if words := _client_change(
        seen,
        before,
        now,
        after,
    ):
        return words
    if now.query_start != seen.query_start:
        return "query changed since you opened this"
    if now.application_name != seen.application_name and now.query_start is None:
        return "application name changed since you opened this"
    if now.state != seen.state:
        states = f"from {clean(seen.state or '?')} to {clean(now.state or '?')}"
        return f"state changed {states} since you opened this"
    return ""


def _client_change(
    seen: Backend,
    before: DerivedSnapshot,
    now: Backend,
    after: DerivedSnapshot,
) -> str:
    if not pooled_of(before.snapshot):
        return ""
    from pgtop.view.pool_words import client_change

    return client_change(
        seen,
        before,
        now,
        after,
    )


def _lost(seen: Backend, before: DerivedSnapshot, after: DerivedSnapshot) -> str:
    """Return why a session is missing from the later snapshot: ended only if that is certain."""
    server = after.snapshot.server
    if not before.snapshot.seen_on.is_answered_by(server.run):
        cause = "the connection is to another server now, or this one was restarted"
        return f"{cause}: {seen.pid} cannot be reached"
    if after.may_contain(seen, before):
        better = grant(server, "pg_read_all_stats")
        doubt = f"{seen.pid} may be another session now, which this role may not see"
        return clean(f"{doubt}: {better}")
    return f"{seen.pid} has ended: there is nothing left to do"


# The session and what it does.


def _name(backend: Backend) -> str:
    kind = "" if backend.is_client else backend.backend_type
    parts = (name_of_session(backend), kind, backend.application_name)
    return ", ".join(filter(None, parts))


def _client(backend: Backend) -> str:
    if backend.hidden:
        return "client hidden"
    if not backend.is_client and backend.backend_type not in (
        WALSENDER,
        PARALLEL_WORKER,
    ):
        return "no client"
    address = backend.client_addr or "a local socket"
    port = (
        f":{backend.client_port}" if backend.client_addr and backend.client_port else ""
    )
    host = f" ({backend.client_hostname})" if backend.client_hostname else ""
    return f"from {address}{port}{host}"


# Warnings.


def _protection(reason: str) -> list[LabelledValue]:
    return [field("Protected", reason, Tone.WARN)] if reason else []


def _another_pgtop(server: Server, backend: Backend) -> list[LabelledValue]:
    if not is_another_pgtop(server, backend):
        return []
    return [field("Note", "it is another pgtop, perhaps a colleague's", Tone.NOTICE)]


def _weak_check(server: Server, backend: Backend) -> list[LabelledValue]:
    if not backend.hidden:
        return []
    words = clean(f"{weak_check_words(backend)} ({grant(server, 'pg_read_all_stats')})")
    return [field("Not sure", words, Tone.WARN)]


def _rights(right: Right) -> list[LabelledValue]:
    if right.allowed:
        return []
    will = "will" if right.allowed is False else "may"
    remedy = f" ({right.remedy})" if right.remedy else ""
    words = clean(f"the server {will} refuse: it {right.reason}{remedy}")
    return [field("Rights", words, Tone.ALARM)]
