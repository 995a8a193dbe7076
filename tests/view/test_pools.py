"""The pools as rows, in the header, and as the clients of sessions."""

from dataclasses import replace

from pgtop.analysis.breakdown import Dimension, breakdown
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.pooling import Concurrency, pooling_hint
from pgtop.config.settings import Settings
from pgtop.model.backend import Backend
from pgtop.model.pools import PoolsReading
from pgtop.model.signal import Signal
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.state import State
from pgtop.signalling.planning import plan_for_one
from pgtop.signalling.protection import guard
from pgtop.table.filter import Filter
from pgtop.table.options import Sort, TableOptions
from pgtop.table.session_cells import application, client
from pgtop.text.tone import Span, Tone
from pgtop.text.units import stepped_span
from pgtop.text.wrap import Line
from pgtop.tui.tabs import tabs_of
from pgtop.view.confirmation import change_since, propose
from pgtop.view.detail import detail_lines
from pgtop.view.header import Header, header
from pgtop.view.looks import Looks
from pgtop.view.pool_rows import layout, row_line
from pgtop.view.pool_words import hit_many_fields
from pgtop.view.pooling import pooling_words
from pgtop.view.pools import POOLS, ArrangedPools, arrange_pools, sessions_filter
from pgtop.view.server_words import pooled_words
from pgtop.view_registry import VIEWS
from tests.scenes import busy, calm
from tests.scenes.base import client as session
from tests.scenes.base import server, snapshot
from tests.scenes.pools import (
    ABOUT,
    BILLING,
    CALM,
    DIRECT,
    ENDPOINT,
    POOLER,
    READING,
    READY,
    SILENT,
    STEADY,
    SURE,
    WEB,
    WORKER,
    link,
    pool_client,
    pooled,
    with_pools,
)
from tests.scenes.pools import SESSIONS as BACKENDS


def text(spans: Line) -> str:
    return "".join([span.text for span in spans])


def arranged(scene: Snapshot, sort: str = "", words: str = "") -> ArrangedPools:
    options = TableOptions(POOLS.filter(words), Sort(sort or None))
    return arrange_pools(scene, options)


def lines(scene: Snapshot, width: int = 80) -> list[str]:
    rows = arrange_pools(scene, TableOptions(), width).rows
    return [text(row_line(layout(width), row, scene)).rstrip() for row in rows]


def top(scene: Snapshot, width: int = 80, height: int = 24) -> Header:
    state = State.first(scene, Settings())
    views = tabs_of(VIEWS, VIEWS[0], state, Looks())
    return header(state, Looks(), views, width, height)


# The view.


def test_a_full_pool_comes_first_and_its_clients_are_named() -> None:
    shown = lines(pooled())
    assert shown[0].split() == [
        "shop/web",
        "transaction",
        "20",
        "20",
        "0",
        "143",
        "9",
        "s",
        "full",
    ]
    assert shown[2].split() == ["shop/api", "session", "20", "19", "1", "0"]
    assert shown[6].split() == ["WAITING", "CLIENT", "APPLICATION", "WAITED", "WANTS"]
    assert shown[7].split() == ["10.0.3.7:51312", "shop-web", "9", "s", "shop/web"]
    assert shown[10] == " 140 more"
    source = "Read from PgBouncer 1.24.1 at db1:6432, just now. pgtop only reads there."
    assert shown[-1] == f" {source}"
    first = row_line(layout(80), arranged(pooled()).rows[0], pooled())
    assert {span.tone for span in first if "143" in span.text} == {Tone.ALARM}


def test_no_line_is_wider_than_the_screen() -> None:
    for scene in (pooled(), pooled(SILENT), pooled(READING, CALM)):
        for width in (20, 40, 60, 80, 200):
            assert max(map(len, lines(scene, width))) <= width


def test_pools_that_the_server_has_no_room_for_are_named() -> None:
    large = READING._replace(pools=(WEB._replace(size=150), BILLING))
    words = (
        "! Pool sizes add up to 160 (shop/web 150, billing/billing 10); the server has"
    )
    assert any(line.startswith(words) for line in lines(pooled(large)))
    assert any("add up to 50;" in line for line in lines(pooled()))


