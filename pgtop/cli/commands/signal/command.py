"""`pgtop cancel` and `pgtop kill`: print the plan, confirm it, execute it, report what was seen.

Only sessions of the printed plan are signalled, and none without a yes, from a terminal or --yes.
"""

import sys
from typing import NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.filters import filter_for_signals, readable
from pgtop.cli.args.signal_options import SignalCommand
from pgtop.cli.commands.signal.prompt import NOTHING, confirms, confirms_question
from pgtop.cli.commands.signal.report import Report
from pgtop.cli.commands.signal.resolve_targets import (
    ResolvedPlan,
    resolve_targets,
    unmatched,
)
from pgtop.cli.configuration import guards_for
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import first_sample
from pgtop.cli.named_server import label_of
from pgtop.config.guards import Guards, check_reads_no_queries
from pgtop.model.plan import MOVED_ON, Change, Plan
from pgtop.model.signal import Outcome
from pgtop.ports import SourceError
from pgtop.signalling.consent import needs_pid
from pgtop.signalling.execute import Progress, escalation_plan
from pgtop.signalling.observe import EFFECT_TIMEOUT
from pgtop.signalling.planning import Changes, changes, refresh_plan, without_changed
from pgtop.signalling.protection import Guard, guard
from pgtop.sources.postgres.sampler import WHOLE
from pgtop.table.filter import Filter
from pgtop.text.units import counted
from pgtop.view.plan import skipped

_SURVIVORS = "surviving the cancel"
_NOT_TERMINATED = "Nothing was terminated after the cancel."
_NO_TERMINAL = "Nothing was signalled: stdin is not a terminal."


def run(command: SignalCommand) -> int:
    """Execute the command; return the exit code. Raises PgtopError and SourceError."""
    guards = guards_for(command.safety, server=command.connection.server)
    filter = filter_for_signals(command.filter) if command.filter else Filter()
    if guards.redact:
        check_reads_no_queries(filter, repr(" ".join(command.filter)))
    return interrupts.run(_Execution(command, guards, filter).run())


class _View(NamedTuple):
    """The server at one instant, and what protects its sessions."""

    derived: DerivedSnapshot
    guard: Guard


