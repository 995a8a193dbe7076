"""The rows of the locks view: exact in width, folded and filtered by session."""

from dataclasses import replace

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import HIDDEN_QUERY, IDLE_IN_TRANSACTION, Backend, BackendId
from pgtop.model.detail import Lock
from pgtop.model.locks import Hold, LockState, Prepared, Wait
from pgtop.model.signal import Signal
from pgtop.signalling.planning import plan_for_one
from pgtop.table.filter import Filter
from pgtop.table.layout import header
from pgtop.table.options import Sort, TableOptions
from pgtop.table.session_cells import HIDDEN_WORDS
from pgtop.table.session_columns import column
from pgtop.table.sessions import arrange_sessions
from pgtop.text.clean import cells
from pgtop.text.tone import Tone
from pgtop.view.alarm import summary
from pgtop.view.confirmation import propose
from pgtop.view.lock_lines import LOCKS
from pgtop.view.lock_phrases import doing
from pgtop.view.lock_rows import LockRow, layout
from pgtop.view.locks import arrange_locks, without_session
from pgtop.view.unblocked import freed
from tests import scenes
from tests.lock_rows import rows
from tests.lock_rows import text as text_of

STANDSTILL = DerivedSnapshot.of(scenes.standstill())
HOLDER = 47_903


def names(shown: tuple[LockRow, ...]) -> list[int]:
    return [row.node.key for row in shown if row.node is not None]


def row_of(key: int, shown: tuple[LockRow, ...] | None = None) -> LockRow:
    return next(
        row
        for row in shown or rows(STANDSTILL)
        if row.node is not None and row.node.key == key
    )


def text(key: int, width: int = 200) -> str:
    return text_of(row_of(key), STANDSTILL, width)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (HOLDER, "root      "),
        (HOLDER, "idle in transaction 13m20s UPDATE accounts SET note"),
        (48_801, "Share on transaction 882944017   "),
        (48_806, "Exclusive on row (0,7) of accounts, also behind 48803 in the queue "),
        (48_809, "AccessExclusive on accounts, also for 48801 48803 48806 "),
        (49_004, "AccessShare on ledger queued "),
        (49_010, "DEADLOCK 49010 → 49011 → 49010"),
        (49_022, "Share on advisory key 4711 "),
        (49_022, "worker of 49021 · SELECT"),
        (49_030, "transactionid lock, 46999 which it waited for has ended"),
        (49_030, " ~5.0s "),
        (
            -882_001_377,
            "ROLLBACK PREPARED 'transfer-''4711''' · prepared 2d04h ago by billing in billing",
        ),
        (-882_001_377, " 14m59s "),
    ],
)
def test_words_of_a_node(key: int, words: str) -> None:
    """A row has its wait, its other blockers, and the statement that ends it."""
    assert words in text(key)


def test_a_deadlock_is_certain_only_if_read_at_one_instant() -> None:
    """With a member read a moment earlier it is no more than likely."""
    scene = scenes.standstill()
    derived = DerivedSnapshot.of(
        replace(scene, locks=scene.locks._replace(reused=frozenset({49_011})))
    )
    line = text_of(row_of(49_010, rows(derived)), derived)
    assert "perhaps a DEADLOCK 49010 → 49011 → 49010" in line


def test_prepared_blockers_are_named_by_gid() -> None:
    """Also where one waits for several: each gid is there once, so that each can be ended."""
    prepared = tuple(Prepared(xid, f"gid {xid}", scenes.NOW) for xid in (70, 71))
    holds = tuple(Hold("RowExclusiveLock", None, each.transaction) for each in prepared)
    waits = {2: Wait(Lock("relation", "ShareLock", False, "stock"), holds)}
    waiter = scenes.active(
        2, "web@shop", "web", "LOCK stock", 60, wait="Lock:relation", blocked_by=[0]
    )
    blocking = LockState(waits, prepared, is_current=True)
    derived = DerivedSnapshot.of(replace(scenes.snapshot([waiter]), locks=blocking))
    row = next(
        row for row in rows(derived) if row.node is not None and row.node.key == 2
    )
    line = text_of(row, derived, 200)
    assert "Share on stock, also for prepared transaction gid 70" in line
    assert (
        "behind prepared transaction gid 70, prepared transaction gid 71"
        in dialog(2, derived)[0]
    )


def test_nothing_holds_back_vacuum_only_if_all_was_read() -> None:
    """Until slots and prepared transactions are read, the list is still loading."""
    scene = scenes.snapshot([])
    loading = rows(DerivedSnapshot.of(scene))[-1]
    complete = rows(
        DerivedSnapshot.of(
            replace(scene, locks=LockState(is_current=True, is_complete=True))
        )
    )[-1]
    assert (loading.words, complete.words) == (
        "slots and prepared transactions: loading",
        "nothing",
    )


