"""`pgtop audit`: who signalled whom, why, and what became of it."""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pgtop.audit import Record, default_path, read
from pgtop.cli import output
from pgtop.cli.exits import Exit
from pgtop.cli.options import Audit
from pgtop.cli.safety import redacts
from pgtop.errors import OutputError
from pgtop.ports import RecordError
from pgtop.view.redaction import redacted
from pgtop.view.text import clean

UNFINISHED = "no outcome was written"


def run(command: Audit) -> int:
    """Print the trail's signals that are asked for; returns the exit code. Raises OutputError."""
    path = default_path()
    if command.path:
        output.write(f"{path}\n")
        return Exit.DONE
    try:
        found = map(_masked, read(path)) if redacts(command.redact) else read(path)
        records = list(chosen(found, command, datetime.now(UTC)))
    except RecordError as error:
        raise OutputError(f"{error}.") from error
    if command.json:
        output.write_data("".join(f"{json.dumps(record.as_dict())}\n" for record in records))
    else:
        output.write("".join(f"{row}\n" for record in records for row in lines(record)))
    if not records and sys.stderr is not None and sys.stderr.isatty():
        output.say(f"Nothing to show from {path}")
    return Exit.DONE


def _masked(record: Record) -> Record:
    """Without literals, where the trail was written with them."""
    return Record({**record.asked, "query": redacted(record.asked["query"] or "")}, record.ended)


def chosen(records: Iterable[Record], command: Audit, now: datetime) -> Iterable[Record]:
    """Those with all the words in them, new enough, and without an outcome where that is asked."""
    words = [word.lower() for word in command.words]
    oldest = None if command.since is None else now - timedelta(seconds=command.since)
    for record in records:
        text = json.dumps(record.as_dict(), ensure_ascii=False).lower()
        if command.unfinished and record.ended is not None:
            continue
        if oldest is not None and datetime.fromisoformat(str(record.asked["at"])) < oldest:
            continue
        if all(word in text for word in words):
            yield record


def lines(record: Record) -> list[str]:
    """One signal for people, cleaned: who and whom, then what became of it and why, then the query."""
    asked = record.asked
    whom = f"{asked['role'] or '?'}@{asked['database'] or '?'} {asked['application'] or ''}".rstrip()
    by = f"{asked['os_user']}{' from ' + asked['ssh_client'] if 'ssh_client' in asked else ''}"
    head = f"{asked['at']} {by} as {asked['as_role']} on {asked['server']}: {asked['signal']} {asked['pid']} {whom}"
    more = [_outcome(record.ended), f"reason: {asked['reason']}" if asked["reason"] else "", asked["query"] or ""]
    return [clean(head), *(f"    {clean(str(row))[:200]}" for row in more if row)]


def _outcome(ended: Any) -> str:
    if ended is None:
        return UNFINISHED
    said = f": {ended['said']}" if ended["said"] else ""
    return f"{ended['answer']}, {ended['effect']} after {ended['after']} s{said}"
