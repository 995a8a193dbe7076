"""The report of a plan and its outcomes, for people or as one JSON object, with the exit code.

The names in JSON are stable, like those of `pgtop show`.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli import output
from pgtop.cli.args.signal_options import SignalCommand
from pgtop.cli.commands.signal.resolve_targets import ResolvedPlan
from pgtop.cli.exit_codes import Exit
from pgtop.cli.named_server import label_of
from pgtop.model.plan import Excluded, ExclusionReason, Plan, Target
from pgtop.model.serialise import VERSION
from pgtop.model.signal import ObservedEffect, Outcome
from pgtop.model.timestamp import written
from pgtop.text.tone import Tone
from pgtop.text.units import counted
from pgtop.text.wrap import Line, line, wrapped
from pgtop.view.json_report import server_record, session_record
from pgtop.view.outcome import (
    REFUSED,
    SURVIVED,
    OutcomeKind,
    outcome_kind,
    summary,
    weakly_checked_words,
)
from pgtop.view.outcome_rows import exclusion_line, outcome_line
from pgtop.view.plan import (
    action_words,
    facts,
    filter_lines,
    no_targets,
)
from pgtop.view.plan_rows import plan_lines, skipped_line
from pgtop.view.server_words import place

_EXCLUDED_SHOWN = 10
_YES_IS_NOT_ENOUGH = (
    "--yes never covers such a session: name it alone, on a terminal, without --yes."
)


class Report(NamedTuple):
    """The report on one command, in the form that its options request."""

    command: SignalCommand
    read_only: bool = False
    """True if nothing is sent: the plan is only shown."""

    def print_plan(self, resolved: ResolvedPlan, will_prompt: bool) -> None:
        """Print what will or would be done. A user who is asked next must see it in any case."""
        end = "" if resolved.plan.targets else "; nothing was signalled"
        for missing in resolved.missing:
            output.report(f"{missing.words}{end}")
        page = output.page(
            _page(resolved, self._intent(resolved.plan), self._label),
            self.command.color,
        )
        if not self.command.json:
            output.write(page)
        if will_prompt and (self.command.json or not output.is_terminal()):
            sys.stderr.write(page)

    def explain_no_targets(self, resolved: ResolvedPlan) -> None:
        """Report why there are no targets; missing pids have been reported already."""
        excluded = resolved.plan.excluded
        if excluded:
            is_hidden = any(each.reason is ExclusionReason.HIDDEN for each in excluded)
            needs_typing = self.command.yes and resolved.by_pid and is_hidden
            words = no_targets(resolved.plan)
            output.report(
                f"{words[0].upper()}{words[1:]}",
                _YES_IS_NOT_ENOUGH if needs_typing else "",
            )
        elif self.command.all_clients:
            output.report("There is no other client session; nothing was signalled.")
        elif self.command.filter:
            what = "No session matches; nothing was signalled."
            output.report(what, _advice_on_hidden(resolved.derived))

    def print_outcomes(
        self, resolved: ResolvedPlan, outcomes: Sequence[Outcome]
    ) -> Exit:
        """Print the outcome of each target; return the exit code."""
        code = _exit_of(outcomes)
        if code is None:
            code = Exit.SOME_REFUSED if resolved.has_refused else Exit.DONE
        if self.command.json:
            self._print_json(resolved, outcomes, code)
        elif not self.read_only:  # each outcome would repeat the reason on stderr
            output.write(
                output.page(_outcome_page(resolved.plan, outcomes), self.command.color)
            )
        return code

    def print_no_outcome(self, resolved: ResolvedPlan, code: Exit) -> Exit:
        """Print the JSON object of a plan that was not executed; people have read the reason."""
        if self.command.json:
            self._print_json(resolved, (), code)
        return code

    @property
    def _label(self) -> str:
        """The user's own word for the server, before its address."""
        return label_of(self.command.connection)

    def _intent(self, plan: Plan) -> str:
        """Return what will or would be done; "" without targets, as stderr has the reason."""
        if not plan.targets:
            return ""
        words = action_words(plan)
        would = f"Would {words[0].lower()}{words[1:]}"
        if self.command.dry_run:
            return f"{would}; nothing was signalled."
        return f"{would}:" if self.read_only else f"{words}:"

    def _print_json(
        self,
        resolved: ResolvedPlan,
        outcomes: Sequence[Outcome],
        code: Exit,
    ) -> None:
        record = _record(
            resolved,
            outcomes,
            self.command,
            code,
        )
        output.write_data(json.dumps(record) + "\n")


# For people.


