"""`pgtop audit`: who signalled whom, why, and what became of it."""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pgtop.cli import output
from pgtop.cli.args.audit_options import AuditCommand
from pgtop.cli.exit_codes import Exit
from pgtop.cli.guards import redacts
from pgtop.errors import OutputError
from pgtop.ports import AuditError
from pgtop.signalling.audit_log import Record, default_path, read
from pgtop.text.clean import clean
from pgtop.text.identity import user_at_database
from pgtop.text.redact import redacted

UNFINISHED = "no outcome was written: pgtop was ended before it was known"
INTERRUPTED = "pgtop was ended before the effect was seen"


def run(command: AuditCommand) -> int:
    """Print the trail's signals that are asked for; returns the exit code. Raises OutputError."""
    try:
        path = default_path()
        if command.path:
            output.write(f"{path}\n")
            return Exit.DONE
        found = read(path)
    except AuditError as error:
        raise OutputError(f"{error}.") from error
    shown = map(_masked, found.records) if redacts(command.redact) else found.records
    records = list(chosen(shown, command, datetime.now(UTC)))
    if command.json:
        output.write_data("".join(f"{json.dumps(record.as_dict())}\n" for record in records))
    else:
        output.write("".join(f"{row}\n" for record in records for row in lines(record)))
    if found.damaged:
        lines_are = "line is" if found.damaged == 1 else "lines are"
        output.report(
            f"{found.damaged} {lines_are} damaged and left out, as a full disk leaves them behind: {path}"
        )
    if found.shortened:
        output.report(f"Only the newest part was read, as the trail is very long: {path}")
    if found.missing:
        output.report(
            f"There is no audit trail yet, as nothing was signalled by this user on this machine: {path}"
        )
    elif not records and sys.stderr is not None and sys.stderr.isatty():
        output.report(f"Nothing to show from {path}")
    return Exit.DONE


def _masked(record: Record) -> Record:
    """Without literals, where the trail was written with them."""
    masked = {
        "query": redacted(record.asked["query"] or ""),
        "understood": _without_values(record.asked),
    }
    return Record({**record.asked, **masked}, record.ended)


def _without_values(asked: Mapping[str, Any]) -> str | None:
    """Return the filter in plain words without what it looked for, which may have been a literal of
    a query.
    """
    understood = asked.get("understood")
    return understood and _QUOTED.sub('"?"', str(understood))


_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def chosen(records: Iterable[Record], command: AuditCommand, now: datetime) -> Iterable[Record]:
    """Those with all the words in them, new enough, and without an outcome where that is asked."""
    words = [word.lower() for word in command.words]
    oldest = None if command.since is None else now - timedelta(seconds=command.since)
    for record in records:
        text = json.dumps(record.as_dict(), ensure_ascii=False).lower()
        if command.unfinished and record.finished:
            continue
        if (
            oldest is not None
            and datetime.fromisoformat(record.asked["at"]).astimezone(UTC) < oldest
        ):
            continue
        if all(word in text for word in words):
            yield record


def lines(record: Record) -> list[str]:
    """One signal for people, cleaned: who and whom, then what became of it and why, then the
    query.
    """
    asked = record.asked
    role, database = (str(asked[name]) if asked[name] else None for name in ("role", "database"))
    session = f"{user_at_database(role, database)} {asked['application'] or ''}".strip()
    by = (
        f"{asked['os_user']} from {asked['ssh_client']}"
        if "ssh_client" in asked
        else asked["os_user"]
    )
    head = f"{asked['at']} {by} as {asked['as_role']} on {asked['server']}: {asked['signal']} {asked['pid']} {session}"
    understood = asked.get("understood")  # trails of 0.1.0 have none
    more = [
        _outcome(record),
        f"reason: {asked['reason']}" if asked["reason"] else "",
        f"filter: sessions {understood}" if understood else "",
        asked["query"] or "",
    ]
    return [clean(head), *(f"    {clean(str(row))[:200]}" for row in more if row)]


def _outcome(record: Record) -> str:
    ended = record.ended
    if ended is None:
        return UNFINISHED
    said = f": {ended['said']}" if ended["said"] else ""
    if not record.finished:
        return f"{ended['answer']}, but {INTERRUPTED}{said}"
    return f"{ended['answer']}, {ended['effect']} after {ended['after']} s{said}"