def test_a_hidden_holder_has_the_words_of_a_hidden_session() -> None:
    """A session that this role may not see names the grant that shows it, as among the waiters."""
    hidden = Backend(
        7, datid=5, datname="shop", usename="web", query=HIDDEN_QUERY, xmin_age=40
    )
    derived = DerivedSnapshot.of(scenes.snapshot([hidden]))
    [holder] = [row for row in rows(derived) if row.holder is not None]
    line = text_of(holder, derived, 140)
    assert HIDDEN_WORDS in line
    assert HIDDEN_QUERY not in line


def test_the_longest_wait_is_marked_where_it_is_not_exact() -> None:
    """Without the start of its wait it is counted from the state's change."""
    waiter = scenes.active(
        2,
        "web@shop",
        "web",
        "UPDATE stock",
        60,
        wait="Lock:transactionid",
        blocked_by=[1],
    )
    holder = scenes.client(1, "web@shop", state="idle in transaction", xact=90)
    words = "".join(
        span.text
        for span in summary(DerivedSnapshot.of(scenes.snapshot([holder, waiter])))
    )
    assert words.startswith("1 waiting, longest ~1m")


def test_a_deadlock_is_named_once() -> None:
    """By one of its members; the others only stand below."""
    lines = [text_of(row, STANDSTILL, 200) for row in rows(STANDSTILL)]
    assert sum("DEADLOCK" in line for line in lines) == 1


@pytest.mark.parametrize("width", [1, 12, 40, 80, 120, 200])
@pytest.mark.parametrize(
    "scene",
    [
        scenes.standstill,
        scenes.busy,
        scenes.hostile,
        scenes.not_privileged,
        scenes.calm,
    ],
)
def test_every_line_is_as_wide_as_asked(scene: object, width: int) -> None:
    """Header and rows fill the width exactly, whatever a server sends."""
    derived = DerivedSnapshot.of(scene())  # type: ignore[operator]
    placed = layout(width)
    lines = [LOCKS.line(placed, row, derived) for row in rows(derived)]
    lines.append(header(placed, Sort()))
    assert {sum(cells(span.text) for span in line) for line in lines} == {width}


def test_folding_hides_a_branch_and_says_how_many() -> None:
    """A branch is known by its session, also after the order has changed."""
    identity = row_of(48_801).identity
    assert identity is not None
    shown = rows(STANDSTILL, folded=frozenset({identity}), sort=Sort("pid"))
    assert {48_803, 48_806}.isdisjoint(names(shown))
    assert row_of(48_801, shown).hidden == 2


def test_a_filter_keeps_what_its_matches_stand_under() -> None:
    """The way up to the root stays, quiet; other branches go."""
    shown = rows(STANDSTILL, "app:dunning")
    assert names(shown) == [HOLDER, 48_801, 48_806]
    assert [row.quiet for row in shown if row.node] == [True, True, False]


def test_siblings_are_sorted() -> None:
    """By any column, each branch within itself."""
    shown = rows(STANDSTILL, sort=Sort("pid", descending=False))
    roots = [row.node.key for row in shown if row.node is not None and not row.stem]
    assert roots == [HOLDER, 49_010, 49_030, -882_001_377]
    below = [key for key in names(shown) if key in (48_801, 48_803, 48_806, 48_809)]
    assert below == sorted(below)


def test_the_summary_names_the_root() -> None:
    """Number of waiters, longest wait, and the root with what it does; empty if no session
    waits."""
    words = [span.text for span in summary(STANDSTILL)]
    head = "12 waiting, deadlock 49010 49011, 4 roots; longest 9m02s for 47903"
    assert words == [head, " (idle in transaction 13m20s)"], (
        "the longest of that root, and no other's"
    )
    assert cells(head) <= 80
    alone = [span.text for span in summary(DerivedSnapshot.of(scenes.busy()))]
    assert alone == [
        "4 waiting, longest 9m02s, all for 47903",
        " (idle in transaction 13m20s)",
    ]
    assert summary(DerivedSnapshot.of(scenes.calm())) == ()


def test_a_filter_that_hides_all_waiters_is_named() -> None:
    """Hidden waiters are not the same as none."""
    shown = rows(STANDSTILL, "pid:1")
    assert shown[0].words == "No session that matches the filter waits or blocks."
    filtered = arrange_locks(STANDSTILL, TableOptions(LOCKS.filter("app:dunning")))
    assert filtered.matching == 1
    assert arrange_locks(STANDSTILL).matching == STANDSTILL.forest.waiting


