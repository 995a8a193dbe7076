"""The table of the sessions, line for line, at the sizes that we promise."""

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.table.options import TableOptions
from pgtop.table.sessions import arrange_sessions
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line
from pgtop.view.sessions import table_lines
from tests import scenes

QUEUE = DerivedSnapshot.of(scenes.incident())
CALM = DerivedSnapshot.of(scenes.calm_night())

_LETTERS = {
    Tone.PLAIN: ".", Tone.QUIET: "q", Tone.STRONG: "s", Tone.CALM: "c", Tone.NOTICE: "i",
    Tone.WARN: "w", Tone.ALARM: "a", Tone.HEADING: "h", Tone.ALARM_PLATE: "A",
}  # fmt: skip


def lines_of(derived: DerivedSnapshot, width: int, height: int) -> list[Line]:
    """Return the headings and the first rows."""
    table = arrange_sessions(derived, TableOptions())
    return table_lines(table, width, height)


def text_of(line: Line) -> str:
    return "".join(span.text for span in line)


def tones_of(line: Line) -> str:
    """Return a letter for each character; a blank has none, unless it is on a plate."""
    letters = [(char, _LETTERS[tone]) for text, tone in line for char in text]
    return "".join(
        " " if char == " " and tone != "A" else tone for char, tone in letters
    )


AT_40 = """\
   PID STATE     AGE LOCK    QUERY
▶13323 idle tx 3m01s ▲9      update acc…
▌13319 idle tx 3m01s ▲6      update acc…
 13432 active  2h14m         select sum…
 21252 worker  2h14m         └ select s…
 13439 active  4m12s         vacuum (ve…
▌13326 waiting 3m01s ◄13323  update acc…
"""
AT_80 = """\
   PID USER@DB       STATE     AGE LOCK        QUERY    worst first  1-15 of 144
▶13323 worker@shop   idle tx 3m01s ▲9          update acc set bal = bal + 1 whe…
▌13319 worker@shop   idle tx 3m01s ▲6          update acc set bal = bal + 1 whe…
 13432 report@shop   active  2h14m             select sum(length(t)) from notes…
 21252 report@shop   worker  2h14m             └ select sum(length(t)) from not…
 13439 postgres@shop active  4m12s             vacuum (verbose) big
▌13326 worker@shop   waiting 3m01s ◄13323 ▾7   update acc set bal = bal + 1 whe…
▌13336 worker@shop   waiting 3m00s ◄13326 ▾6   update acc set bal = bal + 1 whe…
▌13343 worker@shop   waiting 3m01s ◄13323 ▾6   update acc set bal = bal + 1 whe…
▌14112 postgres@shop waiting 2m46s ◄13323+4 ▾5 alter table acc add column note …
▌14137 worker@shop   waiting 2m45s ◄14112      select count(*) from acc where b…
▌14165 worker@shop   waiting 2m44s ◄14112      select count(*) from acc where b…
▌14170 worker@shop   waiting 2m44s ◄14112      select count(*) from acc where b…
▌14183 worker@shop   waiting 2m43s ◄14112      select count(*) from acc where b…
▌14216 worker@shop   waiting 2m43s ◄14112      select count(*) from acc where b…
 13320 worker@shop   idle tx 3m01s             update acc set bal = bal + 1 whe…
"""
AT_80_CALM = """\
   PID USER@DB       STATE    AGE WAIT         QUERY      worst first  1-5 of 61
▶13432 report@shop   active 2h14m BufFileRead  select sum(length(t)) from notes…
 21252 report@shop   worker 2h14m BufFileRead  └ select sum(length(t)) from not…
 13439 postgres@shop active 4m12s VacuumDelay  vacuum (verbose) big
 21393 worker@shop   active  0.2s DataFileRead select id, title, price from pro…
 13201 web@shop      idle     41m              select bal from acc where id = $1
"""
AT_120 = """\
   PID USER@DB       APPLICATION  STATE     AGE WAIT        LOCK        QUERY                   worst first  1-11 of 144
▶13323 worker@shop   root session idle tx 3m01s             ▲9          update acc set bal = bal + 1 where id in (1, 2,…
▌13319 worker@shop   cron 0       idle tx 3m01s             ▲6          update acc set bal = bal + 1 where id = $1
 13432 report@shop   analytics    active  2h14m BufFileRead             select sum(length(t)) from notes t cross join n…
 21252 report@shop   analytics    worker  2h14m BufFileRead             └ select sum(length(t)) from notes t cross join…
 13439 postgres@shop psql         active  4m12s VacuumDelay             vacuum (verbose) big
▌13326 worker@shop   waiter-1     waiting 3m01s transaction ◄13323 ▾7   update acc set bal = bal + 1 where id = $1
▌13336 worker@shop   waiter-2     waiting 3m00s tuple       ◄13326 ▾6   update acc set bal = bal + 1 where id = $1
▌13343 worker@shop   waiter-3     waiting 3m01s transaction ◄13323 ▾6   update acc set bal = bal + 1 where id = $1
▌14112 postgres@shop migration    waiting 2m46s relation    ◄13323+4 ▾5 alter table acc add column note text
▌14137 worker@shop   select-0     waiting 2m45s relation    ◄14112      select count(*) from acc where bal > 0 and regi…
▌14165 worker@shop   select-1     waiting 2m44s relation    ◄14112      select count(*) from acc where bal > 0 and regi…
"""  # noqa: E501
AT_200 = """\
   PID USER@DB       APPLICATION  CLIENT   STATE                 AGE WAIT                LOCK        QUERY                                                                      worst first  1-10 of 144
▶13323 worker@shop   root session 10.0.3.7 idle in transaction 3m01s                     ▲9          update acc set bal = bal + 1 where id in (1, 2, 3)
▌13319 worker@shop   cron 0       10.0.3.9 idle in transaction 3m01s                     ▲6          update acc set bal = bal + 1 where id = $1
 13432 report@shop   analytics    10.0.5.1 active              2h14m IO:BufFileRead                  select sum(length(t)) from notes t cross join notes u where t.body like u.body || $1
 21252 report@shop   analytics             worker              2h14m IO:BufFileRead                  └ select sum(length(t)) from notes t cross join notes u where t.body like u.body || $1
 13439 postgres@shop psql         local    active              4m12s Timeout:VacuumDelay             vacuum (verbose) big
▌13326 worker@shop   waiter-1     10.0.3.7 waiting             3m01s Lock:transactionid  ◄13323 ▾7   update acc set bal = bal + 1 where id = $1
▌13336 worker@shop   waiter-2     10.0.3.7 waiting             3m00s Lock:tuple          ◄13326 ▾6   update acc set bal = bal + 1 where id = $1
▌13343 worker@shop   waiter-3     10.0.3.7 waiting             3m01s Lock:transactionid  ◄13323 ▾6   update acc set bal = bal + 1 where id = $1
▌14112 postgres@shop migration    10.0.9.2 waiting             2m46s Lock:relation       ◄13323+4 ▾5 alter table acc add column note text
▌14137 worker@shop   select-0     10.0.3.7 waiting             2m45s Lock:relation       ◄14112      select count(*) from acc where bal > 0 and region = any ($1)
"""  # noqa: E501


