"""The machine of the server on the screen: the line, what is short, columns, detail and JSON."""

import json
from dataclasses import replace

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.config.settings import Settings
from pgtop.model.backend_io import SECTION as BACKEND_IO
from pgtop.model.backend_io import BackendIoReading, SessionIo
from pgtop.model.host import (
    SECTION,
    Container,
    Disk,
    HostReading,
    Machine,
    Pressure,
    figures_of,
)
from pgtop.model.section import HOST_SESSIONS, Section
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.state import State
from pgtop.sources.host.processes import RIGHTS
from pgtop.sources.sections import SECTION_TYPES
from pgtop.table.chosen import chosen_columns
from pgtop.table.fitting import claim, layout
from pgtop.table.options import TableOptions
from pgtop.table.session_columns import SESSION_COLUMNS, column
from pgtop.table.session_contents import contents
from pgtop.text.tone import Tone
from pgtop.view.headline import headline
from pgtop.view.host import beside, host_fields, troubles
from pgtop.view.json_report import sessions_report
from pgtop.view.looks import Looks
from pgtop.view.sessions import topics_of
from tests.scenes import busy
from tests.scenes.host import CALM, FIGURES, GIB, on_host, with_sessions
from tests.snapshot_json import from_json, to_json

SNAPSHOT = busy()
BACKEND = next(each for each in SNAPSHOT.backends if each.is_client)
PER_SESSION = CALM._replace(processes={BACKEND.pid: FIGURES})


def state(snapshot: Snapshot) -> State:
    return State.first(snapshot, Settings())


def line_of(reading: HostReading) -> str:
    thing = beside(state(on_host(reading)))
    return "" if thing is None else "".join(span.text for span in thing.forms[0])


def words(snapshot: Snapshot) -> list[str]:
    return [each.forms[0][0].text for each in troubles(state(snapshot))]


def test_the_line_has_what_is_on_host() -> None:
    assert line_of(CALM) == (
        "host  container memory 50% of 8.0 GiB  memory 37% of 64 GiB  "
        "load 3.2 on 8 CPUs  disk 61%, 200 GB free  CPU limit 2, throttled 3%"
    )
    assert line_of(HostReading(machine=Machine(load=0.5))) == "host  load 0.5"
    assert line_of(HostReading()) == ""
    assert RIGHTS in line_of(CALM._replace(missing=(RIGHTS,)))


def test_forms_of_the_line_lose_the_least_important_part_first() -> None:
    thing = beside(state(on_host(CALM)))
    assert thing is not None
    assert [span.text for span in thing.forms[-1]][-2:] == [
        "container memory ",
        "50% of 8.0 GiB",
    ]
    assert not thing.is_wrong


