"""The header: what is in it at every size, and that no width hides a doubt."""

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.budget import budget
from pgtop.analysis.last_minute import LastMinute
from pgtop.config.servers import ServerProfile
from pgtop.config.settings import Settings
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.rates import SECTION, DatabaseCounters, Rates, RatesReading
from pgtop.model.section import Section
from pgtop.model.server import Login, Reserve, Rights
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.monitor.poller import Event, Paused, PollFailed, PollOverdue
from pgtop.monitor.state import State
from pgtop.text.clean import cells
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.tui.tabs import tabs_of
from pgtop.view.bar import bar_line
from pgtop.view.header import Header, header
from pgtop.view.headline import headline
from pgtop.view.looks import Looks
from pgtop.view.slot_words import your_words
from pgtop.view.tabs import Tab, tab_line
from pgtop.view.use_line import use_line
from pgtop.view_registry import VIEWS
from tests.keys import hint
from tests.scenes import busy, calm, full, nearly_full, not_privileged, standstill
from tests.scenes.sessions import runaway

OLD = 110_010
BEFORE_18 = 170_010
SUPERUSER = Login(10, "postgres", superuser=True)
LOST = PollFailed(Failure(FailureKind.UNREACHABLE, "connection reset"), 4.0, 12.0)
SCENES = [busy, calm, full, nearly_full, not_privileged, standstill]
EVENTS = [None, LOST, PollOverdue(4.0, 5.0), Paused(5.0)]


def text(spans: Iterable[Span]) -> str:
    return "".join(span.text for span in spans)


def on(snapshot: Snapshot, **changes: object) -> Snapshot:
    return replace(snapshot, server=snapshot.server._replace(**changes))  # type: ignore[arg-type]  # the tests name real fields


def state_of(snapshot: Snapshot, event: Event | None = None) -> State:
    state = State.first(snapshot, Settings())
    return state if event is None else state._replace(event=event)


def shown(
    state: State,
    width: int = 80,
    height: int = 24,
    settings: Settings | None = None,
) -> Header:
    looks = Looks.of(settings or Settings())
    return header(
        state,
        looks,
        tabs_of(VIEWS, VIEWS[0], state, looks),
        width,
        height,
    )


def lines_of(top: Header) -> list[str]:
    return [text(line) for line in top.lines]


# The bar.


@pytest.mark.parametrize(
    ("snapshot", "end"),
    [
        (calm(), " 83 free R3"),
        (nearly_full(), " 6 free R3"),
        (full(), " 0 free R2/3"),
        (not_privileged(), " about 52 free R3"),
        (on(calm(), version_num=BEFORE_18), " 83 free R3"),
        (on(nearly_full(), version_num=BEFORE_18), " at most 6 free R3"),
        (on(full(), version_num=BEFORE_18), " 0 free R2/3"),
    ],
)
def test_free_and_reserved_slots(snapshot: Snapshot, end: str) -> None:
    """Near the limit, unseen logins make `free` an upper bound; a quiet server does not mention
    them.
    """
    assert text(bar_line(budget(snapshot), 80, has_letters=False)).endswith(end)


def test_the_bar_has_a_letter_and_a_number_for_each_part() -> None:
    """Plates in colour, and letters that fill the parts without it."""
    slots = budget(busy())
    plates = bar_line(slots, 80, has_letters=False)
    assert [span.tone for span in plates[:4]] == [
        Tone.CALM_PLATE,
        Tone.ALARM_PLATE,
        Tone.WARN_PLATE,
        Tone.QUIET_PLATE,
    ]
    words = [span.text.strip(" ░·") for span in plates]
    assert words == ["A13", "W4", "T4", "i22", "54 free", "R3"]
    letters = text(bar_line(slots, 80, has_letters=True))
    assert re.fullmatch(r"A13A+W4W*T4T*i22i+·+ 54 free R3R*", letters)


# The numbers.


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (calm(), "4 for you (role limit)"),
        (on(calm(), roles={}), "83 for you"),
        (on(calm(), login=SUPERUSER), "86 for you, 3 reserved"),
        (on(not_privileged(), roles={}), "about 52 for you"),
        (full(), "2 for you, both reserved"),
        (
            on(full(), version_num=BEFORE_18),
            "at most 2 for you, both reserved",
        ),
        (on(nearly_full(), version_num=BEFORE_18, roles={}), "at most 6 for you"),
        (on(nearly_full(), version_num=BEFORE_18), "4 for you (role limit)"),
    ],
)
def test_what_you_can_still_open(snapshot: Snapshot, expected: str) -> None:
    """The connections left are `free` plus the reserved slots that the role may use, or its own
    limit.
    """
    assert your_words(budget(snapshot))[0] == expected
    line = text(use_line(state_of(snapshot), 120))
    assert f"  {expected}  " in f"{line}  "


