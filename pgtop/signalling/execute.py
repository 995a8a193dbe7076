"""See a plan through: write it down, send it, look, write down what became of it.

The one way from a front end to the door. Nothing is sent that was not written down first, or could
not be.
"""

import os
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

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
from pgtop.signalling.observe import PATIENCE, send_and_observe

_UNHELPED = frozenset({ObservedEffect.TRANSACTION_OPEN, ObservedEffect.STILL_RUNNING})
"""Effects of a cancel that did not help."""


class NoAuditLog:
    """A recorder that writes nothing, for pictures that are not live."""

    async def begin(self, entries: Sequence[AuditEntry]) -> None:
        pass

    async def finish(self, ended: Sequence[tuple[AuditEntry, Outcome]]) -> None:
        pass


class Progress(NamedTuple):
    """What has become of each target of a plan so far, in its order."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    audit_failure: str = ""
    """Why the audit trail could not be written, if it could not."""

    @property
    def is_done(self) -> bool:
        """Each target has its outcome, and none of them will change."""
        return len(self.outcomes) == len(self.plan.targets) and all(
            outcome.is_final for outcome in self.outcomes
        )


class SignalExecutor(NamedTuple):
    """Sends plans on their way. `required`: what cannot be written down is not sent."""

    signaller: Signaller
    clock: Clock
    audit_log: AuditLog = NoAuditLog()
    required: bool = False

    async def run(
        self, plan: Plan, reason: str = "", patience: float = PATIENCE
    ) -> AsyncIterator[Progress]:
        """Carry the plan out once, and tell whenever something more was seen; the last progress is
        done.
        """
        entries = [
            _entry(plan, request, target, reason)
            for request, target in zip(plan.requests, plan.targets, strict=True)
        ]
        begun, trouble = await self._begin(entries)
        if trouble and self.required:
            unsent = tuple(_unsent(entry, trouble) for entry in entries)
            if begun and await self._finish(begun, unsent):
                trouble = f"{trouble}; it shows {len(begun)} as unfinished, though nothing was sent"
            yield Progress(plan, unsent, trouble)
            return
        progress = Progress(plan, ())
        try:
            async for outcomes in send_and_observe(
                plan.requests, self.signaller, self.clock, patience
            ):
                progress = Progress(plan, outcomes, trouble)
                if not progress.is_done:
                    yield progress
        finally:  # also when whoever asked has left meanwhile
            failed = await self._finish(begun, progress.outcomes)
        yield Progress(plan, progress.outcomes, trouble or failed)

    async def _begin(self, entries: Sequence[AuditEntry]) -> tuple[Sequence[AuditEntry], str]:
        """Those that stand in the trail now, and why the others do not."""
        try:
            await self.audit_log.begin(entries)
        except AuditError as error:
            return entries[: error.written], str(error)
        return entries, ""

    async def _finish(self, begun: Sequence[AuditEntry], outcomes: Sequence[Outcome]) -> str:
        """Write what became of those that were begun, which are the first; returns why that failed,
        if it did.
        """
        if not begun:
            return ""
        try:
            await self.audit_log.finish(list(zip(begun, outcomes, strict=False)))
        except AuditError as error:
            return str(error)
        return ""


def escalation_plan(progress: Progress) -> Plan:
    """The plan to terminate those that a cancel did not help against, as they were last seen."""
    pairs = zip(progress.plan.targets, progress.outcomes, strict=True)
    left = tuple(
        _as_seen(target, outcome) for target, outcome in pairs if outcome.effect in _UNHELPED
    )
    planned = progress.plan
    return Plan(
        Signal.TERMINATE, planned.server, planned.seen_at, left, understood=planned.understood
    )


def _as_seen(target: Target, outcome: Outcome) -> Target:
    seen = outcome.seen
    if seen is None:
        return target
    backend = target.backend._replace(
        state=seen.state, query_start=seen.query_start, xact_start=seen.xact_start,
        wait_event_type=seen.wait_event_type, wait_event=seen.wait_event,
    )  # fmt: skip
    return target._replace(backend=backend, only_if_unchanged=True)


def _entry(plan: Plan, request: SignalRequest, target: Target, reason: str) -> AuditEntry:
    return AuditEntry(
        os.urandom(8).hex(), request, target.backend, plan.server, reason, plan.understood
    )


def _unsent(entry: AuditEntry, trouble: str) -> Outcome:
    return Outcome(
        entry.request, SignalReply(ReplyStatus.UNRECORDED, trouble), ObservedEffect.NOT_SENT
    )
