"""The phrases of a filter's sentence, each read literally as a decision about a session."""

import ipaddress
import math
import operator
import re
from collections.abc import Callable

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend

Decision = Callable[[Backend, DerivedSnapshot], bool | None]

_STRING = r'"(?:[^"\\]|\\.)*"'
_STRINGS = rf"{_STRING}(?: (?:or|nor) {_STRING})*"
_VERBS = {
    "is": "is", "is not": "is", "is neither": "is", "contains": "contains",
    "does not contain": "contains",
    "contains neither": "contains", "matches": "matches", "does not match": "matches",
}  # fmt: skip
_VERB = "|".join(sorted(_VERBS, key=len, reverse=True))
_COMPARED = rf"({_VERB}) ({_STRINGS})(?: ignoring case)?"
_NOUNS = {
    "role": "usename", "application name": "application_name", "host name": "client_hostname",
    "process type": "backend_type", "query": "query",
}  # fmt: skip
_BOUNDS = {
    "more than": operator.gt, "at least": operator.ge, "less than": operator.lt,
    "fewer than": operator.lt,
    "at most": operator.le, "exactly": operator.eq,
}  # fmt: skip
_UNITS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_TIMES = {
    "in a transaction for": "xact", "running a statement for": "statement",
    "in the same state for": "state",
    "logged in for": "login", "idle for": "idle", "with an age of": "age",
}  # fmt: skip
_STATES = {
    "running": "active", "waiting for a lock": "waiting", "idle in a transaction": "in transaction",
    "idle in a failed transaction": "aborted", "idle": "idle", "in another state": "other",
    "hidden from this role": "hidden", "in a fastpath call": "fastpath",
    "with tracking disabled": "disabled",
    "starting": "starting",
}  # fmt: skip
_STATE = "|".join(sorted(map(re.escape, _STATES), key=len, reverse=True))
_ONE_STATE = rf'(?:{_STATE}|in state "[a-z ]+")'
_MAY_WAIT = r"(?: \(but perhaps waiting for a lock\))?"
_PLACE = r"(?:a local socket|(?:address|network) [0-9a-f.:/]+)"
_EVENT_VERB = "of type|beginning with|containing|of the exact name or type|matching"
_EVENT = rf"(?:{_EVENT_VERB}) {_STRING}(?: or {_STRING})*"
_PIDS = r"[0-9]+(?: or [0-9]+)*"
_WAITED = r"(?:a prepared transaction|pid [0-9]+)"


def negation(decision: Decision) -> Decision:
    def decide(backend: Backend, derived: DerivedSnapshot) -> bool | None:
        answer = decision(backend, derived)
        return None if answer is None else not answer

    return decide


def _negate_if(decision: Decision, negated: object) -> Decision:
    return negation(decision) if negated else decision


def _strings(text: str) -> list[str]:
    return [_unescaped(string) for string in re.findall(_STRING, text)]


def _unescaped(string: str) -> str:
    def plain(match: re.Match[str]) -> str:
        return match[1] or chr(int(match[2], 16))

    return re.sub(r'\\(?:(["\\])|u\{([0-9a-f]+)\})', plain, string[1:-1])


def _is_match(verb: str, wanted: str, text: str) -> bool:
    if verb in ("is", "of the exact name or type"):
        return text == wanted
    if verb in ("matches", "matching"):
        return re.search(wanted, text, re.IGNORECASE | re.DOTALL) is not None
    if verb == "beginning with":
        return text.lower().startswith(wanted.lower())
    return wanted.lower() in text.lower()


def _is_cut(text: str, derived: DerivedSnapshot) -> bool:
    room = min(
        derived.snapshot.server.track_activity_query_size - 1,
        derived.snapshot.text_bytes,
    )
    return len(text.encode()) + 3 >= room


def _field(noun: str, verb: str, values: str) -> Decision:
    return _negate_if(
        _named(_NOUNS[noun], _VERBS[verb], _strings(values)),
        verb not in _VERBS.values(),
    )


