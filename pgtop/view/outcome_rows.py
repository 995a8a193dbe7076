"""The rows of a plan that is being executed: a target and its outcome so far."""

from functools import partial
from typing import NamedTuple

from pgtop.model.backend import Backend
from pgtop.model.plan import Excluded, Plan, Target
from pgtop.model.signal import Outcome, Signal
from pgtop.signalling.execute import Progress
from pgtop.table.arrange import Arranged
from pgtop.table.columns import Column, ColumnSet
from pgtop.table.layout import Layout, fill
from pgtop.table.options import TableOptions
from pgtop.table.session_state import state_word
from pgtop.table.spec import TableSpec
from pgtop.text.clean import clean, fit
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.view.outcome import OutcomeKind, outcome_kind, short_words
from pgtop.view.plan_rows import (
    MARK_TONES,
    REFUSED,
    SIGNALLED,
    SKIPPED,
    exclusion_words,
    stays,
    with_words,
)

_NAME_WIDTH = 24
"""Cells of role, database and application before an outcome; on wide lines three tenths of it."""


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


_OUTCOME_SIGNS = {
    OutcomeKind.GONE: SIGNALLED,
    OutcomeKind.CANCELLED: SIGNALLED,
    OutcomeKind.ALREADY_GONE: SKIPPED,
    OutcomeKind.STILL_RUNNING: REFUSED,
    OutcomeKind.PENDING: "",
}
_OTHER_SIGN = "!"
_SIGN_TONES = {**MARK_TONES, REFUSED: Tone.ALARM, "": Tone.PLAIN}


def _outcome_sign(row: OutcomeRow, _: object = None) -> str:
    return _OUTCOME_SIGNS.get(outcome_kind(row.outcome), _OTHER_SIGN)


def _outcome_sign_tone(row: OutcomeRow, _: object) -> Tone:
    return _SIGN_TONES.get(_outcome_sign(row), Tone.WARN)


def _outcome_tone(row: OutcomeRow, requested: Signal) -> Tone:
    """Return the tone of the words: only what is bad, or not seen yet, has one."""
    tone = _outcome_words(row, requested).tone
    return Tone.PLAIN if tone is Tone.CALM else tone


_SIGN: Column[OutcomeRow, Signal] = Column(
    name="mark",
    title="",
    meaning="",
    width=1,
    rank=0,
    key=_outcome_sign,
    text=_outcome_sign,
    tone=_outcome_sign_tone,
)
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
    tone=_outcome_tone,
)


def outcome_layout(width: int, pid_width: int = _PID.width) -> Layout:
    """Return the columns of outcomes at `width` cells."""
    name = max(_NAME_WIDTH, width * 3 // 10)
    return fill(
        width,
        (_SIGN, _SIGN.width),
        [(_PID, pid_width), (_NAME, name)],
        _OUTCOME,
    )


def outcome_spec(plan: Plan) -> TableSpec[OutcomeRow, Signal]:
    """Describe the table of the outcomes of a plan."""
    pid_width = max(len(str(target.backend.pid)) for target in plan.targets)
    return TableSpec(
        ColumnSet(
            _SIGN,
            _PID,
            _NAME,
            _OUTCOME,
        ),
        identity=lambda row: row.target.identity,
        has_left=stays,
        place_columns=partial(outcome_layout, pid_width=pid_width),
        stays_on_top=False,
    )


_WORST_FIRST = (REFUSED, _OTHER_SIGN, "", SKIPPED, SIGNALLED)


def arranged_outcomes(progress: Progress) -> Arranged[OutcomeRow, Signal]:
    """Return the outcomes as the rows of a table; the worst come first once all are final."""
    plan = progress.plan
    pairs = zip(plan.targets, progress.outcomes, strict=False)
    rows = [OutcomeRow(target, outcome) for target, outcome in pairs]
    if progress.is_done:
        rows.sort(key=lambda row: _WORST_FIRST.index(_outcome_sign(row)))
    return Arranged(
        tuple(rows),
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
    return with_words(_named(target.backend, width), words, width)


def exclusion_line(excluded: Excluded, width: int) -> Line:
    """Return the line of a skipped session and the reason, below outcomes."""
    words = exclusion_words(excluded.reason, excluded.explanation)
    return with_words(_named(excluded.backend, width), Span(words, Tone.NOTICE), width)


def _named(backend: Backend, width: int) -> str:
    name_width = max(_NAME_WIDTH, width * 3 // 10)
    return f"{backend.pid:>{_PID.width}} {fit(clean(_name_of(backend)), name_width)} "
