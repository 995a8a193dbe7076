"""Execute a plan: audit, signal, observe the effect, audit the outcome.

The one way from a front end to the signaller. Nothing is sent before the audit log has it, or has
failed to take it and is not required.
"""

import os
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pgtop.log import LOG
from pgtop.model.audit import AuditEntry
from pgtop.model.plan import Plan, Target
from pgtop.model.signal import (
    ObservedEffect,
    Outcome,
    ReplyStatus,
    Signal,
    SignalReply,
    SignalRequest,
)
from pgtop.ports import AuditError, AuditLog, Clock, Signaller
from pgtop.signalling.observe import (
    EFFECT_TIMEOUT,
    RefusingSignaller,
    send_and_observe,
)

if TYPE_CHECKING:
    from pgtop.signalling.trail import SignalTrail

_UNSUCCESSFUL = frozenset(
    {ObservedEffect.TRANSACTION_OPEN, ObservedEffect.STILL_RUNNING}
)
"""Effects of a cancel that did not help."""


class NoAuditLog:
    """An audit log that writes nothing, for a screen that is not live."""

    async def begin(self, entries: Sequence[AuditEntry]) -> None:
        """Write nothing."""

    async def finish(self, ended: Sequence[tuple[AuditEntry, Outcome]]) -> None:
        """Write nothing."""


class Progress(NamedTuple):
    """The outcomes of a plan so far, in the order of its targets."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    audit_failure: str = ""
    """Why the audit log could not be written, or ""."""

    @property
    def is_done(self) -> bool:
        """True if every target has its final outcome."""
        if len(self.outcomes) < len(self.plan.targets):
            return False
        return all(outcome.is_final for outcome in self.outcomes)


class SignalExecutor(NamedTuple):
    """Executes plans."""

    signaller: Signaller
    clock: Clock
    audit_log: AuditLog = NoAuditLog()
    required: bool = False
    """True if nothing is sent that the audit log cannot take."""
    trail: "SignalTrail | None" = None
    """Keeps the signals of this run for the timeline, also those that the audit log cannot take."""

    def refusing(self, reason: str) -> "SignalExecutor":
        """Return an executor that writes the same audit log, and sends nothing."""
        return self._replace(signaller=RefusingSignaller(reason))

    async def run(
        self,
        plan: Plan,
        reason: str = "",
        seconds: float = EFFECT_TIMEOUT,
    ) -> AsyncIterator[Progress]:
        """Execute the plan once; yield whenever something more was seen, and at last the final
        progress.
        """
        entries = _entries(plan, reason)
        begun, failure = await self._begin(entries)
        if failure and self.required:
            yield await self._refuse(
                plan,
                entries,
                begun,
                failure,
            )
            return
        progress = Progress(plan, ())
        observed = send_and_observe(
            plan.requests,
            self.signaller,
            self.clock,
            seconds,
        )
        try:
            async for outcomes in observed:
                progress = Progress(plan, outcomes, failure)
                if not progress.is_done:
                    yield progress
        finally:  # also when the consumer has left
            if self.trail is not None:
                self.trail.note(progress.outcomes, plan.seen_at)
            _log_effects(progress.outcomes)
            late_failure = await self._finish(begun, progress.outcomes)
        yield Progress(plan, progress.outcomes, failure or late_failure)

    async def _refuse(
        self,
        plan: Plan,
        entries: Sequence[AuditEntry],
        begun: Sequence[AuditEntry],
        failure: str,
    ) -> Progress:
        """Send nothing, and close the entries that are in the log already."""
        outcomes = tuple(_unsent(entry, failure) for entry in entries)
        if await self._finish(begun, outcomes):
            failure = f"{failure}; it shows {len(begun)} as unfinished, though nothing was sent"
        return Progress(plan, outcomes, failure)

    async def _begin(
        self, entries: Sequence[AuditEntry]
    ) -> tuple[Sequence[AuditEntry], str]:
        """Write the entries; return those that are in the log, and why the others are not."""
        try:
            await self.audit_log.begin(entries)
        except AuditError as error:
            return entries[: error.written], str(error)
        return entries, ""

    async def _finish(
        self, begun: Sequence[AuditEntry], outcomes: Sequence[Outcome]
    ) -> str:
        """Write the outcomes of the entries in the log, which are the first; return why that
        failed, or "".
        """
        if not begun:
            return ""
        try:
            await self.audit_log.finish(list(zip(begun, outcomes, strict=False)))
        except AuditError as error:
            return str(error)
        return ""


def escalation_plan(progress: Progress) -> Plan:
    """Return the plan to terminate the sessions that a cancel did not help, as last seen."""
    plan = progress.plan
    pairs = zip(plan.targets, progress.outcomes, strict=True)
    targets = tuple(
        _as_last_seen(target, outcome)
        for target, outcome in pairs
        if outcome.effect in _UNSUCCESSFUL
    )
    return Plan(
        Signal.TERMINATE,
        plan.server,
        plan.seen_at,
        targets,
        understood=plan.understood,
    )


def _as_last_seen(target: Target, outcome: Outcome) -> Target:
    seen = outcome.seen
    if seen is None:
        return target
    backend = target.backend._replace(
        state=seen.state,
        query_start=seen.query_start,
        xact_start=seen.xact_start,
        wait_event_type=seen.wait_event_type,
        wait_event=seen.wait_event,
    )
    return target._replace(backend=backend, only_if_unchanged=True)


def _log_effects(outcomes: Sequence[Outcome]) -> None:
    """Write each effect into pgtop's own log, if there is one."""
    if not LOG.level:
        return
    for outcome in outcomes:
        LOG.write(
            f"signal: effect on pid {outcome.request.target.pid} after"
            f" {outcome.after:.3f} s: {outcome.effect.value}"
        )


def _entries(plan: Plan, reason: str) -> list[AuditEntry]:
    pairs = zip(plan.requests, plan.targets, strict=True)
    return [
        _entry(
            plan,
            request,
            target,
            reason,
        )
        for request, target in pairs
    ]


def _entry(
    plan: Plan,
    request: SignalRequest,
    target: Target,
    reason: str,
) -> AuditEntry:
    id = os.urandom(8).hex()
    return AuditEntry(
        id,
        request,
        target.backend,
        plan.server,
        reason,
        plan.understood,
    )


def _unsent(entry: AuditEntry, failure: str) -> Outcome:
    reply = SignalReply(ReplyStatus.UNRECORDED, failure)
    return Outcome(entry.request, reply, ObservedEffect.NOT_SENT)