def _database(negated: str | None, verb: str | None, values: str) -> Decision:
    return _negate_if(_named("datname", verb or "is", _strings(values)), negated)


def _named(column: str, verb: str, wanted: list[str]) -> Decision:
    def decide(backend: Backend, derived: DerivedSnapshot) -> bool | None:
        text = getattr(backend, column)
        if _is_number(column, backend) and not (verb == "is" and text in wanted):
            return None
        if text is None and _has_none(column, backend):
            text = ""
        if text is None or (
            column == "query"
            and (backend.backend_start is None or backend.state == "disabled")
        ):
            return (
                verb == "is"
                and "" in wanted
                and column in ("datname", "usename", "application_name")
            ) or None
        hit = any(_is_match(verb, one, text) for one in wanted)
        if column != "query" or not _is_cut(text, derived):
            return hit
        stands = verb == "contains" or (verb == "matches" and "$" not in wanted[0])
        return True if hit and stands else None

    return decide


def _is_number(column: str, backend: Backend) -> bool:
    """Return whether a role or a database without a known name is shown as its number."""
    numbers = {
        "datname": f"database {backend.datid}",
        "usename": f"role {backend.usesysid}",
    }
    return column in numbers and getattr(backend, column) == numbers[column]


def _has_none(column: str, backend: Backend) -> bool:
    """Return whether this is a process of the server's own, without database, role or query."""
    is_own = backend.backend_type != "client backend"
    owner = {
        "datname": backend.datid,
        "usename": backend.usesysid,
        "query": backend.query_start,
    }
    return (
        column in owner
        and owner[column] is None
        and is_own
        and (column != "query" or not backend.is_client)
    )


def _column(verb: str, value: str, some: str) -> Decision:
    verb = {"with": "contains", "matching": "matches"}[verb]
    columns = (
        "datname",
        "usename",
        "application_name",
        "client_hostname",
        "backend_type",
    )
    wanted = _strings(value)

    def decide(backend: Backend, derived: DerivedSnapshot) -> bool | None:
        names = [
            getattr(backend, column) or ""
            for column in columns
            if not _is_number(column, backend)
        ]
        wait = _events(backend) or ["hidden"]
        doing = [_seen_state(backend), _servers_state(backend)]
        texts = [*names, str(backend.pid), _address(backend) or "", *wait, *doing]
        if any(_is_match(verb, wanted[0], text) for text in texts):
            return True
        query = _named("query", verb, wanted)(backend, derived)
        known = backend.backend_start is not None and all(
            _named(column, verb, wanted)(backend, derived) is not None
            for column in ("datname", "usename")
        )
        return True if query else None if query is None or not known else False

    return _negate_if(decide, some == "no")


def _seen_state(backend: Backend) -> str:
    """Return the word of the column STATE."""
    from pgtop.table.session_columns import column

    return column("state").text(backend, None)  # type: ignore[arg-type]


def _servers_state(backend: Backend) -> str:
    return "" if backend.wait_event_type == "Lock" else backend.state or ""


def _address(backend: Backend) -> str | None:
    if backend.backend_start is None:
        return None
    local = "local" if backend.backend_type in ("client backend", "walsender") else ""
    return backend.client_addr or local


def _place(negated: str | None, places: str) -> Decision:
    def decide(backend: Backend, _: DerivedSnapshot) -> bool | None:
        address = _address(backend)
        if address is None:
            return None
        answers = [_comes_from(address, place) for place in re.findall(_PLACE, places)]
        return any(answers)

    return _negate_if(decide, negated)


def _comes_from(address: str, place: str) -> bool:
    if place == "a local socket":
        return address == "local"
    if address in ("local", ""):
        return False
    return ipaddress.ip_address(address) in ipaddress.ip_network(place.split()[1])


def _address_text(verb: str, values: str) -> Decision:
    def decide(backend: Backend, _: DerivedSnapshot) -> bool | None:
        address = _address(backend)
        return (
            None
            if address is None
            else _is_match("matches", _strings(values)[0], address)
        )

    return _negate_if(decide, verb != "matches")


