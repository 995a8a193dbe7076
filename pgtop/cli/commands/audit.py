"""`pgtop audit`: the signals of this user, why they were sent, and their outcomes."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pgtop.cli import output
from pgtop.cli.args.audit_options import AuditCommand
from pgtop.cli.configuration import redacts
from pgtop.cli.exit_codes import Exit
from pgtop.errors import OutputError
from pgtop.model.serialise import VERSION
from pgtop.ports import AuditError
from pgtop.signalling.audit_log import default_path
from pgtop.signalling.audit_reader import AuditRecord, AuditRecords, read
from pgtop.text.clean import clean
from pgtop.text.identity import user_at_database
from pgtop.text.redact import redacted

UNFINISHED = "no outcome was written: pgtop was ended before it was known"
INTERRUPTED = "pgtop was ended before the effect was seen"
_WIDEST = 200
"""Characters of a line below the first of a record."""


def run(command: AuditCommand) -> int:
    """Print the requested signals of the audit log; return the exit code. Raises OutputError."""
    try:
        path = default_path()
        if command.path:
            output.write(f"{path}\n")
            return Exit.DONE
        log = read(path)
    except AuditError as error:
        raise OutputError(f"{error}.") from error
    all_records = map(masked, log.records) if redacts(command.redact) else log.records
    records = list(matching(all_records, command, datetime.now(UTC)))
    if command.json:
        rows = [
            json.dumps({"version": VERSION, **record.as_dict()}) for record in records
        ]
        output.write_data("".join(f"{row}\n" for row in rows))
    else:
        rows = [row for record in records for row in lines(record)]
        output.write("".join(f"{row}\n" for row in rows))
    _report_doubts(log, path, is_empty=not records)
    return Exit.DONE


def _report_doubts(log: AuditRecords, path: Path, *, is_empty: bool) -> None:
    if log.damaged:
        lines_were = "line was" if log.damaged == 1 else "lines were"
        output.report(
            f"{log.damaged} truncated or damaged {lines_were} skipped: {path}"
        )
    if log.is_shortened:
        output.report(f"Only the newest part was read, as the log is very long: {path}")
    if log.is_missing:
        what = "There is no audit log yet, as nothing was signalled by this user on this machine"
        output.report(f"{what}: {path}")
    elif is_empty and sys.stderr is not None and sys.stderr.isatty():
        output.report(f"No entry matches: {path}")


# The records.


def matching(
    records: Iterable[AuditRecord], command: AuditCommand, now: datetime
) -> Iterator[AuditRecord]:
    """Yield the records that contain all words, are new enough, and unfinished if so requested."""
    words = [word.lower() for word in command.words]
    oldest = None if command.since is None else now - timedelta(seconds=command.since)
    for record in records:
        is_finished = command.unfinished and record.is_finished
        is_old = oldest is not None and _requested_at(record) < oldest
        if is_finished or is_old:
            continue
        text = json.dumps(record.as_dict(), ensure_ascii=False).lower()
        if all(word in text for word in words):
            yield record


def _requested_at(record: AuditRecord) -> datetime:
    return datetime.fromisoformat(record.request["at"]).astimezone(UTC)


def masked(record: AuditRecord) -> AuditRecord:
    """Return the record without literals, which the log may contain."""
    masked = {
        "query": redacted(record.request["query"] or ""),
        "understood": _without_values(record.request),
    }
    return AuditRecord({**record.request, **masked}, record.outcome)


def _without_values(request: Mapping[str, Any]) -> str | None:
    """Return the filter in plain words without its values: one may be a literal of a query."""
    understood = request.get("understood")
    return understood and _QUOTED.sub('"?"', str(understood))


_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


# For people.


def lines(record: AuditRecord) -> list[str]:
    """Return the lines of one signal, cleaned: user and session, outcome, reason, filter, query."""
    request = record.request
    head = (
        f"{request['at']} {_user(request)} as {request['as_role']} on {request['server']}: "
        f"{request['signal']} {request['pid']} {_session(request)}"
    )
    understood = request.get("understood")  # logs of 0.1.0 have none
    more = [_outcome(record)]
    if request["reason"]:
        more.append(f"reason: {request['reason']}")
    if understood:
        more.append(f"filter: sessions {understood}")
    if request["query"]:
        more.append(str(request["query"]))
    return [clean(head), *(f"    {clean(row)[:_WIDEST]}" for row in more)]


def _user(request: Mapping[str, Any]) -> str:
    user = str(request["os_user"])
    return f"{user} from {request['ssh_client']}" if "ssh_client" in request else user


def _session(request: Mapping[str, Any]) -> str:
    role = str(request["role"] or "")
    database = str(request["database"] or "")
    application = request["application"] or ""
    return f"{user_at_database(role, database)} {application}".strip()


def _outcome(record: AuditRecord) -> str:
    outcome = record.outcome
    if outcome is None:
        return UNFINISHED
    reason = f": {outcome['said']}" if outcome["said"] else ""
    if not record.is_finished:
        return f"{outcome['answer']}, but {INTERRUPTED}{reason}"
    return (
        f"{outcome['answer']}, {outcome['effect']} after {outcome['after']} s{reason}"
    )