def test_reserves_are_named_where_there_is_room() -> None:
    """Slots reserved by a setting of Amazon's belong to its role."""
    limits = calm().server.limits._replace(
        reserved_connections=5, vendor_reserves=(Reserve("rds_superuser", 2),)
    )
    line = text(use_line(state_of(on(calm(), limits=limits)), 200))
    assert (
        "3 reserved for superusers, 5 reserved for pg_use_reserved_connections, 2 reserved "
        "for rds_superuser" in line
    )
    assert "2 of 3 reserved left" in text(use_line(state_of(full()), 200))
    assert "walsenders 1/10" in text(use_line(state_of(busy()), 200))


def test_walsenders_matter_near_their_limit() -> None:
    """A standby that comes back finds none free then: 80 columns show it."""
    limits = calm().server.limits._replace(max_wal_senders=1)
    line = use_line(state_of(on(calm(), limits=limits, roles={})), 80)
    assert Span("walsenders 1/1", Tone.WARN) in line


def test_the_last_minute_stands_beside_its_numbers() -> None:
    """Sparklines rise with the slots and with the waiters, and the change is exact."""
    state = state_of(calm())
    minute = LastMinute()
    for second in range(61):
        at = calm().taken_at + second * MICROSECONDS
        slots = state.budget._replace(used=100 + second)
        minute = minute.after(replace(calm(), taken_at=at), slots)
    line = text(use_line(state._replace(last_minute=minute), 80))
    assert re.search(r"used ▁[▁-█]+█ \+60  ", line), line
    assert "waiting ▁▁▁▁▁▁▁▁ 0 in 60 s" in line


def test_more_rates_on_wider_screens() -> None:
    """Transactions from 80 columns on, rollbacks and cache from 120, rows and temp from 160."""
    rates = Rates(
        seconds=5.0,
        transactions=1204.4,
        rollbacks=3.0,
        rows_read=88_000.0,
        rows_written=1_900.0,
        temp_bytes=4_100_000.0,
        cache_hits=0.9915,
        deadlocks=0.0,
    )
    counters = DatabaseCounters(*[0] * 10)
    section = Section(calm().taken_at, RatesReading(counters, rates))
    state = state_of(replace(on(calm(), roles={}), sections={SECTION: section}))
    ends = {
        80: "tx/s 1,204",
        120: "tx/s 1,204  rollbacks/s 3.0  cache 99.1%",
        200: (
            "rows/s 88k read 1,900 written  temp/s 4.1 MB  tx/s 1,204"
            "  rollbacks/s 3.0  cache 99.1%"
        ),
    }
    for width, end in ends.items():
        line = text(use_line(state, width))
        assert line.endswith(end)
        assert len(line) == width


# The headline.


def test_the_worst_comes_first() -> None:
    """A lost server comes before a full one, that before waiters, and those before a restart."""
    looks = Looks()
    away = text(headline(state_of(full(), LOST), looks, 200).line)
    for_later = ("server away for 12 s", "FULL", "4 waiting")
    places = [away.index(words) for words in for_later]
    assert places == sorted(places)
    for width, key_words in ((80, "locks"), (81, "who blocks whom")):
        waiting = text(headline(state_of(busy()), looks, width).line)
        assert waiting.startswith("▲ 4 waiting, longest 9m02s, all for 47903")
        assert waiting.endswith(f"{hint('show_locks')} {key_words}")
        assert cells(waiting) == width


def test_a_calm_server_is_called_calm() -> None:
    """Only if all sessions can be seen: else the right that is missing stands there."""
    line = headline(state_of(calm()), Looks(), 80).line
    assert line[0] == Span("No session waits for a lock.", Tone.CALM)
    hidden = text(headline(state_of(not_privileged()), Looks(), 80).line)
    assert "you see 1 of 45 sessions: grant pg_read_all_stats to monitor" in hidden


def test_a_query_over_the_limit_is_named() -> None:
    """With the key that goes there; another view leads to the sessions."""
    scene = calm()
    state = state_of(replace(scene, ungrouped=(*scene.backends, *runaway())))
    for view, key in (("sessions", "follow"), ("locks", "show_sessions")):
        words = text(headline(state, Looks(), 80, view).line)
        assert words.startswith("! 48711 has run a query for over 47m")
        assert hint(key) in words.split()