def _state(negated: str | None, states: str) -> Decision:
    exact = re.findall(r'in state "([^"]*)"', states)
    words = [_STATES[word] for word in re.findall(_STATE, re.sub(_STRING, "", states))]

    def decide(backend: Backend, _: DerivedSnapshot) -> bool | None:
        answers = [_is_in(backend, word) for word in words] + [
            _is_exactly_in(backend, word) for word in exact
        ]
        return True if True in answers else None if None in answers else False

    return _negate_if(decide, negated)


def _is_in(backend: Backend, word: str) -> bool | None:
    state, is_client = backend.state, backend.is_client
    if backend.backend_start is None or word == "hidden":
        return (backend.backend_start is None) if word == "hidden" else None
    waits = state == "active" and backend.wait_event_type == "Lock"
    in_transaction = state in ("idle in transaction", "idle in transaction (aborted)")
    if word == "other":
        ordinary = state in ("active", "idle") or in_transaction
        return not ordinary and (state is not None or is_client)
    if word == "disabled":
        return state == "disabled"
    if state == "disabled":
        return None
    return {
        "active": state == "active" and not waits, "waiting": waits, "idle": state == "idle",
        "in transaction": in_transaction, "aborted": state == "idle in transaction (aborted)",
        "fastpath": state == "fastpath function call", "starting": state is None and is_client,
    }[word]  # fmt: skip


def _is_exactly_in(backend: Backend, word: str) -> bool | None:
    doubtful = {"active": "waiting", "idle in transaction": "aborted"}[word]
    if _is_in(backend, doubtful):
        return None
    return _is_in(
        backend, {"active": "active", "idle in transaction": "in transaction"}[word]
    )


def _state_text(verb: str, values: str) -> Decision:
    def decide(backend: Backend, _: DerivedSnapshot) -> bool | None:
        if backend.backend_start is None or backend.state == "disabled":
            return None
        texts = (_seen_state(backend), _servers_state(backend))
        return any(_is_match("matches", _strings(values)[0], text) for text in texts)

    return _negate_if(decide, verb != "matches")


def _events(backend: Backend) -> list[str] | None:
    if backend.wait_event_type is None:
        return None if backend.backend_start is None else [""]
    event = backend.wait_event or ""
    return [f"{backend.wait_event_type}:{event}", backend.wait_event_type, event]


def _event(negated: str | None, items: str) -> Decision:
    wanted: list[tuple[str, str]] = []
    for verb, strings in re.findall(rf"({_EVENT_VERB}) ({_STRINGS})", items):
        wanted += [(verb, string) for string in _strings(strings)]

    def decide(backend: Backend, _: DerivedSnapshot) -> bool | None:
        events = _events(backend)
        if events is None:
            return None
        kind = (backend.wait_event_type or "").lower()
        return any(
            kind == string.lower()
            if verb == "of type"
            else any(_is_match(verb, string, event) for event in events)
            for verb, string in wanted
        )

    return _negate_if(decide, negated)


def _no_event(what: str) -> Decision:
    def decide(backend: Backend, _: DerivedSnapshot) -> bool | None:
        events = _events(backend)
        return None if events is None else events == [""]

    return _negate_if(decide, what == "something")


def _pid(negated: str | None, pids: str) -> Decision:
    return _negate_if(
        lambda backend, _: str(backend.pid) in pids.split(" or "), negated
    )


def _blockers(backend: Backend) -> set[int] | None:
    waits = backend.backend_start is None or backend.wait_event_type == "Lock"
    return None if waits and not backend.blocked_by else set(backend.blocked_by)


def _waits_for(negated: str | None, items: str) -> Decision:
    pids = {int(pid) for pid in re.findall(r"pid ([0-9]+)", items)} | (
        {0} if "prepared" in items else set()
    )

    def decide(backend: Backend, _: DerivedSnapshot) -> bool | None:
        blockers = _blockers(backend)
        return None if blockers is None else bool(pids & blockers)

    return _negate_if(decide, negated)


