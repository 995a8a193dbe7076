"""The report of a plan and of its outcomes: for people, or as one JSON object for programs, with
the exit code.

The names in JSON are stable, as those of `pgtop show` are.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pgtop.cli import output
from pgtop.cli.args.signal_options import SignalCommand
from pgtop.cli.commands.signal.resolve_targets import Proposed
from pgtop.cli.exit_codes import Exit
from pgtop.cli.json_report import session_record
from pgtop.model.plan import ExclusionReason, Plan
from pgtop.model.signal import ObservedEffect, Outcome
from pgtop.model.timestamp import written
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.view.outcome import weakly_checked_words
from pgtop.view.plan import (
    deed,
    facts,
    heading,
    layout,
    left_out_line,
    no_targets,
    outcome_line,
    sessions,
    target_line,
    understood,
)
from pgtop.view.results import REFUSED, SURVIVED, OutcomeKind, result_of, summary

_WIDTH = 160  # cells where the output is no terminal
_LEFT_OUT_SHOWN = 10
_YES_IS_NOT_ENOUGH = (
    "--yes never covers such a session: name it alone, on a terminal, without --yes."
)


class Telling(NamedTuple):
    """Reports on one command, in the form that its options ask for."""

    command: SignalCommand
    read_only: bool = False
    """Nothing is sent, so the plan says what it would do."""

    def print_plan(self, proposed: Proposed, asks: bool) -> None:
        """Print what will be done, or would be. `asks`: the user is asked next, and must see the
        plan before.
        """
        end = "" if proposed.plan.targets else "; nothing was signalled"
        for missing in proposed.missing:
            output.report(f"{missing.words}{end}")
        page = output.page(_page(proposed, self._intent(proposed.plan)), self.command.color)
        if not self.command.json:
            output.write(page)
        if asks and (self.command.json or not output.is_terminal()):
            sys.stderr.write(page)

    def explain_no_targets(self, proposed: Proposed) -> None:
        """Say why there are no targets; pids without a session have been named already."""
        if proposed.plan.excluded:
            is_hidden = any(left.why is ExclusionReason.HIDDEN for left in proposed.plan.excluded)
            is_typed = self.command.yes and proposed.by_pid and is_hidden
            output.report(no_targets(proposed.plan), _YES_IS_NOT_ENOUGH if is_typed else "")
        elif self.command.all_clients:
            output.report("There is no other client session.")
        elif self.command.filter:
            hidden = sum(b.hidden and b.is_client for b in proposed.picture.snapshot.backends)
            advice = (
                f"{sessions(hidden)} of other roles cannot be seen: grant pg_read_all_stats."
                if hidden
                else ""
            )
            output.report("No session matches.", advice)

    def print_outcomes(self, proposed: Proposed, outcomes: Sequence[Outcome]) -> Exit:
        """Print what became of each target; returns the exit code."""
        code = _exit_of(outcomes) or (Exit.SOME_REFUSED if proposed.refused else Exit.DONE)
        if self.command.json:
            self._json(proposed, outcomes, code)
            return code
        pairs = zip(outcomes, proposed.plan.targets, strict=True)
        changed = [left for left in proposed.plan.excluded if left.why is ExclusionReason.CHANGED]
        lines = [
            *(
                outcome_line(outcome, target, _width(), proposed.plan.signal)
                for outcome, target in pairs
            ),
            *(left_out_line(left, _width()) for left in changed),
            summary(outcomes),
            *_weakly_checked(outcomes),
        ]
        output.write(output.page(lines, self.command.color))
        return code

    def print_no_outcome(self, proposed: Proposed, code: Exit) -> Exit:
        """Print the object of a plan that was not carried out; people have read why."""
        if self.command.json:
            self._json(proposed, (), code)
        return code

    def _intent(self, made: Plan) -> str:
        if not made.targets:
            return "Nothing to signal."
        words = deed(made)
        only_shows = self.command.dry_run or self.read_only
        return (
            f"Would {words[0].lower()}{words[1:]}; nothing was signalled."
            if only_shows
            else f"{words}:"
        )

    def _json(self, proposed: Proposed, outcomes: Sequence[Outcome], code: Exit) -> None:
        output.write_data(json.dumps(_record(proposed, outcomes, self.command, code)) + "\n")


def _page(proposed: Proposed, intent: str) -> list[Line]:
    """Return what will happen, to which sessions, and which are skipped."""
    made, width = proposed.plan, _width()
    placed = layout(width)
    rows = [target_line(placed, target, proposed.picture) for target in made.targets]
    named = [left for left in made.excluded if left.why is not ExclusionReason.UNDECIDED]
    more = len(named) - _LEFT_OUT_SHOWN
    lines = [*understood(made), line(intent, Tone.STRONG), *facts(made)]
    return [
        *(row for spans in lines for row in wrapped(spans, width)),
        *((heading(placed), *rows) if rows else ()),
        *(left_out_line(left, width) for left in named[:_LEFT_OUT_SHOWN]),
        *([line(f"and {more} more skipped", Tone.NOTICE)] if more > 0 else []),
    ]


def _weakly_checked(outcomes: Iterable[Outcome]) -> Iterable[Line]:
    """Yield what could not be compared of the sessions that were signalled, as lines."""
    count = sum(
        outcome.request.seen.hidden and outcome.effect is not ObservedEffect.NOT_SENT
        for outcome in outcomes
    )
    if count:
        yield from wrapped(line(weakly_checked_words(count), Tone.NOTICE), _width())


def _width() -> int:
    return output.columns() or _WIDTH


def _exit_of(outcomes: Iterable[Outcome]) -> Exit | None:
    """Return the code of the worst outcome; None if all went as it should."""
    results = {result_of(outcome) for outcome in outcomes}
    if OutcomeKind.UNREACHED in results:
        return Exit.NO_CONNECTION
    if results & SURVIVED:
        return Exit.SURVIVED
    return Exit.SOME_REFUSED if results & REFUSED else None


def _record(
    proposed: Proposed, outcomes: Sequence[Outcome], command: SignalCommand, code: Exit
) -> dict[str, Any]:
    """Build the JSON object of plan and outcomes."""
    made, picture = proposed.plan, proposed.picture
    return {
        "signal": made.signal.value,
        "understood": made.understood or None,
        "dry_run": command.dry_run,
        "escalate": command.escalate,
        "taken_at": written(picture.now),
        "targets": [
            {
                **session_record(target.backend, picture),
                "refusal": target.refusal,
                "protection": target.protection,
                "not_compared": target.backend.not_compared,
            }
            for target in made.targets
        ],
        "left_out": [
            {**session_record(left.backend, picture), "why": left.why.value, "reason": left.reason}
            for left in made.excluded
        ],
        "missing": [missing.as_dict() for missing in proposed.missing],
        "frees": made.frees,
        "outcomes": [_outcome_record(outcome) for outcome in outcomes],
        "exit": int(code),
    }


def _outcome_record(outcome: Outcome) -> dict[str, Any]:
    return {
        "pid": outcome.request.target.pid,
        "backend_start": written(outcome.request.target.backend_start),
        "signal": outcome.request.signal.value,
        "result": result_of(outcome).value,
        "answer": outcome.reply.status.value,
        "effect": outcome.effect.value,
        "after": round(outcome.after, 3),
        "said": outcome.reply.reason,
        "not_compared": outcome.request.seen.not_compared,
    }