def test_siblings_with_most_waiters_come_first() -> None:
    """Below a root as among the roots: one with waiters stands above one without that has waited
    longer.
    """
    root = scenes.client(1, "web@shop", since=90)
    alone, middle, last = (
        scenes.active(
            pid, "web@shop", "", "", seconds, wait="Lock:transactionid", blocked_by=by
        )
        for pid, seconds, by in ((2, 80.0, (1,)), (3, 9.0, (1,)), (4, 5.0, (3,)))
    )
    derived = DerivedSnapshot.of(scenes.snapshot([root, alone, middle, last]))
    assert names(rows(derived)) == [1, 3, 4, 2]


def test_a_prepared_transaction_shows_the_statement_that_ends_it() -> None:
    """A prepared transaction has no session to signal."""
    assert without_session(row_of(-882_001_377)).startswith(
        "a prepared transaction has no session; in billing: ROLLBACK"
    )


@pytest.mark.parametrize(
    ("filter", "pids"),
    [
        ("b:48801", {48_803, 48_806, 48_809}),
        ("root:47903", {HOLDER, 48_801, 48_803, 48_806, 48_809}),
        ("root:49010,46999 -b:49010", {49_010}),
        ("blocks>3", {HOLDER}),
    ],
)
def test_filters_of_the_tree(filter: str, pids: set[int]) -> None:
    """`b:` finds the waiters for a pid, `root:` a whole tree, and `blocks` counts indirect
    waiters, too."""
    assert {
        row.pid
        for row in arrange_sessions(STANDSTILL, TableOptions(Filter(filter))).rows
    } == pids


def test_sorting_by_blocks_brings_roots_first() -> None:
    """A root with few waiters comes before a waiter with many; and roots are marked."""
    result = arrange_sessions(STANDSTILL, TableOptions(sort=Sort("blocks"))).rows
    assert [row.pid for row in result[:3]] == [HOLDER, 49_010, 48_801] or [
        row.pid for row in result[:2]
    ] == [
        HOLDER,
        49_010,
    ]
    assert [column("blocks").text(row, STANDSTILL) for row in result[:3]] == [
        "▲4",
        "▲2",
        "3",
    ]


def dialog(
    pid: int, derived: DerivedSnapshot = STANDSTILL, signal: Signal = Signal.TERMINATE
) -> list[str]:
    """Return the fields of the dialog, from what the session does on."""
    backend = next(
        backend for backend in derived.snapshot.backends if backend.pid == pid
    )
    plan = plan_for_one(signal, backend, derived.snapshot)
    return [
        f"{label}: {''.join(span.text for span in value)}"
        for label, value in propose(plan, derived).fields
    ]


def test_the_dialog_counts_the_waiters_it_frees() -> None:
    """Waiters with other blockers are not freed; a cancel frees none by itself, only the end of the
    session does.
    """
    backends = (
        scenes.client(1, "web@shop", since=9),
        scenes.client(2, "web@shop", since=9),
    )
    waiters = [
        scenes.client(pid, "web@shop", wait="Lock:tuple", blocked_by=by)
        for pid, by in ((3, (1,)), (4, (1, 2)))
    ]
    derived = DerivedSnapshot.of(scenes.snapshot([*backends, *waiters]))
    assert dialog(1, derived)[-1] == "Frees: 1 of 2 waiters: 3"
    assert (
        dialog(1, derived, Signal.CANCEL)[-1]
        == "Frees: once it has ended, 1 of 2 waiters: 3"
    )
    assert (
        dialog(2, derived)[-1]
        == "Frees: not the one that it blocks: others block it too"
    )


@pytest.mark.parametrize(
    ("pid", "words"),
    [
        (HOLDER, ["Frees: 4 waiters, 1 at once: 48801"]),
        (48_801, ["Frees: none of the 3 that wait for it, as it waits itself",
                  "Blocked by: 47903; its waiters stay blocked"]),
        (49_001, ["Frees: 3 waiters, 2 at once: 49005 49021",
                  "Blocked by: prepared transaction transfer-'4711'"]),
        (49_010, ["Frees: 2 waiters: 49011 49013",
                  "Deadlock: with 49011, of which the server will end one by itself"]),
    ],
)  # fmt: skip
def test_the_dialog_promises_no_more_than_happens(pid: int, words: list[str]) -> None:
    """A queue moves up by one; behind one that waits itself a row stays taken; the server ends a
    deadlock itself.
    """
    assert dialog(pid)[-len(words) :] == words