def _blocked(negated: str | None, bound: str | None, count: str | None) -> Decision:
    bound, count = bound or "exactly", count or "0"

    def decide(backend: Backend, _: DerivedSnapshot) -> bool | None:
        blockers = _blockers(backend)
        return None if blockers is None else _BOUNDS[bound](len(blockers), int(count))

    return _negate_if(decide, negated)


def _blocking(negated: str | None, bound: str | None, count: str | None) -> Decision:
    bound, count = bound or "exactly", count or "0"

    def decide(backend: Backend, derived: DerivedSnapshot) -> bool | None:
        least = derived.blocks.get(backend.pid, 0)
        most = (
            math.inf
            if any(_blockers(b) is None for b in derived.snapshot.backends)
            else least
        )
        compare, wanted = _BOUNDS[bound], int(count)
        if compare is operator.eq:
            return (
                False
                if not least <= wanted <= most
                else True
                if least == most
                else None
            )
        answers = {compare(least, wanted), compare(most, wanted)}
        return answers.pop() if len(answers) == 1 else None

    return _negate_if(decide, negated)


def _time(which: str, bound: str, duration: str) -> Decision:
    parts = re.findall(r"([0-9.]+) (ms|s|min|h|d|w)", duration)
    limit = sum(float(number) * _UNITS[unit] for number, unit in parts)

    def decide(backend: Backend, derived: DerivedSnapshot) -> bool | None:
        since = _since(_TIMES[which], backend)
        return (
            None
            if since is None
            else _BOUNDS[bound]((derived.now - since) / 1_000_000, limit)
        )

    return decide


def _since(what: str, backend: Backend) -> int | None:
    runs = backend.state in ("active", "fastpath function call")
    active = backend.query_start if backend.state == "active" else None
    return {
        "xact": backend.xact_start, "statement": backend.query_start if runs else None,
        "state": backend.state_change, "login": backend.backend_start,
        "idle": backend.state_change if backend.state == "idle" else None,
        "age": next((each for each in (backend.xact_start, active,
        backend.state_change) if each is not None), None),
    }[what]  # fmt: skip


_BOUND = "|".join(_BOUNDS)
_COUNT = rf"(?:no session|({_BOUND}) ([0-9]+) sessions?)"
_NAME = "in (?:database|databases whose name (contains|matches))"
PHRASES: tuple[tuple[str, Callable[..., Decision]], ...] = (
    (rf"whose ({'|'.join(_NOUNS)}) {_COMPARED}", _field),
    (rf"(not )?{_NAME} ({_STRINGS})(?: ignoring case)?", _database),
    (rf"(with|matching) ({_STRING}) in (any|no) column(?: ignoring case)?", _column),
    (rf"whose address {_COMPARED}", _address_text),
    (rf"(not )?from ({_PLACE}(?: or {_PLACE})*)", _place),
    (rf"from (neither) ({_PLACE}(?: nor {_PLACE})*)", _place),
    (rf"whose state {_COMPARED}", _state_text),
    (rf"(not )?waiting for an event ({_EVENT}(?: or {_EVENT})*)(?: ignoring case)?", _event),
    (r"waiting for (nothing|something)", _no_event),
    (rf"(not )?waiting for ({_WAITED}(?: or {_WAITED})*)", _waits_for),
    (rf"with (a )?pid (?:other than )?({_PIDS})", _pid),
    (rf"({'|'.join(_TIMES)}) ({_BOUND}) ((?:[0-9.]+ [a-z]+ ?)+)(?<! )", _time),
    (rf"(not )?blocking {_COUNT}", _blocking),
    (rf"(not )?blocked by {_COUNT}", _blocked),
    (rf"that are (neither) ({_ONE_STATE}(?: nor {_ONE_STATE})*){_MAY_WAIT}", _state),
    (rf"that are ()({_ONE_STATE}(?: or {_ONE_STATE})*)", _state),
    (rf"that are (not )({_ONE_STATE}){_MAY_WAIT}", _state),
)  # fmt: skip
