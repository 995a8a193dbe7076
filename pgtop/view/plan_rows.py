"""The rows of a plan: its targets, the sessions that it skips, and the outcome of each target."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend, BackendId
from pgtop.model.plan import Change, Excluded, ExclusionReason, Plan, Target
from pgtop.model.signal import Outcome, Signal
from pgtop.table.arrange import Arranged
from pgtop.table.columns import Column, ColumnSet
from pgtop.table.layout import Layout, fill, header, line, width_of
from pgtop.table.options import Sort, TableOptions
from pgtop.table.session_columns import column
from pgtop.table.session_state import state_word
from pgtop.table.spec import TableSpec
from pgtop.text.clean import cells, clean, fit
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.view.outcome import short_words

_NAME_WIDTH = 24
"""Cells of role, database and application before an outcome; on wide lines three tenths of it."""
_NARROW = 64
_NARROW_COLUMNS = ("pid", "who", "state", "age")
_COLUMNS = ("pid", "who", "application", "state", "age")
_NAMING = frozenset(("mark", "pid", "who", "application"))
"""The columns that stay where words replace what a session does."""
_NO_CHANGES: Mapping[BackendId, Change] = MappingProxyType({})


SELF_EXPLAINED = frozenset({ExclusionReason.NOTHING_RUNS, ExclusionReason.HIDDEN})
"""Reasons with an explanation that names them."""
_PLURALS = {
    "it is a background process ": "they are background processes ",
    "it is a parallel worker ": "they are parallel workers ",
    "it streams ": "they stream ",
    "it runs ": "they run ",
    "it belongs ": "they belong ",
    "it has ": "they have ",
    "it is ": "they are ",
}
"""How explanations begin for one session, and for several."""


def exclusion_words(
    reason: ExclusionReason,
    explanation: str,
    count: int = 1,
) -> str:
    """Return why `count` sessions are skipped, to follow the count: `protected: it streams WAL`."""
    explanation = clean(explanation)
    if count > 1:
        explanation = _plural(explanation)
    if reason in SELF_EXPLAINED:
        return explanation
    return f"{reason}: {explanation}"


def _plural(explanation: str) -> str:
    for one, several in _PLURALS.items():
        if explanation.startswith(one):
            return f"{several}{explanation.removeprefix(one)}"
    return explanation


def _stays(
    _row: object,
    _before: object,
    _now: object,
) -> bool:
    """Return False, as the rows of a plan are frozen."""
    return False


# Targets.


class PlanContext(NamedTuple):
    """The context of the rows of a plan."""

    derived: DerivedSnapshot
    """The snapshot from which the targets were taken."""
    changed: Mapping[BackendId, Change] = _NO_CHANGES
    """The targets that have changed since."""


def _backend(target: Target) -> Backend:
    return target.backend


def _derived(context: PlanContext) -> DerivedSnapshot:
    return context.derived


def _mark(target: Target, context: PlanContext) -> str:
    if target.identity in context.changed:
        return "!"
    return "x" if target.refusal else ""


def _mark_tone(target: Target, context: PlanContext) -> Tone:
    return Tone.WARN if _mark(target, context) else Tone.PLAIN


_MARK: Column[Target, PlanContext] = Column(
    name="mark",
    title="",
    meaning="",
    width=1,
    rank=0,
    key=_mark,
    text=_mark,
    tone=_mark_tone,
)
_BY_NAME = {name: column(name).of(_backend, _derived) for name in (*_COLUMNS, "query")}
_TARGET_COLUMNS = ColumnSet(_MARK, *_BY_NAME.values())


def target_layout(width: int) -> Layout:
    """Return the columns of targets at `width` cells."""
    names = _NARROW_COLUMNS if width < _NARROW else _COLUMNS
    columns = [_BY_NAME[name] for name in names]
    if width < _NARROW:
        columns = [column.narrow or column for column in columns]
    placed = [(column, column.width) for column in columns]
    return fill(
        width,
        (_MARK, _MARK.width),
        placed,
        _BY_NAME["query"],
    )


def _naming(layout: Layout) -> Layout:
    return tuple(placed for placed in layout if placed.column.name in _NAMING)


def target_line(
    layout: Layout,
    target: Target,
    context: PlanContext,
) -> Line:
    """Return the line of a target, marked if it has changed or the server will refuse it."""
    change = context.changed.get(target.identity)
    if change is None:
        return line(layout, target, context)
    naming = _naming(layout)
    room = max(1, width_of(layout) - width_of(naming) - 1)
    return (*line(naming, target, context), Span(f" {fit(change, room)}", Tone.WARN))


TARGETS = TableSpec(
    _TARGET_COLUMNS,
    identity=lambda target: target.identity,
    line=target_line,
    has_left=_stays,
    place_columns=target_layout,
    stays_on_top=False,
)


def arranged_targets(plan: Plan, context: PlanContext) -> Arranged[Target, PlanContext]:
    """Return the targets as the rows of a table."""
    return Arranged(
        plan.targets,
        len(plan.targets),
        context,
        TableOptions(),
    )


def plan_lines(
    plan: Plan,
    derived: DerivedSnapshot,
    width: int,
) -> list[Line]:
    """Return the headings and all targets, for an output without keys."""
    if not plan.targets:
        return []
    layout = target_layout(width)
    context = PlanContext(derived)
    lines = [target_line(layout, target, context) for target in plan.targets]
    return [header(layout, Sort()), *lines]


def skipped_line(
    excluded: Excluded,
    derived: DerivedSnapshot,
    width: int,
) -> Line:
    """Return the line of a skipped session, below the headings of the targets, and the reason."""
    naming = _naming(target_layout(width))
    named = line(naming, Target(excluded.backend), PlanContext(derived))
    start = "".join(span.text for span in named)
    words = exclusion_words(excluded.reason, excluded.explanation)
    return _with_words(f"{start} ", Span(words, Tone.NOTICE), width)


# Outcomes.


class OutcomeRow(NamedTuple):
    """A target of a plan that is being executed, and its outcome so far."""

    target: Target
    outcome: Outcome


def _outcome_words(row: OutcomeRow, requested: Signal) -> Span:
    """Return the outcome. A stronger signal than the requested one is stated."""
    words = short_words(row.outcome)
    if row.outcome.request.signal is requested:
        return words
    return words._replace(text=f"terminated, as the cancel did not help: {words.text}")


def _name_of(backend: Backend) -> str:
    identity = name_of_session(backend) or state_word(backend)
    return f"{identity} {backend.application_name or ''}"


_PID: Column[OutcomeRow, Signal] = Column(
    name="pid",
    title="PID",
    meaning="process id of the backend",
    width=7,
    rank=0,
    key=lambda row, _: row.target.backend.pid,
    text=lambda row, _: str(row.target.backend.pid),
    right=True,
)
_NAME: Column[OutcomeRow, Signal] = Column(
    name="who",
    title="SESSION",
    meaning="role, database and application",
    width=_NAME_WIDTH,
    rank=1,
    key=lambda row, _: _name_of(row.target.backend),
    text=lambda row, _: _name_of(row.target.backend),
)
_OUTCOME: Column[OutcomeRow, Signal] = Column(
    name="outcome",
    title="OUTCOME",
    meaning="the effect of the signal",
    width=20,
    rank=2,
    key=lambda row, requested: _outcome_words(row, requested).text,
    text=lambda row, requested: _outcome_words(row, requested).text,
    tone=lambda row, requested: _outcome_words(row, requested).tone,
)


def outcome_layout(width: int) -> Layout:
    """Return the columns of outcomes at `width` cells."""
    name = max(_NAME_WIDTH, width * 3 // 10)
    return fill(
        width,
        (_PID, _PID.width),
        [(_NAME, name)],
        _OUTCOME,
    )


OUTCOMES = TableSpec(
    ColumnSet(_PID, _NAME, _OUTCOME),
    identity=lambda row: row.target.identity,
    has_left=_stays,
    place_columns=outcome_layout,
    stays_on_top=False,
)


def arranged_outcomes(
    plan: Plan, outcomes: Iterable[Outcome]
) -> Arranged[OutcomeRow, Signal]:
    """Return the outcomes as the rows of a table."""
    pairs = zip(plan.targets, outcomes, strict=False)
    rows = tuple(OutcomeRow(target, outcome) for target, outcome in pairs)
    return Arranged(
        rows,
        len(plan.targets),
        plan.signal,
        TableOptions(),
    )


def outcome_line(
    outcome: Outcome,
    target: Target,
    width: int,
    requested: Signal,
) -> Line:
    """Return the line of a target with its outcome, in at most `width` cells."""
    words = _outcome_words(OutcomeRow(target, outcome), requested)
    return _with_words(_named(target.backend, width), words, width)


def exclusion_line(excluded: Excluded, width: int) -> Line:
    """Return the line of a skipped session and the reason, below outcomes."""
    words = exclusion_words(excluded.reason, excluded.explanation)
    return _with_words(_named(excluded.backend, width), Span(words, Tone.NOTICE), width)


def _named(backend: Backend, width: int) -> str:
    name_width = max(_NAME_WIDTH, width * 3 // 10)
    return f"{backend.pid:>{_PID.width}} {fit(clean(_name_of(backend)), name_width)} "


def _with_words(
    start: str,
    words: Span,
    width: int,
) -> Line:
    room = max(1, width - cells(start))
    return (Span(start, Tone.PLAIN), Span(fit(words.text, room).rstrip(), words.tone))
