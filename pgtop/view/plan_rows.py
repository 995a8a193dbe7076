"""The rows of a plan: its targets, and the sessions that it skips."""

from collections.abc import Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend, BackendId
from pgtop.model.plan import Change, Excluded, ExclusionReason, Plan, Target
from pgtop.table.arrange import Arranged
from pgtop.table.columns import Column, ColumnSet
from pgtop.table.layout import Layout, fill, header, line, width_of
from pgtop.table.options import Sort, TableOptions
from pgtop.table.session_columns import column
from pgtop.table.spec import TableSpec
from pgtop.text.clean import cells, clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, plain_text

_NARROW = 64
_NARROW_COLUMNS = ("pid", "who", "state", "age")
_SHARED = ("who", "application")
"""Columns that are left out where all rows have the same in them."""
_COLUMNS = ("pid", "who", "application", "state", "age")
_NAMING = frozenset(("mark", "pid", "who", "application"))
"""The columns that stay where words replace what a session does."""
_NO_CHANGES: Mapping[BackendId, Change] = MappingProxyType({})
_NO_EXCLUSIONS: Mapping[BackendId, Excluded] = MappingProxyType({})

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
    explanation = explained(explanation, count)
    if reason in SELF_EXPLAINED:
        return explanation
    return f"{reason}: {explanation}"


def explained(explanation: str, count: int) -> str:
    """Return an explanation for one session or for several; cleaned."""
    words = clean(explanation)
    return _plural(words) if count > 1 else words


def _plural(explanation: str) -> str:
    for one, several in _PLURALS.items():
        if explanation.startswith(one):
            return f"{several}{explanation.removeprefix(one)}"
    return explanation


def stays(
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
    skipped: Mapping[BackendId, Excluded] = _NO_EXCLUSIONS
    """The sessions in the list that are no targets."""


def _backend(target: Target) -> Backend:
    return target.backend


def _derived(context: PlanContext) -> DerivedSnapshot:
    return context.derived


SIGNALLED = "✓"
CHANGED = "~"
SKIPPED = "-"
REFUSED = "×"
MARK_TONES = {
    SIGNALLED: Tone.CALM,
    CHANGED: Tone.WARN,
    SKIPPED: Tone.QUIET,
    REFUSED: Tone.WARN,
}


def _mark(target: Target, context: PlanContext) -> str:
    """Return the sign of what will become of a session."""
    if target.identity in context.skipped:
        return SKIPPED
    if target.identity in context.changed:
        return CHANGED
    return REFUSED if target.refusal else SIGNALLED


def _mark_tone(target: Target, context: PlanContext) -> Tone:
    return MARK_TONES[_mark(target, context)]


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


Widths: TypeAlias = Mapping[str, int]
"""Cells that columns need for what they hold; none if all rows have the same."""
_AS_DECLARED: Widths = MappingProxyType({})
_MEASURED = 500
"""Rows whose contents are measured; the text of each costs some microseconds."""


def target_layout(width: int, widths: Widths = _AS_DECLARED) -> Layout:
    """Return the columns of targets at `width` cells, none wider than what it holds."""
    names = _NARROW_COLUMNS if width < _NARROW else _COLUMNS
    columns = [_BY_NAME[name] for name in names]
    if width < _NARROW:
        columns = [column.narrow or column for column in columns]
    needed = [
        (column, min(column.width, widths.get(column.name, column.width)))
        for column in columns
    ]
    return fill(
        width,
        (_MARK, _MARK.width),
        [(column, cells) for column, cells in needed if cells],
        _BY_NAME["query"],
    )


def common_names(plan: Plan, derived: DerivedSnapshot) -> str:
    """Return the names that all sessions of the list share, which have no column there; raw."""
    rows, context = _listed(plan, derived)
    texts = [_texts(name, rows, context) for name in _SHARED if len(rows) > 1]
    return ", ".join(text.pop() for text in texts if len(text) == 1 and text != {""})


def _listed(plan: Plan, derived: DerivedSnapshot) -> tuple[list[Target], PlanContext]:
    excluded = [Target(each.backend) for each in plan.excluded]
    return [*plan.targets, *excluded], PlanContext(derived)


def _texts(
    name: str,
    rows: Iterable[Target],
    context: PlanContext,
) -> set[str]:
    text = _BY_NAME[name].text
    return {text(row, context) for row in rows}


def _measured(plan: Plan, derived: DerivedSnapshot) -> Widths:
    """Return what the columns need for the rows of a plan."""
    rows, context = _listed(plan, derived)
    widths: dict[str, int] = {}
    for name in _SHARED:
        texts = _texts(name, rows, context)
        is_shared = len(texts) == 1 and len(rows) > 1
        widths[name] = 0 if is_shared else _widest(name, texts)
    for name in ("pid", "state", "age"):
        widths[name] = _widest(name, _texts(name, rows[:_MEASURED], context))
    widths["pid"] = max([cells(str(row.backend.pid)) for row in rows], default=1)
    return widths


def _widest(name: str, texts: Iterable[str]) -> int:
    title = _BY_NAME[name].title
    return max([cells(title), *map(cells, texts)])


def _naming(layout: Layout) -> Layout:
    return tuple(placed for placed in layout if placed.column.name in _NAMING)


def target_line(
    layout: Layout,
    target: Target,
    context: PlanContext,
) -> Line:
    """Return the line of a session. Words replace what it does if it is no target (any more)."""
    words = _why_not(target, context)
    if words is None:
        return line(layout, target, context)
    naming = _naming(layout)
    room = max(1, width_of(layout) - width_of(naming) - 1)
    fitted = Span(f" {fit(words.text, room)}", words.tone)
    return (*line(naming, target, context), fitted)


def _why_not(target: Target, context: PlanContext) -> Span | None:
    """Return why a session in the list gets no signal; None if it gets one."""
    change = context.changed.get(target.identity)
    if change is not None:
        return Span(f"changed: {change}", Tone.WARN)
    excluded = context.skipped.get(target.identity)
    if excluded is None:
        return None
    words = exclusion_words(excluded.reason, excluded.explanation)
    return Span(words, Tone.QUIET)


def target_spec(plan: Plan, derived: DerivedSnapshot) -> TableSpec[Target, PlanContext]:
    """Describe the table of a plan, each column as wide as what it holds."""
    return TableSpec(
        _TARGET_COLUMNS,
        identity=lambda target: target.identity,
        line=target_line,
        has_left=stays,
        place_columns=partial(target_layout, widths=_measured(plan, derived)),
        stays_on_top=False,
    )


def arranged_targets(
    plan: Plan,
    derived: DerivedSnapshot,
    changed: Mapping[BackendId, Change],
) -> Arranged[Target, PlanContext]:
    """Return the targets as the rows of a table, the skipped sessions below them."""
    skipped = {each.backend.identity: each for each in plan.excluded}
    others = [Target(each.backend) for each in plan.excluded]
    rows = (*plan.targets, *others)
    return Arranged(
        rows,
        len(rows),
        PlanContext(
            derived,
            changed,
            skipped,
        ),
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
    context = PlanContext(derived, skipped={excluded.backend.identity: excluded})
    named = line(naming, Target(excluded.backend), context)
    start = plain_text(named)
    words = exclusion_words(excluded.reason, excluded.explanation)
    return with_words(f"{start} ", Span(words, Tone.NOTICE), width)


def with_words(
    start: str,
    words: Span,
    width: int,
) -> Line:
    """Return words behind the start of a line, in at most `width` cells."""
    room = max(1, width - cells(start))
    rest = fit(words.text, room).rstrip()
    return (Span(start, Tone.PLAIN), Span(rest, words.tone))
