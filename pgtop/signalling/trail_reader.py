"""The signals of the audit log as a timeline shows them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pgtop.model.audit import SentSignal
from pgtop.model.backend import BackendId
from pgtop.model.signal import ObservedEffect, ReplyStatus, Signal
from pgtop.model.timestamp import from_datetime, parsed
from pgtop.signalling.audit_reader import AuditRecord
from pgtop.signalling.trail import PERHAPS_SENT


def sent_signals(records: Iterable[AuditRecord], server: str) -> list[SentSignal]:
    """Return the signals of an audit log that were sent to this server, or perhaps sent."""
    here = [record for record in records if record.request["server"] == server]
    signals = map(_read, here)
    return [sent for sent in signals if sent is not None]


def _read(record: AuditRecord) -> SentSignal | None:
    """Return the signal of a record; None if it was not sent, or a value is not valid."""
    request = record.request
    outcome = record.outcome or {"answer": ReplyStatus.UNKNOWN, "effect": None}
    try:
        if ReplyStatus(outcome["answer"]) not in PERHAPS_SENT:
            return None
        return SentSignal(
            at=from_datetime(datetime.fromisoformat(request["at"])),
            signal=Signal(request["signal"]),
            target=_target(request),
            person=str(request["os_user"] or ""),
            effect=_effect(outcome),
        )
    except (ValueError, TypeError, OverflowError):
        return None


def _target(request: Mapping[str, Any]) -> BackendId:
    start = request["backend_start"]
    return BackendId(int(request["pid"]), None if start is None else parsed(start))


def _effect(outcome: Mapping[str, Any]) -> ObservedEffect | None:
    effect = outcome["effect"]
    return None if effect is None else ObservedEffect(effect)
