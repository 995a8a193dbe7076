"""`pgtop cancel` and `pgtop kill`: print the plan, ask, carry it out, report what was seen.

Only sessions of the printed plan are signalled, and none without a yes, from a terminal or --yes.
"""

import sys
from collections.abc import Mapping

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.filters import filter_for_signals, readable
from pgtop.cli.args.signal_options import SignalCommand
from pgtop.cli.commands.signal.prompt import consents, says_yes
from pgtop.cli.commands.signal.report import Telling
from pgtop.cli.commands.signal.resolve_targets import Proposed, propose
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import first_sample
from pgtop.cli.guards import guards_for
from pgtop.config.guards import Guards, check_reads_no_queries
from pgtop.model.backend import BackendId
from pgtop.model.plan import MOVED_ON, Change, Plan
from pgtop.model.snapshot import Snapshot
from pgtop.ports import SourceError
from pgtop.signalling.execute import Progress, escalation_plan
from pgtop.signalling.observe import PATIENCE
from pgtop.signalling.planning import Guard, changes, refresh_plan, without_changed
from pgtop.signalling.protection import guard
from pgtop.sources.postgres.sampler import WHOLE
from pgtop.table.filter import Filter
from pgtop.view.plan import sessions, skipped

_SURVIVED = "surviving the cancel"


def run(command: SignalCommand) -> int:
    """Carry the command out; returns the exit code. Raises PgtopError and SourceError."""
    guards = guards_for(command.safety)
    chosen = filter_for_signals(command.filter) if command.filter else Filter()
    if guards.redact:
        check_reads_no_queries(chosen, repr(" ".join(command.filter)))
    return interrupts.run(_Command(command, guards, chosen).run())