@pytest.mark.parametrize(
    ("reading", "sentence", "tone"),
    [
        (
            HostReading(container=Container(8 * GIB, int(7.53 * GIB))),
            "! memory 94% of the container's 8.0 GiB",
            Tone.WARN,
        ),
        (
            HostReading(container=Container(8 * GIB, 8 * GIB)),
            "▲ memory 100% of the container's 8.0 GiB",
            Tone.ALARM,
        ),
        (
            HostReading(
                machine=Machine(memory_bytes=100 * GIB, available_bytes=4 * GIB)
            ),
            "▲ memory 96% of the machine's 100 GiB",
            Tone.ALARM,
        ),
        (
            HostReading(disk=Disk(10**12, 40 * 10**9)),
            "! disk of the data directory 96% full, 40 GB free",
            Tone.WARN,
        ),
        (
            HostReading(machine=Machine(pressure=Pressure(memory=12.0))),
            "! processes wait for memory 12% of the time",
            Tone.WARN,
        ),
        (
            HostReading(container=Container(cpu_limit=1.5, throttled_percent=80.0)),
            "▲ the container's limit of 1.5 CPUs throttles the server 80% of the time",
            Tone.ALARM,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_shortage_is_named(reading: HostReading, sentence: str, tone: Tone) -> None:
    assert words(on_host(reading)) == [sentence]
    [trouble] = troubles(state(on_host(reading)))
    assert trouble.forms[0][0].tone is tone


def test_a_shortage_stands_in_the_headline() -> None:
    full = on_host(HostReading(container=Container(8 * GIB, 8 * GIB)))
    shown = headline(state(full), Looks.of(Settings()), 160).line
    assert "memory 100% of the container's" in "".join(span.text for span in shown)


def test_nothing_is_short_on_a_calm_machine() -> None:
    assert words(on_host(CALM)) == []


def test_a_host_that_is_not_this_one_is_a_doubt() -> None:
    section = Section[HostReading](SNAPSHOT.taken_at, reason="it runs elsewhere")
    unknown = replace(SNAPSHOT, sections={SECTION: section})
    assert words(unknown) == ["no host figures: it runs elsewhere"]
    assert beside(state(unknown)) is None


def test_the_columns_have_figures_of_proven_sessions_alone() -> None:
    derived = DerivedSnapshot.of(on_host(PER_SESSION))
    names = ("cpu", "memory", "read", "write")
    texts = [column(name).text(BACKEND, derived) for name in names]
    assert texts == ["98", "45M", "1.2M", "0"]
    other = next(each for each in SNAPSHOT.backends if each.pid != BACKEND.pid)
    assert [column(name).text(other, derived) for name in names] == [""] * 4
    assert [column(name).key(other, derived) for name in names] == [None] * 4


def test_wide_screens_show_the_columns_unasked() -> None:
    """A screen of 200 cells has a gutter and a scroll bar; names keep their usual widths."""
    snapshot = with_sessions()
    for width, scene, expected in (
        (300, snapshot, {"cpu", "memory", "read", "write"}),
        (198, snapshot, {"cpu", "memory"}),
        (197, snapshot, set()),
        (198, SNAPSHOT, set()),
    ):
        derived = DerivedSnapshot.of(scene)
        needed = contents(scene.backends, derived, TableOptions())
        placed = layout(SESSION_COLUMNS, width, contents=needed)
        assert {each.name for each, _ in placed if each.is_offered} == expected
        assert placed[-1].width >= claim(width)
        for shown, cells in placed[1:-1]:
            assert cells >= min(dict(needed)[shown], shown.usual_width)


def test_columns_of_the_servers_machine_come_at_once() -> None:
    """The first figures of a session come one after another, within some seconds."""
    names = ("cpu", "memory", "read", "write")
    first = CALM._replace(processes={BACKEND.pid: ()})
    for reading, expected in (
        (first, [6, 5, 7, 8]),
        (PER_SESSION, [6, 5, 7, 8]),
        (first._replace(missing=(RIGHTS,)), [0, 0, 0, 0]),
        (PER_SESSION._replace(missing=(RIGHTS,)), [6, 5, 7, 8]),
    ):
        derived = DerivedSnapshot.of(on_host(reading))
        measured = dict(contents(SNAPSHOT.backends, derived, TableOptions()))
        assert [measured[column(name)] for name in names] == expected


def test_no_column_is_measured_for_figures_that_were_not_read() -> None:
    derived = DerivedSnapshot.of(on_host())
    measured = dict(contents(SNAPSHOT.backends, derived, TableOptions()))
    assert column("state") in measured
    assert column("cpu") not in measured


def test_a_view_of_the_users_own_reads_what_it_shows() -> None:
    own = chosen_columns(SESSION_COLUMNS, [("cpu", 0), ("query", 0)])
    wanted = topics_of(own.columns, TableOptions(), 80, SNAPSHOT)
    assert list(wanted) == [HOST_SESSIONS]
    usual = topics_of(SESSION_COLUMNS.columns, TableOptions(), 80, SNAPSHOT)
    assert not list(usual)


def test_the_page_of_a_session_has_its_figures() -> None:
    derived = DerivedSnapshot.of(on_host(PER_SESSION))
    fields = {label: value[0].text for label, value in host_fields(BACKEND, derived)}
    assert fields == {
        "CPU": "98% of one",
        "Memory": "45 MiB (PSS), 12 MiB of it private",
        "Storage": "reads 1.2 MB/s, writes 0 B/s",
    }


def test_counters_of_the_server_fill_in_with_a_note() -> None:
    counted = SessionIo(BACKEND.backend_start or 0, 2_000_000, 0)
    reading = BackendIoReading({BACKEND.pid: counted})
    section = Section(SNAPSHOT.taken_at, reading)
    snapshot = replace(SNAPSHOT, sections={BACKEND_IO: section})
    derived = DerivedSnapshot.of(snapshot)
    assert column("read").text(BACKEND, derived) == "2.0M"
    assert column("cpu").text(BACKEND, derived) == ""
    [(_, value)] = host_fields(BACKEND, derived)
    assert value[1].text == " · the server counts it when a transaction ends"
    other = BACKEND._replace(backend_start=1)
    assert column("read").text(other, derived) == ""


def test_programs_and_recordings_get_the_figures() -> None:
    """Old recordings, which have none, are read as before."""
    snapshot = on_host(PER_SESSION)
    written = json.loads(json.dumps(to_json(snapshot)))
    again = from_json(written, SECTION_TYPES)
    assert again.sections == snapshot.sections
    assert figures_of(BACKEND, again) == figures_of(BACKEND, snapshot)
    derived = DerivedSnapshot.of(snapshot)
    report = sessions_report(derived, [BACKEND], TableOptions().filter)
    assert report["host"]["container"]["memory_limit_bytes"] == 8 * GIB
    assert report["sessions"][0]["host"] == {
        "cpu_percent": 97.6,
        "pss_bytes": 45 << 20,
        "private_bytes": 12 << 20,
        "read_bytes_per_second": 1_200_000,
        "write_bytes_per_second": 0,
    }