def test_no_key_leads_to_the_session_under_the_cursor() -> None:
    """The view of the locks is offered in its place, and nothing in place of a long query."""
    top = headline(state_of(busy()), Looks(), 80, "sessions", leads_to_worst=False)
    assert hint("show_locks") in text(top.line).split()
    assert hint("follow") not in text(top.line).split()
    scene = calm()
    long = state_of(replace(scene, ungrouped=(*scene.backends, *runaway())))
    top = headline(long, Looks(), 80, "sessions", leads_to_worst=False)
    assert hint("follow") not in text(top.line).split()


def test_no_key_leads_to_the_view_in_sight() -> None:
    """A click still goes to the root."""
    top = headline(state_of(busy()), Looks(), 80, view="locks")
    assert "who blocks whom" not in text(top.line)
    assert top.lead is not None


def test_a_doubt_without_room_is_kept_for_the_notice() -> None:
    """Locks that are older than the snapshot are never shown without that word."""
    slow = standstill()
    note = "the lock manager is slow: locks are 12 s old"
    slow = replace(slow, locks=slow.locks._replace(note=note))
    top = headline(state_of(slow), Looks(), 80)
    assert note in text(top.line) or note in text(top.doubt)


@pytest.mark.parametrize("limit", ["role limit", "database limit"])
def test_a_limit_that_is_reached_is_named(limit: str) -> None:
    """Free slots do not help a role or a database at its limit."""
    state = state_of(calm())
    slots = state.budget._replace(openable=0, openable_limit=limit)
    words = text(headline(state._replace(budget=slots), Looks(), 80).line)
    assert limit.partition(" ")[0] in words
    assert "limit" in words


def test_another_role_at_its_limit_is_named() -> None:
    """The applications of that role fail, while the server has free slots."""
    before = calm()
    name = "api"
    [oid] = {b.usesysid for b in before.backends if b.usename == name and b.usesysid}
    held = [b.usename for b in before.backends if b.is_client].count(name)
    role = before.server.roles[oid]._replace(connection_limit=held)
    roles = {**before.server.roles, oid: role}
    state = state_of(on(before, roles=roles))
    assert [group.name for group in state.full_groups] == [role.name]
    words = text(headline(state, Looks(), 80).line)
    assert f"role {role.name} has all {held} of its {held} connections" in words
    roomy = role._replace(connection_limit=held + 1)
    assert not state_of(on(before, roles={oid: roomy})).full_groups


# The tabs.


def test_the_tabs_are_the_views() -> None:
    """Each with its key; the one in sight and the one with an alarm have tones of their own."""
    state = state_of(busy())
    top = shown(state)
    line = top.tabs.line
    assert (
        text(line).rstrip()
        == " 1 Sessions  2 Connections  3 Locks 4  4 Waits  5 Statements"
    )
    assert line[0] == Span(" 1 Sessions ", Tone.TAB)
    assert Span(" Locks 4 ", Tone.ALARM) in line
    calls = [place.call for place in top.tabs.places]
    with_rows = [view for view in VIEWS if view.has_rows(state)]
    assert calls == [view.action.call for view in with_rows]


def test_a_tab_without_rows_is_not_there() -> None:
    """Unless its view is in sight."""
    empty = VIEWS[2]._replace(has_rows=lambda _: False)
    views = (*VIEWS[:2], empty)
    state = state_of(calm())
    elsewhere = tabs_of(views, views[0], state, Looks())
    assert [tab.view for tab in elsewhere.tabs] == ["sessions", "breakdown"]
    there = tabs_of(views, empty, state, Looks())
    assert [tab.view for tab in there.tabs] == ["sessions", "breakdown", "locks"]


@given(st.integers(20, 200), st.integers(0, 8), st.integers(0, 99))
def test_tabs_fit_and_keep_the_alarm(width: int, active: int, alarms: int) -> None:
    """The names of calm views give way first; a place covers its own tab and no other."""
    tabs = [
        Tab(f"view{n}", str(n), f"A long name {n}", f"View {n}", f"open({n})")
        for n in range(9)
    ]
    tabs[3] = tabs[3]._replace(alarms=alarms)
    line = tab_line(tabs, f"view{active}", (), width)
    shown_tabs = text(line.line)
    assert cells(shown_tabs) <= width
    ends = [place.end for place in line.places]
    assert ends == sorted(ends)
    for place in line.places:
        key = shown_tabs[place.start : place.end].split()[0]
        assert place.call == f"open({key})"