class _Command:
    """One command and the connection that it uses."""

    def __init__(self, command: SignalCommand, guards: Guards, chosen: Filter) -> None:
        self._command = command
        self._guards = guards
        self._filter = chosen
        self._telling = Telling(command, bool(guards.read_only))
        self._session = compose.connection_for(command.connection)
        self._source = compose.source_for(self._session, guards.redact, WHOLE)
        self._errands = compose.executor_for(self._session, guards)

    async def run(self) -> Exit:
        try:
            picture = DerivedSnapshot.of(
                await first_sample(self._source, self._command.connection.wait)
            )
            guarded = guard(self._guards.protect, picture)
            with readable(self._command.filter, "The filter"):  # a pattern may take too long
                proposed = propose(self._command, self._filter, picture, guarded)
            return await self._carry_out(proposed)
        finally:
            await self._source.close()

    async def _carry_out(self, proposed: Proposed) -> Exit:
        self._telling.print_plan(proposed, self._will_ask)
        if not proposed.plan.targets:
            self._telling.explain_no_targets(proposed)
            return self._telling.print_no_outcome(
                proposed, Exit.SOME_REFUSED if proposed.refused else Exit.NO_TARGET
            )
        if self._command.dry_run:
            return self._telling.print_no_outcome(proposed, Exit.DONE)
        if self._guards.read_only:
            output.report(f"Nothing was signalled: {self._guards.read_only}")
            return await self._send(proposed)  # which refuses, and records that in the audit trail
        agreed = await self._agreed(proposed.plan)
        if agreed is None:
            return self._telling.print_no_outcome(proposed, Exit.NOT_CONFIRMED)
        agreed_on = proposed._replace(plan=agreed)
        if not agreed.targets:
            output.report(
                "Nothing was signalled: all of them have changed.", f"Skipped: {skipped(agreed)}."
            )
            return self._telling.print_no_outcome(agreed_on, Exit.SOME_REFUSED)
        return await self._send(agreed_on)

    # The consent.

    @property
    def _will_ask(self) -> bool:
        """True if the user is asked, on a terminal."""
        return (
            not (self._command.yes or self._command.dry_run)
            and sys.stdin is not None
            and sys.stdin.isatty()
        )

    async def _agreed(self, made: Plan) -> Plan | None:
        """Return the plan as it may be carried out now, or None."""
        if self._command.yes:
            return made
        if not self._will_ask:
            typed = any(target.needs_pid for target in made.targets)
            advice = "Its pid must be typed on one." if typed else "--yes signals without asking."
            output.report("Nothing was signalled, as there is no terminal to ask on.", advice)
            return None
        if self._command.escalate:
            output.report("Those that survive the cancel are terminated.")
        if not consents(made):
            output.report("Nothing was signalled.")
            return None
        return await self._still_meant(made)

    async def _still_meant(self, agreed: Plan) -> Plan | None:
        """Return the plan without the sessions that changed meanwhile, unless the user asks for
        them again.
        """
        try:
            snapshot, guarded = await self._sample_again()
        except SourceError as error:
            failure = error.failure
            raise SourceError(
                failure._replace(what=f"Nothing was signalled: {failure.what}")
            ) from error
        changed = _changes_of_the_living(agreed, snapshot, guarded)
        moved = sum(change in MOVED_ON for change in changed.values())
        what = "another query, transaction or application name"
        words = f"{sessions(moved)} changed since ({what}). As they are now too?"
        if moved and says_yes(words):
            return refresh_plan(agreed, snapshot, guarded)
        return without_changed(agreed, changed)

    async def _sample_again(self) -> tuple[Snapshot, Guard]:
        """Return the server as it is now, its roles too, and what protects sessions now. Raises
        SourceError.
        """
        self._source.renew()
        try:
            snapshot = await self._source.sample()
        except (
            SourceError
        ):  # our session, idle while the user was thinking, may have been ended: on a new one
            snapshot = await self._source.sample()
        return snapshot, guard(self._guards.protect, DerivedSnapshot.of(snapshot))

    # The signals.

    async def _send(self, proposed: Proposed) -> Exit:
        progress = await self._see_through(proposed.plan)
        outcomes = {outcome.request.target: outcome for outcome in progress.outcomes}
        left = await self._escalated(progress) if self._command.escalate else None
        if left is not None and left.targets:
            second = await self._see_through(left)
            outcomes |= {outcome.request.target: outcome for outcome in second.outcomes}
            progress = progress._replace(
                audit_failure=progress.audit_failure or second.audit_failure
            )
        if progress.audit_failure:
            output.report(progress.audit_failure)
        return self._telling.print_outcomes(proposed, tuple(outcomes.values()))

    async def _escalated(self, progress: Progress) -> Plan | None:
        """Return the plan to terminate the survivors, guarded again; a protected one needs another
        yes.
        """
        left = escalation_plan(progress)
        if not left.targets:
            return None
        try:
            snapshot, guarded = await self._sample_again()
        except SourceError as error:
            output.report(f"Nothing was terminated: {error.failure.what}", error.failure.advice)
            return None
        meant = without_changed(left, _changes_of_the_living(left, snapshot, guarded))
        if meant.excluded:
            output.report(f"not terminated: {skipped(meant)}")
        asks = any(target.needs_pid for target in meant.targets)
        if asks and not consents(meant, _SURVIVED):
            return None
        output.report(f"the cancel did not help with {sessions(len(meant.targets))}: terminating")
        return meant

    async def _see_through(self, agreed: Plan) -> Progress:
        progress = Progress(agreed, ())
        patience = PATIENCE if self._command.timeout is None else self._command.timeout
        async for progress in self._errands.run(agreed, self._command.reason, patience):  # noqa: B007
            pass
        return progress


def _changes_of_the_living(
    made: Plan, snapshot: Snapshot, guarded: Guard
) -> Mapping[BackendId, Change]:
    """Return what has happened to the targets, but for those that have ended: sending reports these
    as gone.
    """
    found = changes(made, snapshot, guarded)
    return {who: change for who, change in found.items() if change is not Change.ENDED}