def test_a_limit_of_the_database_caps_its_pools() -> None:
    capped = [
        WEB._replace(user=user, size=80, database_limit=90) for user in ("a", "b")
    ]
    reading = READING._replace(pools=tuple(capped))
    assert any("add up to 90;" in line for line in lines(pooled(reading)))


def test_pools_of_another_server_take_nothing_from_this_one() -> None:
    elsewhere = BILLING._replace(size=500, server="10.4.0.2:5432")
    reading = READING._replace(pools=(WEB, elsewhere))
    assert any("add up to 20;" in line for line in lines(pooled(reading)))


def test_a_pooler_of_another_server_is_named_as_such() -> None:
    """Such pools take no slots of this server; those without server connections may do so."""
    unknown = READING.unused[0]._replace(remote_pid=1)
    elsewhere = READING._replace(links=(), unused=(unknown,), pools=(WEB,))
    shown = " ".join(lines(pooled(elsewhere)))
    assert f"! {ENDPOINT} has 1 server connection, and none to this server" in shown
    assert "add up to" not in shown
    unused = " ".join(lines(pooled(elsewhere._replace(unused=()))))
    assert "none to this server" not in unused
    assert "add up to 20;" in unused


def test_a_silent_pooler_shows_how_old_its_figures_are() -> None:
    shown = lines(pooled(SILENT))
    assert f"! {ENDPOINT} does not answer. The figures are 10 s old." in shown
    first = arranged(pooled(SILENT)).rows[0]
    tones = {span.tone for span in row_line(layout(80), first, pooled(SILENT))}
    assert tones == {Tone.QUIET}


def test_several_poolers_stand_apart() -> None:
    shown = lines(pooled(READING, CALM._replace(endpoint="db2:6432")))
    sources = [line for line in shown if line.startswith(" Read from")]
    assert [source.split()[5] for source in sources] == ["db1:6432,", "db2:6432,"]
    identities = [row.identity for row in arranged(pooled(READING, CALM)).rows]
    assert identities.count(None) < len(identities)


def test_filter_and_order() -> None:
    """Pools and clients match; words and titles go with them."""
    by_size = arranged(pooled(), sort="idle").rows[:3]
    assert [row.name for row in by_size] == ["billing/billing", "shop/api", "shop/web"]
    waiting = arranged(pooled(), words="waiting>0")
    assert (waiting.matching, waiting.total) == (1, 6)
    clients = arranged(pooled(), words="client:10.0.3.9")
    assert [row.client is not None for row in clients.rows].count(True) == 2
    assert not arranged(pooled(), words="nothing").rows


# The header.


def test_the_headline_has_the_pool_that_clients_wait_for() -> None:
    worst = top(pooled()).headline
    assert text(worst.line).startswith(
        "▲ pool shop/web 20 of 20 busy, 143 wait, oldest 9 s"
    )
    assert worst.lead is not None
    assert worst.lead.view == "pools"
    assert text(top(pooled()).tabs.line).rstrip().endswith("7 Pools 143")


def test_waiting_for_a_lock_is_worse_and_the_pool_keeps_its_line() -> None:
    """On a low screen the tab counts, on a high one the line below the bar is there."""
    scene = with_pools(busy(), PoolsReading((READING,)))
    assert "waiting" in text(top(scene).headline.line)
    assert len(top(scene).lines) == 5
    assert "Pools 143" in text(top(scene).tabs.line)
    line = text(top(scene, 100, 40).lines[3])
    assert line == "pool shop/web 20 of 20 busy, 143 wait, oldest 9 s"


def test_pools_in_order_are_quiet() -> None:
    low = text(top(pooled(CALM)).headline.line)
    assert low.endswith(" · pool 3 of 20 busy")
    high = top(pooled(CALM), 100, 40)
    assert high.lines[3] == (Span("pool shop/web 3 of 20 busy", Tone.QUIET),)
    assert "pool" not in text(high.headline.line)


def test_a_silent_pooler_is_a_warning() -> None:
    worst = top(pooled(SILENT)).headline.line
    words = f"! pooler {ENDPOINT} does not answer (10 s)"
    assert worst[0] == Span(words, Tone.WARN)
    assert "143" not in text(top(pooled(SILENT)).tabs.line)