def test_the_first_views_lose_their_names_first() -> None:
    """With a count, the names of all seven views are wider than 80 cells."""
    names = [view.label.capitalize() for view in VIEWS]
    tabs = [Tab(name, str(n), name, name, "") for n, name in enumerate(names, 1)]
    tabs[6] = tabs[6]._replace(alarms=143)
    shown_tabs = text(tab_line(tabs, "Replication", (), 80).line)
    assert shown_tabs.startswith(" 1  2 Connections  3 Locks  4 Waits  5 Statements")
    assert shown_tabs.rstrip().endswith("6 Replication  7 Pools 143")


# All sizes.


def test_the_number_of_lines() -> None:
    """Five from 24 lines on, three from 16 on, and two below that."""
    state = state_of(busy())
    for height, count in ((50, 5), (24, 5), (23, 3), (16, 3), (15, 2), (10, 2)):
        top = shown(state, 80, height)
        assert len(top.lines) == count


def test_two_lines_on_a_small_screen() -> None:
    """The label, the short name, the slots, the waiters, the idle transactions and the clock."""
    profile = ServerProfile("prod", label="PROD")
    state = state_of(on(busy(), roles={}))
    top = lines_of(shown(state, 40, 10, Settings(server=profile)))
    assert top[0].startswith(" PROD  db1  43/97  W4 T4")
    assert top[0].endswith("14:25:07 UTC")
    assert top[1].startswith("▲ 4 waiting 9m02s for 47903")


def test_old_data_are_quiet_and_marked() -> None:
    """The plate with their age comes before the server, and the numbers lose their tones."""
    top = shown(state_of(busy(), LOST))
    assert top.server[0][0] == Span(" DATA 12 s OLD ", Tone.WARN_PLATE)
    assert {span.tone for line in top.server[1:] for span in line} == {Tone.QUIET}
    first, *rest = top.headline.line
    assert first == Span("! server away", Tone.WARN_PLATE)
    assert not {span.tone for span in rest} & {Tone.ALARM, Tone.ALARM_PLATE}


def test_both_roles_are_named_if_they_differ() -> None:
    """The current role has the rights, and the login role holds the slot."""
    assert "monitor@postgres" in lines_of(shown(state_of(calm()), 120))[0]
    acting = on(calm(), user="team", user_oid=1)
    first = lines_of(shown(state_of(acting), 120))[0]
    assert "as team, logged in as monitor@postgres" in first


@given(
    st.integers(20, 200),
    st.integers(4, 50),
    st.sampled_from(SCENES),
    st.sampled_from(EVENTS),
    st.sampled_from([180_004, BEFORE_18, OLD]),
    st.booleans(),
    st.booleans(),
)
def test_every_line_fits_and_no_doubt_is_lost(
    width: int,
    height: int,
    scene: object,
    event: Event | None,
    version: int,
    is_plain: bool,
    acts: bool,
) -> None:
    """READ-ONLY, the age of the data, hidden sessions and bounds are shown at every size; another
    role and an untested version from 40 columns on, wherever there is a line for them.
    """
    snapshot = on(scene(), version_num=version)  # type: ignore[operator]  # a scene
    if acts:
        snapshot = on(snapshot, user="team", user_oid=1)
    settings = Settings(read_only=True, ascii=is_plain)
    top = shown(state_of(snapshot, event), width, height, settings)
    lines = lines_of(top)
    assert all(cells(line) <= width for line in lines), lines
    assert lines[0].startswith(("READ-ONLY", " READ-ONLY "))
    if isinstance(event, PollFailed | PollOverdue) and width >= 24:
        assert " s OLD " in lines[0]
    if isinstance(event, Paused) and width >= 24:
        assert "PAUSED" in lines[0]
    whole = "\n".join(lines)
    if snapshot.server.rights == Rights() and width >= 40:
        assert "hidden" in whole or re.search(r"\?\d+", whole)
        assert not re.search(r"(?<!about )(?<!~)\b\d+ free", whole)
    slots = budget(snapshot)
    if height > 15:
        is_doubtful = slots.free > 0 and slots.approximate
        _check_bar(top.server[1], width, is_doubtful)
    if width >= 60 and height > 15:
        assert not acts or "as team" in lines[0]
        assert version != OLD or re.search(r"\d\? |older than tested", f"{lines[0]} ")


def _check_bar(line: Line, width: int, is_doubtful: bool) -> None:
    """Check that the bar fills its line, and that a doubtful number is marked."""
    bar = text(line)
    assert cells(bar) == width
    assert not is_doubtful or re.search(r"about |~|at most |up to ", bar)