@pytest.mark.parametrize(
    ("derived", "width", "expected"),
    [
        (QUEUE, 40, AT_40),
        (QUEUE, 80, AT_80),
        (CALM, 80, AT_80_CALM),
        (QUEUE, 120, AT_120),
        (QUEUE, 200, AT_200),
    ],
)
def test_lines_of_the_table(
    derived: DerivedSnapshot, width: int, expected: str
) -> None:
    """Pids, names and ages as wide as they are; all else is for the query."""
    rows = expected.splitlines()
    lines = [text_of(line) for line in lines_of(derived, width, len(rows))]
    assert [line.rstrip() for line in lines] == rows
    assert {len(line) for line in lines} == {width}


TONES = """\
▶13323 worker@shop   idle tx 3m01s ▲9          update acc set bal = bal + 1 whe…
saaaaa ...........   AAAAAAA aaaaa aa          ...... ... ... ... . ... . . ....
▌13319 worker@shop   idle tx 3m01s ▲6          update acc set bal = bal + 1 whe…
aaaaaa ...........   AAAAAAA aaaaa aa          ...... ... ... ... . ... . . ....
▌13326 worker@shop   waiting 3m01s ◄13323 ▾7   update acc set bal = bal + 1 whe…
wsssss ...........   wwwwwww wwwww wwwwww ww   ...... ... ... ... . ... . . ....
▌14137 worker@shop   waiting 2m45s ◄14112      select count(*) from acc where b…
w..... ...........   wwwwwww wwwww wwwwww      ...... ........ .... ... ..... ..
 13432 report@shop   active  2h14m             select sum(length(t)) from notes…
 ..... ...........   wwwwww  wwwww             ...... .............. .... ......
 21252 report@shop   worker  2h14m             └ select sum(length(t)) from not…
 qqqqq qqqqqqqqqqq   qqqqqq  qqqqq             q qqqqqq qqqqqqqqqqqqqq qqqq qqqq
 13439 postgres@shop active  4m12s             vacuum (verbose) big
 ..... ............. cccccc  .....             ...... ......... ...
 13272 web@shop      idle      41m             select bal from acc where id = $1
 qqqqq qqqqqqqq      qqqq      qqq             qqqqqq qqq qqqq qqq qqqqq qq q qq
"""


def test_tones_of_the_table() -> None:
    """Red is for roots alone: pid, age and lock, and a plate for the state. A waiter is a warning,
    and its pid is strong if others wait behind it; what is idle, or works for another, is quiet.
    """
    lines = lines_of(QUEUE, 80, 19)
    tones = {text_of(line).rstrip(): tones_of(line).rstrip() for line in lines}
    expected = TONES.splitlines()
    rows, letters = expected[::2], expected[1::2]
    assert [tones[row] for row in rows] == letters


def _titles(derived: DerivedSnapshot, options: TableOptions) -> list[str]:
    """Return the words of the headings at 200 columns."""
    headings, *_ = table_lines(arrange_sessions(derived, options), 200, 20)
    return text_of(headings).split()


def test_an_extra_column_without_contents_is_not_drawn() -> None:
    """Nor does it take room from the others, which are all in sight with their whole texts."""
    wide = TableOptions(extra_columns=True)
    extra = {"LOGIN", "QUERY", "ID", "LEADER"}
    assert set(_titles(QUEUE, wide)) >= extra
    rows = [
        row._replace(query_id=None, leader_pid=None) for row in QUEUE.snapshot.backends
    ]
    bare = DerivedSnapshot.of(scenes.snapshot(rows))
    titles = set(_titles(bare, wide))
    assert titles & extra == {"LOGIN", "QUERY"}
    assert titles >= set(_titles(bare, TableOptions()))


def test_ages_apart_are_whole_and_cut_no_name() -> None:
    """A state is written short before a name is cut."""
    apart = arrange_sessions(QUEUE, TableOptions(ages_apart=True))
    lines = [text_of(line) for line in table_lines(apart, 200, 20)]
    [waiter] = [line for line in lines if "14112 postgres" in line]
    assert "postgres@shop migration " in waiter
    assert waiter.count("2m46s") == 3
