"""The parts of a report, in plain words and without markup."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from pgtop.analysis.incident import Episode, Incident, SeenQuery
from pgtop.analysis.sample_summary import SampleSummary
from pgtop.model.gap import Gap
from pgtop.model.timestamp import Instant, seconds_between, to_datetime
from pgtop.sources.recording.file_format import BlockHeader
from pgtop.text.clean import clean
from pgtop.text.identity import name_of_session
from pgtop.text.units import age

_LONGEST_TEXT = 600
"""Characters of a query."""
_MOST_VICTIMS = 12
_MOST_SIGNALS = 100
_SECOND = 1_000_000


class TextPart(NamedTuple):
    """A sentence or two."""

    text: str


class TablePart(NamedTuple):
    """Rows of cells; a column with `is_code` holds SQL or names of programs."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    code: int | None = None
    """The column with queries, if there is one."""


class Curve(NamedTuple):
    """The values of one name in a chart."""

    name: str
    values: Sequence[float]


class Chart(NamedTuple):
    """Curves over the time of the report. `limit` is drawn as a line across."""

    title: str
    unit: str
    times: Sequence[Instant]
    curves: Sequence[Curve]
    gaps: Sequence[Gap] = ()
    """Times without samples, in which nothing is drawn."""
    limit: Curve | None = None

    @property
    def all_curves(self) -> Sequence[Curve]:
        """The curves, and the limit behind them."""
        return (*self.curves, self.limit) if self.limit else self.curves


Part: TypeAlias = TextPart | TablePart | Chart


class ReportSection(NamedTuple):
    """Parts under a heading."""

    heading: str
    parts: Sequence[Part]


class Evidence(NamedTuple):
    """All that a report is made of."""

    header: BlockHeader
    incident: Incident
    gaps: Sequence[Gap]
    damages: int
    """Blocks of the recording that cannot be read."""
    signals: Sequence[Mapping[str, Any]]
    """Records of the audit log, in the order of time."""
    is_sparse: bool
    """True if only one sample a minute was read in full."""


class Page(NamedTuple):
    """A title and sections."""

    title: str
    sections: Sequence[ReportSection]


def report(evidence: Evidence) -> Page:
    """Choose what the report has to show."""
    header = evidence.header
    incident = evidence.incident
    first, last = incident.first_at, incident.last_at
    title = f"{clean(header.server)}, {_time(first)} to {_clock(last, first)} UTC"
    return Page(
        title,
        [
            ReportSection("Summary", list(_summary(evidence))),
            ReportSection("Connections and sessions", _charts(evidence)),
            ReportSection("Roots of lock queues", list(_roots(evidence))),
            ReportSection("Queries by the time seen", list(_queries(incident.queries))),
            ReportSection("Signals sent with pgtop", list(_signals(evidence.signals))),
            ReportSection("Gaps", list(_gaps(evidence))),
            ReportSection("What sampling cannot show", list(_limits(evidence))),
        ],
    )


def _summary(evidence: Evidence) -> Iterable[Part]:
    incident = evidence.incident
    summaries = incident.summaries
    header = evidence.header
    seconds = seconds_between(incident.first_at, incident.last_at)
    rights = "all sessions" if header.reads_all else "only part of the sessions"
    yield TextPart(
        f"PostgreSQL {clean(header.version)}, recorded by pgtop {clean(header.pgtop)} as"
        f" {clean(header.role)}, which sees {rights}: {len(summaries)} samples in"
        f" {age(seconds)}."
    )
    rows = []
    fullest = max(summaries, key=lambda summary: summary.used)
    rows.append(
        ["Most slots used", f"{fullest.used} of {fullest.usable}", _clock(fullest.at)]
    )
    waiters = max(summaries, key=lambda summary: summary.waiting)
    if waiters.waiting:
        rows.append(["Most waiters", str(waiters.waiting), _clock(waiters.at)])
    longest = max(summaries, key=lambda summary: summary.oldest_transaction or 0)
    if longest.oldest_transaction:
        rows.append(
            [
                "Oldest transaction",
                age(longest.oldest_transaction),
                _clock(longest.at),
            ]
        )
    rows.append(["Roots of lock queues", str(len(incident.episodes)), ""])
    rows.append(["Signals sent with pgtop", str(len(evidence.signals)), ""])
    yield TablePart(["", "value", "at (UTC)"], rows)


def _charts(evidence: Evidence) -> list[Part]:
    summaries = evidence.incident.summaries
    gaps = evidence.gaps
    times = [summary.at for summary in summaries]
    states = ("active", "waiting", "idle_in_transaction", "idle")
    by_state = [_curve(summaries, name, name.replace("_", " ")) for name in states]
    return [
        Chart(
            title="Connection slots used",
            unit="slots",
            times=times,
            curves=[_curve(summaries, "used", "used")],
            gaps=gaps,
            limit=_curve(summaries, "usable", "for ordinary roles"),
        ),
        Chart("Sessions by state", "sessions", times, by_state, gaps),
        Chart(
            title="Sessions waiting for locks",
            unit="sessions",
            times=times,
            curves=[_curve(summaries, "waiting", "waiting")],
            gaps=gaps,
        ),
        Chart(
            title="Oldest transaction",
            unit="seconds",
            times=times,
            curves=[_curve(summaries, "oldest_transaction", "age")],
            gaps=gaps,
        ),
    ]


def _curve(summaries: Sequence[SampleSummary], field: str, name: str) -> Curve:
    return Curve(name, [getattr(summary, field) or 0 for summary in summaries])