class _Execution:
    """One command and the connection that it uses."""

    def __init__(
        self,
        command: SignalCommand,
        guards: Guards,
        filter: Filter,
    ) -> None:
        self._command = command
        self._guards = guards
        self._filter = filter
        self._report = Report(command, bool(guards.read_only))
        connection = compose.connection_for(command.connection)
        self._source = compose.source_for(connection, guards.redact, WHOLE)
        self._executor = compose.executor_for(connection, guards)

    async def run(self) -> Exit:
        """Connect, plan, confirm and send."""
        try:
            view = await self._first_view()
            # A pattern may take too long.
            with readable(self._command.filter, "The filter"):
                resolved = resolve_targets(self._command, self._filter, *view)
            return await self._confirm_and_send(resolved)
        finally:
            await self._source.close()

    async def _first_view(self) -> _View:
        wait = self._command.connection.wait
        derived = DerivedSnapshot.of(await first_sample(self._source, wait))
        options = self._guards.protect[: len(self._command.safety.protect)]
        for filter in unmatched(options, derived):
            output.report(f"--protect {filter.text} matches no session")
        return _View(derived, guard(self._guards.protect, derived))

    async def _confirm_and_send(self, resolved: ResolvedPlan) -> Exit:
        self._report.print_plan(resolved, self._will_prompt)
        if not resolved.plan.targets:
            self._report.explain_no_targets(resolved)
            code = Exit.SOME_REFUSED if resolved.has_refused else Exit.NO_TARGET
            return self._report.print_no_outcome(resolved, code)
        if self._command.dry_run:
            return self._report.print_no_outcome(resolved, Exit.DONE)
        if self._guards.read_only:
            output.report(f"Nothing was signalled: {self._guards.read_only}")
            # Refuses, and records that in the audit log.
            return await self._send(resolved)
        plan = await self._confirmed(resolved.plan)
        if plan is None:
            return self._report.print_no_outcome(resolved, Exit.NOT_CONFIRMED)
        confirmed = resolved._replace(plan=plan)
        if not plan.targets:
            what = "Nothing was signalled: all of them have changed."
            output.report(what, f"Skipped: {skipped(plan)}.")
            return self._report.print_no_outcome(confirmed, Exit.SOME_REFUSED)
        return await self._send(confirmed)

    # The consent.

    @property
    def _will_prompt(self) -> bool:
        """True if the user is asked on a terminal."""
        if self._command.yes or self._command.dry_run:
            return False
        return sys.stdin is not None and sys.stdin.isatty()

    async def _confirmed(self, plan: Plan) -> Plan | None:
        """Return the plan as it may be executed now, None without a yes."""
        if self._command.yes:
            return plan
        if not self._will_prompt:
            output.report(_NO_TERMINAL, _advice_without_terminal(plan))
            return None
        if self._command.escalate:
            output.report("Those that survive the cancel are terminated.")
        if not confirms(plan, label=label_of(self._command.connection)):
            output.report(NOTHING)
            return None
        return await self._as_it_is_now(plan)

    async def _as_it_is_now(self, plan: Plan) -> Plan:
        """Return the plan without the sessions that have changed, unless the user confirms them
        too.
        """
        try:
            view = await self._view_again()
        except SourceError as error:
            failure = error.failure
            what = f"Nothing was signalled: {failure.what}"
            raise SourceError(failure._replace(what=what)) from error
        changed = _changes_of_the_living(plan, view)
        moved = sum(change in MOVED_ON for change in changed.values())
        what = "another query, transaction or application name"
        question = (
            f"{counted(moved, 'session')} changed since ({what}). As they are now too?"
        )
        if moved and confirms_question(question):
            return refresh_plan(plan, view.derived.snapshot, view.guard)
        return without_changed(plan, changed)

    async def _view_again(self) -> _View:
        """Return the server as it is now, with its roles read again. Raises SourceError."""
        self._source.renew()
        try:
            snapshot = await self._source.sample()
        # The session, idle while the user was thinking, may have been ended.
        except SourceError:
            snapshot = await self._source.sample()
        derived = DerivedSnapshot.of(snapshot)
        return _View(derived, guard(self._guards.protect, derived))

    # The signals.

    async def _send(self, resolved: ResolvedPlan) -> Exit:
        first = await self._execute(resolved.plan)
        second = await self._escalate(first) if self._command.escalate else None
        outcomes = _by_target(first)
        failure = first.audit_failure
        if second is not None:
            outcomes |= _by_target(second)
            failure = failure or second.audit_failure
        if failure:
            output.report(failure)
        return self._report.print_outcomes(resolved, tuple(outcomes.values()))

    async def _escalate(self, progress: Progress) -> Progress | None:
        """Terminate the sessions that the cancel did not help, if there are any."""
        plan = await self._escalation_plan(progress)
        return None if plan is None else await self._execute(plan)

    async def _escalation_plan(self, progress: Progress) -> Plan | None:
        """Return the plan to terminate the survivors, guarded again; a protected one needs another
        confirmation.
        """
        survivors = escalation_plan(progress)
        if not survivors.targets:
            return None
        try:
            view = await self._view_again()
        except SourceError as error:
            output.report(
                f"Nothing was terminated: {error.failure.what}", error.failure.advice
            )
            return None
        plan = without_changed(survivors, _changes_of_the_living(survivors, view))
        if plan.excluded:
            output.report(f"not terminated: {skipped(plan)}")
        if not plan.targets:
            return None
        if any(map(needs_pid, plan.targets)) and not confirms(
            plan,
            _SURVIVORS,
            _NOT_TERMINATED,
            label_of(self._command.connection),
        ):
            return None
        count = counted(len(plan.targets), "session")
        output.report(f"the cancel did not help with {count}: terminating")
        return plan

    async def _execute(self, plan: Plan) -> Progress:
        """Execute the plan; return its last progress."""
        timeout = (
            EFFECT_TIMEOUT if self._command.timeout is None else self._command.timeout
        )
        progress = Progress(plan, ())
        async for progress in self._executor.run(plan, self._command.reason, timeout):  # noqa: B007
            pass
        return progress


def _advice_without_terminal(plan: Plan) -> str:
    if any(map(needs_pid, plan.targets)):
        return "Its pid must be typed on one."
    return "--yes signals without asking."


def _by_target(progress: Progress) -> dict[object, Outcome]:
    return {outcome.request.target: outcome for outcome in progress.outcomes}


def _changes_of_the_living(plan: Plan, view: _View) -> Changes:
    """Return the changes of targets that have not ended; sending reports the ended ones as gone."""
    changed = changes(plan, view.derived.snapshot, view.guard)
    return {
        target: change
        for target, change in changed.items()
        if change is not Change.ENDED
    }