def _page(resolved: ResolvedPlan, intent: str, label: str) -> list[Line]:
    """Return what will happen, to which sessions, and which are skipped."""
    plan = resolved.plan
    width = output.page_width()
    address = f"{label}{place(plan.server)}"
    words = [line(f"On {address}", Tone.STRONG), *filter_lines(plan)]
    words += [line(intent, Tone.STRONG)] if intent else []
    words += facts(plan)
    lines = [row for spans in words for row in wrapped(spans, width)]
    lines += plan_lines(plan, resolved.derived, width)
    return [*lines, *_excluded_lines(plan.excluded, resolved.derived, width)]


def _excluded_lines(
    excluded: Iterable[Excluded], derived: DerivedSnapshot, width: int
) -> list[Line]:
    """Return a line for each of the first excluded sessions; undecided ones may be many and are
    only counted.
    """
    listed = [each for each in excluded if each.reason is not ExclusionReason.UNDECIDED]
    lines = [skipped_line(each, derived, width) for each in listed[:_EXCLUDED_SHOWN]]
    more = len(listed) - _EXCLUDED_SHOWN
    if more > 0:
        lines.append(line(f"and {more} more skipped", Tone.NOTICE))
    return lines


def _outcome_page(plan: Plan, outcomes: Sequence[Outcome]) -> list[Line]:
    width = output.page_width()
    pairs = zip(outcomes, plan.targets, strict=True)
    changed = [each for each in plan.excluded if each.reason is ExclusionReason.CHANGED]
    lines = [
        outcome_line(
            outcome,
            target,
            width,
            plan.signal,
        )
        for outcome, target in pairs
    ]
    lines += [exclusion_line(each, width) for each in changed]
    return [*lines, summary(outcomes), *_weakly_checked(outcomes, width)]


def _weakly_checked(outcomes: Iterable[Outcome], width: int) -> list[Line]:
    """Return what could not be compared of the signalled sessions."""
    sent = [each for each in outcomes if each.effect is not ObservedEffect.NOT_SENT]
    count = sum(each.request.seen.hidden for each in sent)
    if not count:
        return []
    return wrapped(line(weakly_checked_words(count), Tone.NOTICE), width)


def _advice_on_hidden(derived: DerivedSnapshot) -> str:
    hidden = sum(each.hidden and each.is_client for each in derived.snapshot.backends)
    if not hidden:
        return ""
    return f"{counted(hidden, 'session')} of other roles cannot be seen: grant pg_read_all_stats."


def _exit_of(outcomes: Iterable[Outcome]) -> Exit | None:
    """Return the code of the worst outcome, None if all succeeded."""
    kinds = {outcome_kind(outcome) for outcome in outcomes}
    if OutcomeKind.UNREACHED in kinds:
        return Exit.NO_CONNECTION
    if kinds & SURVIVED:
        return Exit.SURVIVED
    return Exit.SOME_REFUSED if kinds & REFUSED else None


# For programs.


def _record(
    resolved: ResolvedPlan,
    outcomes: Sequence[Outcome],
    command: SignalCommand,
    code: Exit,
) -> dict[str, Any]:
    """Return the JSON object of plan and outcomes."""
    plan = resolved.plan
    derived = resolved.derived
    targets = [_target_record(target, derived) for target in plan.targets]
    excluded = [_excluded_record(each, derived) for each in plan.excluded]
    missing = [each.as_dict() for each in resolved.missing]
    return {
        "version": VERSION,
        "server": server_record(derived.snapshot),
        "signal": plan.signal.value,
        "understood": plan.understood or None,
        "dry_run": command.dry_run,
        "escalate": command.escalate,
        "taken_at": written(derived.now),
        "targets": targets,
        "left_out": excluded,
        "missing": missing,
        "frees": plan.frees,
        "outcomes": [_outcome_record(outcome) for outcome in outcomes],
        "exit": int(code),
    }


def _target_record(target: Target, derived: DerivedSnapshot) -> dict[str, Any]:
    return {
        **session_record(target.backend, derived),
        "refusal": target.refusal,
        "protection": target.protection,
        "not_compared": target.backend.not_compared,
    }


def _excluded_record(excluded: Excluded, derived: DerivedSnapshot) -> dict[str, Any]:
    return {
        **session_record(excluded.backend, derived),
        "why": excluded.reason.value,
        "reason": excluded.explanation,
    }


def _outcome_record(outcome: Outcome) -> dict[str, Any]:
    request = outcome.request
    return {
        "pid": request.target.pid,
        "backend_start": written(request.target.backend_start),
        "signal": request.signal.value,
        "result": outcome_kind(outcome).value,
        "answer": outcome.reply.status.value,
        "effect": outcome.effect.value,
        "after": round(outcome.after, 3),
        "said": outcome.reply.reason,
        "not_compared": request.seen.not_compared,
    }