def test_the_dialog_for_a_waiter_names_its_blockers() -> None:
    """The word active would hide that a session waits for a lock."""
    assert dialog(48_806)[0].startswith(
        "State: has waited 38s for a lock behind 48801 48803"
    )
    assert dialog(49_030)[0].startswith("State: has waited ~5.0s for a lock")


def test_the_report_after_the_end_of_a_root() -> None:
    """Freed waiters, those that ended with the root, and the next root are reported."""
    before = scenes.busy()
    gone = tuple(
        b._replace(wait_event_type=None, wait_event=None, blocked_by=()) if b.pid == 48_801
        else b._replace(blocked_by=tuple(pid for pid in b.blocked_by if pid != HOLDER))
        for b in before.backends if b.pid not in (HOLDER, 48_809)
    )  # fmt: skip
    after = DerivedSnapshot.of(replace(before, ungrouped=gone))
    root = next(b.identity for b in before.backends if b.pid == HOLDER)
    assert freed(DerivedSnapshot.of(before), after, {root}) == (
        "1 of 4 waiting on it is free, 1 ended, next root 48801 (active 9m03s)"
    )
    both = {root, next(b.identity for b in before.backends if b.pid == 48_809)}
    assert freed(DerivedSnapshot.of(before), after, both) == (
        "1 of 3 waiting on them is free, next root 48801 (active 9m03s)"
    )
    assert freed(after, after, {BackendId(1, None)}) == ""


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            40,
            (
                " SESSION      BLOCKS WAITED WANTS/DOES",
                "▲ 47903         2, 4  9m02s idle tx 13m…",
                " ├ 48801        3, 3  9m02s Share on xi…",
            ),
        ),
        (
            80,
            (
                " SESSION            BLOCKS WAITED WANTS                     DOES",
                "▲ 47903               2, 4  9m02s root anna@billing         idle tx 13m20s UPDA…",
                " ├ 48801              3, 3  9m02s Share on xid 882944017    UPDATE accounts SET…",
            ),
        ),
    ],
)
def test_whole_lines(width: int, lines: tuple[str, ...]) -> None:
    """BLOCKS stays on the narrowest screen; a root has its role and database, and what it does."""
    titles = "".join(span.text for span in header(layout(width), Sort()))
    first, second = rows(STANDSTILL)[:2]
    shown = [
        titles,
        text_of(first, STANDSTILL, width),
        text_of(second, STANDSTILL, width),
    ]
    assert [each.rstrip() for each in shown] == list(lines)


def test_a_root_is_loud_and_its_victims_are_not() -> None:
    """One plate for each root, on its state; a waiter is a warning, on its wait alone."""
    tones = {
        key: {
            span.tone: span.text.strip()
            for span in LOCKS.line(layout(80), row_of(key), STANDSTILL)
        }
        for key in (HOLDER, 48_801, 48_809)
    }
    assert tones[HOLDER][Tone.ALARM_PLATE] == "idle tx 13m20s"
    assert Tone.ALARM_PLATE not in tones[48_801]
    assert Tone.ALARM not in tones[48_801]
    assert tones[48_801][Tone.WARN] == "9m02s"
    assert Tone.STRONG not in tones[48_809], "no session waits behind it"


def test_waiters_for_a_second_root_are_named_under_it() -> None:
    """A waiter for several roots stands under one of them; the other one names it, too."""
    roots = [scenes.client(pid, "web@shop", since=90, xact=90) for pid in (1, 2)]
    both = scenes.active(
        3, "web@shop", "", "", 9, wait="Lock:transactionid", blocked_by=(1, 2)
    )
    derived = DerivedSnapshot.of(scenes.snapshot([*roots, both]))
    words = [row.words for row in rows(derived) if row.words]
    assert words[0] == "3 waits for this one, too; shown under another blocker"


def test_what_holds_back_vacuum_as_whole_lines() -> None:
    """The number of transactions, since when, and what it is; a slot has no start."""
    holders = [row for row in rows(STANDSTILL) if row.is_heading or row.holder]
    shown = [text_of(row, STANDSTILL, 80).rstrip() for row in holders]
    assert shown[:3] == [
        " HOLDS BACK VACUUM  TRANSACTIONS   SINCE",
        " slot standby2         4,812,004          replication slot, inactive",
        " 48711                 2,418,806  47m12s  analyst@warehouse, active",
    ]


def test_a_background_worker_may_be_idle_in_a_transaction() -> None:
    """The state of the worker has no short form: a narrow screen shows its kind."""
    worker = scenes.client(7, "web@shop")._replace(
        backend_type="logical replication worker",
        state=IDLE_IN_TRANSACTION,
        query_start=None,
        state_change=None,
    )
    derived = DerivedSnapshot.of(scenes.snapshot([worker]))
    assert doing(worker, derived, is_short=True)