def test_without_a_pooler_nothing_is_there() -> None:
    scene = calm()
    assert len(top(scene, 100, 40).lines) == 5
    assert "Pools" not in text(top(scene).tabs.line)


def test_waits_grow_in_steps() -> None:
    seconds = (0.3, 9.9, 19.9, 59, 60, 3_700)
    words = ["0 s", "9 s", "10 s", "50 s", "1 min", "61 min"]
    assert [stepped_span(each) for each in seconds] == words


def test_the_table_has_each_second_of_a_minute() -> None:
    """The headline grows in steps, but a wait of 19 s is not one of 10 s."""
    reading = READING._replace(pools=(WEB._replace(longest_wait_seconds=19.4),))
    assert " 19 s " in lines(pooled(reading))[0]


# The clients of sessions.


def test_a_session_shows_the_client_behind_the_pooler() -> None:
    """With a mark where another client may have it now."""
    derived = DerivedSnapshot.of(pooled())
    shown = [(client(each, derived), application(each, derived)) for each in SESSIONS]
    assert shown == [
        ("10.0.3.7", "shop-web"),
        ("~10.0.3.8", "shop-cart"),
        ("10.0.3.11", "shop-worker"),
        (POOLER, "shop-web"),
        ("10.4.9.7", "psql"),
    ]


SESSIONS = (SURE, ABOUT, STEADY, READY, DIRECT)


def pids(words: str) -> set[int]:
    derived = DerivedSnapshot.of(pooled())
    matches = Filter(words).on(derived)
    return {each.pid for each in SESSIONS if matches(each)}


def test_a_filter_finds_the_clients_that_are_shown() -> None:
    assert pids("client:10.0.3.") == {SURE.pid, ABOUT.pid, STEADY.pid}
    assert pids("client:=10.0.3.8") == {ABOUT.pid}
    assert pids(f"client:{POOLER}") == {READY.pid}
    assert pids("10.0.3.7") == {SURE.pid}
    assert pids("app:shop-worker") == {STEADY.pid}
    assert pids("app:worker") == {STEADY.pid}
    assert pids("pool:=shop/web") == {SURE.pid, ABOUT.pid, READY.pid}
    assert pids('pool:=""') == {DIRECT.pid}
    first = arranged(pooled()).rows[0]
    assert pids(sessions_filter(first)) == pids("pool:=shop/web")


def test_a_protected_client_stays_protected_under_each_of_its_names() -> None:
    """The pooler's address and the server's name of the application count as before; a client that
    may have changed may be any.
    """
    derived = DerivedSnapshot.of(pooled())
    for words in (f"client:{POOLER}", "client:10.0.3.7", "app:=shop-web"):
        assert guard([Filter(words)], derived)(SURE)
    assert not guard([Filter("client:10.0.3.8")], derived)(SURE)
    assert guard([Filter("client:10.9.9.9")], derived)(ABOUT)
    assert guard([Filter("client:10.9.9.9")], derived)(READY)
    assert not guard([Filter("client:10.9.9.9")], derived)(DIRECT)
    assert guard([Filter("app:=worker")], derived)(STEADY)


def test_the_connections_are_counted_by_their_clients() -> None:
    names = {share.name for share in breakdown(pooled(), Dimension.CLIENT)}
    assert {"10.0.3.7", "10.0.3.8", "10.0.3.11", POOLER} <= names
    applications = breakdown(pooled(), Dimension.APPLICATION)
    assert "shop-worker" in {share.name for share in applications}


def test_without_its_section_a_snapshot_shows_the_server_s_names() -> None:
    derived = DerivedSnapshot.of(replace(pooled(), sections={}))
    assert client(SURE, derived) == POOLER
    assert application(STEADY, derived) == "worker"


# The words for one session.


def detail_of(backend: Backend) -> str:
    derived = DerivedSnapshot.of(pooled())
    rows = detail_lines(backend, None, derived, 120)
    return "\n".join(map(text, rows))