def _roots(evidence: Evidence) -> Iterable[Part]:
    episodes = evidence.incident.episodes
    if not episodes:
        yield TextPart("No session blocked another one in any sample.")
        return
    rows = [_root(episode, evidence.signals) for episode in episodes]
    headings = [
        "root", "role@database, application", "seen (UTC)", "waiters", "longest wait", "victims",
        "end", "query when first seen",
    ]  # fmt: skip
    yield TablePart(headings, rows, code=len(headings) - 1)


def _root(episode: Episode, signals: Sequence[Mapping[str, Any]]) -> list[str]:
    backend = episode.backend
    return [
        clean(episode.name),
        _account(episode),
        f"{_clock(episode.first_at)} to {_clock(episode.last_at)}",
        str(episode.most_waiters),
        age(episode.longest_wait),
        _victims(episode),
        _end(episode, signals),
        _text(None if backend is None else backend.query),
    ]


def _account(episode: Episode) -> str:
    if episode.backend is None:
        return "prepared transaction"
    application = episode.backend.application_name or ""
    return clean(
        ", ".join(filter(None, (name_of_session(episode.backend), application)))
    )


def _victims(episode: Episode) -> str:
    shown = ", ".join(map(str, episode.victims[:_MOST_VICTIMS]))
    rest = len(episode.victims) - _MOST_VICTIMS
    return f"{shown} and {rest} more" if rest > 0 else shown


def _end(episode: Episode, signals: Iterable[Mapping[str, Any]]) -> str:
    """Return how the root ended, with the signal of the audit log that was sent to it."""
    words = {
        "gone": "the session was gone in the next sample",
        "released": "it held up no session in the next sample",
        "lasts": "it lasted until the end",
    }[episode.end]
    signal = next((each for each in signals if _is_target(each, episode)), None)
    if signal is None:
        return words
    return f"{words}; {_signal_words(signal)}"


def _is_target(signal: Mapping[str, Any], episode: Episode) -> bool:
    """Return whether a signal went to this session while it was a root, or right after."""
    backend = episode.backend
    if backend is None or signal.get("pid") != backend.pid:
        return False
    if signal.get("at_instant", 0) < episode.first_at - _SECOND:
        return False
    start = signal.get("backend_start_instant")
    return start is None or start == backend.backend_start


def _signal_words(signal: Mapping[str, Any]) -> str:
    outcome = signal.get("outcome") or {}
    person = clean(str(signal.get("os_user") or signal.get("user") or "a user"))
    effect = clean(str(outcome.get("effect", "outcome unknown")))
    reason = clean(str(signal.get("reason") or ""))
    name = clean(str(signal.get("signal")))
    words = f"{name} by {person} at {signal.get('clock')}: {effect}"
    return f"{words} ({reason})" if reason else words


def _queries(queries: Sequence[SeenQuery]) -> Iterable[Part]:
    if not queries:
        yield TextPart("No query of a client was seen running.")
        return
    rows = [
        [
            age(query.seconds),
            str(query.sessions),
            str(query.at_once),
            age(query.longest),
            _text(query.text),
        ]
        for query in queries
    ]
    yield TablePart(
        ["time", "sessions", "at once", "longest run", "query"], rows, code=4
    )


def _signals(signals: Sequence[Mapping[str, Any]]) -> Iterable[Part]:
    if not signals:
        yield TextPart("The audit log of this user has none for this time and server.")
        return
    rows = [
        [
            str(signal.get("clock", "")),
            clean(str(signal.get("signal", ""))),
            clean(str(signal.get("pid", ""))),
            clean(f"{signal.get('role')}@{signal.get('database')}"),
            _signal_words(signal),
            _text(signal.get("query")),
        ]
        for signal in signals[:_MOST_SIGNALS]
    ]
    headings = ["at (UTC)", "signal", "pid", "session", "outcome", "query"]
    yield TablePart(headings, rows, code=5)


def _gaps(evidence: Evidence) -> Iterable[Part]:
    if evidence.damages:
        yield TextPart(f"{evidence.damages} blocks of the recording are damaged.")
    if not evidence.gaps:
        yield TextPart("None: the recorder noted no time without samples.")
        return
    rows = []
    for gap in evidence.gaps:
        end = "the end" if gap.last_at is None else _clock(gap.last_at)
        length = ""
        if gap.last_at is not None:
            length = age(seconds_between(gap.first_at, gap.last_at))
        rows.append([_clock(gap.first_at), end, length, clean(gap.reason)])
    yield TablePart(["from (UTC)", "to", "length", "reason"], rows)


def _limits(evidence: Evidence) -> Iterable[Part]:
    step = evidence.incident.step
    cadence = f"every {step:.2g} s" if step else "once"
    yield TextPart(
        f"Sessions were read {cadence}: what came and went between two samples is missing, and"
        " each time above is right to that accuracy. The time of a query is the number of samples"
        " that show it, times their distance: it counts no CPU and no waiting by itself."
    )
    if evidence.is_sparse:
        yield TextPart(
            "For a time as long as this, roots and queries were read from one sample a minute;"
            " --since and --until choose a shorter one. The charts have every sample."
        )
    if not evidence.header.reads_all:
        yield TextPart(
            "The role of the recorder could not see the queries and states of other roles."
        )


def _text(text: str | None) -> str:
    words = " ".join(clean(text or "").split())
    if len(words) > _LONGEST_TEXT:
        words = f"{words[:_LONGEST_TEXT]}…"
    return words


def _time(instant: Instant) -> str:
    return f"{to_datetime(instant):%Y-%m-%d %H:%M:%S}"


def _clock(instant: Instant, since: Instant | None = None) -> str:
    """Return the time of day; with the date if `since` is another day."""
    if since is not None and to_datetime(since).date() != to_datetime(instant).date():
        return _time(instant)
    return f"{to_datetime(instant):%H:%M:%S}"