def test_the_page_of_a_session_names_client_pool_and_mode() -> None:
    sure = (
        "10.0.3.7:51999 (shop-web) in pool shop/web, transaction mode, linked for 42s"
    )
    assert sure in detail_of(SURE)
    about = "probably 10.0.3.8:40100 (shop-cart) in pool shop/web, transaction mode; another"
    assert about in detail_of(ABOUT)
    assert "not known now: the session belongs to pool shop/web" in detail_of(READY)
    assert "shop/web" not in detail_of(DIRECT)


def question(signal: Signal, backend: Backend) -> str:
    derived = DerivedSnapshot.of(pooled())
    plan = plan_for_one(signal, backend, derived.snapshot)
    return "\n".join(map(text, propose(plan, derived).lines(120)))


def test_the_dialog_names_the_client_that_a_signal_hits() -> None:
    words = "ends the server connection that 10.0.3.7:51999 (shop-web) borrows now"
    assert words in question(Signal.TERMINATE, SURE)
    doubt = "that a client of shop/web borrows now, probably 10.0.3.8:40100 (shop-cart)"
    assert doubt in question(Signal.TERMINATE, ABOUT)
    assert "stops what runs on the server connection" in question(Signal.CANCEL, SURE)
    unknown = "that a client of shop/web may borrow: it is not known which"
    assert unknown in question(Signal.TERMINATE, READY)
    assert "borrow" not in question(Signal.TERMINATE, DIRECT)


def test_another_client_of_the_session_is_a_change() -> None:
    """As far as both are certain; the session itself may look the same."""
    before = DerivedSnapshot.of(pooled())
    other = link(STEADY, pool_client(12, 40_300), WORKER)
    after = DerivedSnapshot.of(pooled(READING._replace(links=(other,))))
    words = "another client borrows it since you opened this"
    assert change_since(STEADY, before, after) == words
    assert change_since(STEADY, before, before) == ""
    assert change_since(ABOUT, before, after) == ""


def test_many_sessions_name_their_clients() -> None:
    derived = DerivedSnapshot.of(pooled())
    [field] = hit_many_fields((SURE, ABOUT, READY), derived)
    words = "2 clients of poolers: 10.0.3.7 1, 10.0.3.8 1; 1 of them may have changed"
    assert text(field.value) == words


# The hint that a pooler would help.


def test_the_hint_names_the_pooler_and_leaves_its_applications_out() -> None:
    idle = [
        client_of(pid, application)
        for pid, application in enumerate(["shop-web", "report"] * 30, start=42_000)
    ]
    scene = with_pools(snapshot([*BACKENDS, *idle]), PoolsReading((READING,)))
    hint = pooling_hint(scene, Concurrency().observe(scene))
    assert hint is not None
    assert (hint.application, hint.pooler) == ("report", ENDPOINT)
    assert f"the pooler {ENDPOINT} would free 29" in pooling_words(hint)


def client_of(pid: int, application: str) -> Backend:
    return session(pid, "web@shop", application, since=600.0)


# Ways past a pooler, and its console.


def test_the_way_past_a_pooler_is_named_as_far_as_it_is_known() -> None:
    through = server(is_pooled=True, address="10.4.0.1:5432")
    assert pooled_words(through)[0] == (
        "through a pooler; the server itself: pgtop -h 10.4.0.1 -p 5432"
    )
    socket = pooled_words(through._replace(address=":5433"))
    assert socket[0].endswith("the server itself: port 5433 on the pooler's machine")
    assert pooled_words(through._replace(address=":")) == ("through a pooler",)
    assert pooled_words(server()) == ()
    shown = top(snapshot(BACKENDS, is_pooled=True, address="10.4.0.1:5432"))
    assert text(shown.headline.line).endswith(" · through a pooler")


def test_a_console_has_a_header_of_its_own() -> None:
    """With the pooler in place of a server, and neither bar nor tabs."""
    scene = replace(pooled(), server=server(version_num=0, version=""), ungrouped=())
    for width, height in ((80, 24), (40, 10), (20, 10)):
        shown = top(scene, width, height)
        assert max(len(text(each)) for each in shown.lines) <= width
        assert not shown.tabs.line
    whole = [text(each) for each in top(scene).lines]
    assert "PgBouncer 1.24.1" in whole[0]
    assert whole[1].startswith("A pooler's console: it has pools, and nothing")
    assert whole[2].startswith("▲ pool shop/web 20 of 20 busy")
