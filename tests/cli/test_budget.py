"""`pgtop budget` for people, and as a check in the monitoring-plugin convention."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgtop.analysis.usage import Usage
from pgtop.cli.args.budget_options import BudgetCommand, is_check
from pgtop.cli.args.connection import Password
from pgtop.cli.args.dashboard_options import DashboardCommand
from pgtop.cli.args.options import parse
from pgtop.cli.check_result import CheckResult
from pgtop.cli.commands.budget import _usage, check, with_doubt
from pgtop.cli.exit_codes import Check, Exit
from pgtop.cli.main import run
from pgtop.config.percent_range import threshold
from pgtop.config.schema import PERCENT
from pgtop.demo.server import Cluster
from pgtop.errors import UsageError
from pgtop.model.server import Login
from tests.cli import PGTOP, one_sentence, pgtop
from tests.scenes import calm
from tests.waiting import PATIENCE

PERFDATA = re.compile(r"used=\d+;\d*;\d*;0;\d+")


@pytest.mark.parametrize(
    ("used", "warn", "crit", "code", "levels"),
    [
        (79, 80, 95, Check.OK, "79;94"),
        (80, 80, 95, Check.WARNING, "79;94"),
        (95, 80, 95, Check.CRITICAL, "79;94"),
        (100, 80, None, Check.WARNING, "79;"),
        (0, None, 0, Check.CRITICAL, ";0"),
        (3, 2.5, 100, Check.WARNING, "2;99"),
    ],
)
def test_levels(
    used: int, warn: float | None, crit: float | None, code: Check, levels: str
) -> None:
    """A level begins at its percentage; the performance data have the largest number below it."""
    result = check(Usage("connections", used, 100), warn, crit)
    assert result.code is code
    assert result.line.endswith(f"| used={used};{levels};0;100")


@pytest.mark.parametrize(
    ("text", "used", "code", "data"),
    [
        ("10:20", 9, Check.CRITICAL, "10:20"),
        ("10:20", 20, Check.OK, "10:20"),
        ("@10:20", 20, Check.CRITICAL, "@10:20"),
        ("@10:20", 21, Check.OK, "@10:20"),
        ("~:20%", 0, Check.OK, "~:20"),
        ("~:20", 21, Check.CRITICAL, "~:20"),
        ("20:", 21, Check.OK, "20:"),
        (":20", 21, Check.CRITICAL, "0:20"),
        ("@90", 90, Check.CRITICAL, "@0:90"),
    ],
)
def test_ranges_alert_as_the_guidelines_have_it(
    text: str, used: int, code: Check, data: str
) -> None:
    """A range alerts outside of its ends, and with an @ inside."""
    result = check(Usage("connections", used, 100), None, threshold(text))
    assert result.code is code
    assert f";;{data};0;100" in result.line


def test_a_range_alerts_for_sure_only_if_all_counts_do() -> None:
    """Sessions that may be workers make a warning of what is not certain."""
    usage = Usage("connections", 30, 100, at_least=15)
    assert check(usage, None, threshold("@10:20")).code is Check.WARNING
    assert check(usage, None, threshold("@10:40")).code is Check.CRITICAL
    assert check(usage, None, threshold("40:")).code is Check.CRITICAL
    assert check(usage, None, threshold("20:25")).code is Check.WARNING


def test_json_has_the_limits(dsn: str) -> None:
    """The budget, and each role and database with its limit, in one object."""
    whole = json.loads(pgtop("budget", "--json", dsn).stdout)
    assert whole["budget"]["used"] >= 1
    names = {each["name"]: each for each in whole["databases"]}
    assert names["postgres"]["limit"] is None
    assert sum(each["used"] for each in whole["roles"]) >= whole["budget"]["used"]


@pytest.mark.parametrize(
    ("at_least", "used", "warn", "crit", "code"),
    [
        (1, 5, 80, 95, Check.WARNING),
        (4, 5, 80, 95, Check.WARNING),
        (5, 5, 80, 95, Check.CRITICAL),
        (1, 5, None, 95, Check.WARNING),
        (1, 3, 80, 95, Check.OK),
    ],
)
def test_sessions_that_may_be_workers_are_never_critical(
    at_least: int, used: int, warn: float | None, crit: float, code: Check
) -> None:
    """Hidden sessions that may hold no slot cause a WARNING; only sure ones cause a CRITICAL."""
    result = check(Usage("role x", used, 5, at_least), warn, crit)
    is_unsure = at_least < used
    about = "about " if is_unsure else ""
    assert result.code is code
    assert result.words.startswith(f"role x: {about}{used} of 5 used")
    assert (f"{at_least} for sure" in result.words) == (
        is_unsure and code is not Check.OK
    )


@pytest.mark.parametrize(
    ("version", "login", "used", "words"),
    [
        (170_010, Login(1, "plain"), 14, ""),
        (170_010, Login(1, "plain"), 90, "; logins in progress not counted"),
        (
            170_010,
            Login(1, "dba", superuser=True),
            14,
            "; logins in progress not counted: check as an ordinary role",
        ),
        (180_004, Login(1, "dba", superuser=True), 90, ""),
    ],
)
def test_logins_in_progress_are_mentioned_if_they_may_matter(
    version: int, login: Login, used: int, words: str
) -> None:
    """An ordinary login that succeeds proves that a slot was free; one with a reserved slot proves
    nothing.
    """
    scene = calm()
    snapshot = replace(
        scene, server=scene.server._replace(version_num=version, login=login)
    )
    result = check(Usage("connections", used, 97), 80, 95)
    assert with_doubt(result, snapshot).words == result.words + words


def test_reserved_slots_are_counted_apart() -> None:
    """A superuser's connection beyond the ordinary slots uses a reserved one."""
    result = check(Usage("connections", 58, 55, of_slots=True), 80, 95)
    assert result.words == "connections: 55 of 55 used (100%), and 3 reserved"
    assert (result.code, result.data) == (Check.CRITICAL, "used=58;43;52;0;55")


def test_a_limit_of_0_is_used_up() -> None:
    """A role that may not connect at all has no share left."""
    assert check(Usage("role x", 0, 0), 80, 95).code is Check.CRITICAL


@given(st.text(), st.integers(0, 10), st.integers(0, 10))
def test_no_name_reaches_the_performance_data(name: str, used: int, limit: int) -> None:
    """A role's name with | ' = or line breaks leaves one line, one bar, one label and plain
    numbers.
    """
    line = check(Usage(f"role {name}", used, limit), 80, 95).line
    words, bar, data = line.partition(" | ")
    assert (line.count("|"), bar) == (1, " | ")
    assert len(line.splitlines()) == 1
    assert PERFDATA.fullmatch(data)
    assert words.startswith("PGTOP ")


def test_one_line_for_monitoring(dsn: str) -> None:
    """One line with performance data, and the code; a lower level warns."""
    for words, code in (
        (["--warn=99", "--crit=100"], Check.OK),
        (["--warn", "0"], Check.WARNING),
    ):
        done = pgtop("budget", dsn, *words)
        assert (done.returncode, done.stderr) == (code, "")
        assert done.stdout.startswith(f"PGTOP {code.name} - connections: ")
        assert PERFDATA.search(done.stdout)
        assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        "budget --warn much",
        "budget --warn=90 --crit=80",
        "budget --crit 5 --colour",
        "budget --crit 5 -d port=no",
        "budget --crit 5 --role \udcff",
        "budget --wran 80",
        "budget --rcit 90%",
        "budget -w 8o",
        "budget -w 80:20",
        "budget -w @:",
        "budget -w ~",
        "budget -w 1:2:3",
        "budget --json -w 80",
        "budget -c",
        "budget -c 101",
        "budget --crit=nan",
        "budget --warn 8_0",
        "budget --warn=",
        "budget -w 80 --wait",
        "budget -w 80 -t never",
        "budget -W -w 80 a b",
        "-h db1 budget -w 80 --color",
        "--hots db1 budget -w 80",
        "--no-color budget --Warn 80",
        "budget -w -80",
        "budget -w80x",
        "budget -w ",
        "budget db -w  -c 90",
        "budget -w=",
        "budget -w nan",
        "budget -w -Inf%",
        "budget -w \u0668\u0660",
        "-w 80 budget --colour",
        "-w 80% -c 90 budget a b",
        "-w  budget",
        "-c budget",
        "--crit budget",
        "budget -w 9 -h db1 db2 db3",
    ],
)
def test_a_check_with_wrong_words_is_unknown(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 would be CRITICAL and wake up a human; the error is in the one line that
    monitoring reads.
    """
    code, (out, err) = run(words.split(" ")), capsys.readouterr()
    assert (code, err) == (Check.UNKNOWN, "")
    assert out.startswith("PGTOP UNKNOWN - ")
    assert out.count("\n") == 1


@pytest.mark.parametrize("words", ["budget -w 80 --help", "budget --version -c 90%"])
def test_help_is_no_state_of_a_server(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A check that prints help has checked nothing."""
    assert run(words.split()) == Check.UNKNOWN
    assert "pgtop" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("budget -w 80 -c 90", (80.0, 90.0, None, Password.NEVER)),
        ("budget -w80% -c90%", (80.0, 90.0, None, Password.NEVER)),
        ("budget -w=2.5", (2.5, None, None, Password.NEVER)),
        ("-w 80 -c 90 budget", (80.0, 90.0, None, Password.NEVER)),
        (
            "budget --warning=80 --critical 90 shop",
            (80.0, 90.0, "shop", Password.NEVER),
        ),
        ("budget -w shop", (None, None, "shop", Password.NEVER)),
        ("budget -w -d 80", (None, None, "80", Password.NEVER)),
        ("budget -w -w 80", (80.0, None, None, Password.NEVER)),
        ("budget -W -c 80", (None, 80.0, None, Password.FIRST)),
        ("budget -- 80", (None, None, "80", Password.WHEN_WANTED)),
        ("-h db1 -p 5433 budget -w 80", (80.0, None, None, Password.NEVER)),
        ("-w -U budget budget", (None, None, None, Password.NEVER)),
        ("budget", (None, None, None, Password.WHEN_WANTED)),
    ],
)
def test_thresholds_as_monitoring_writes_them(
    words: str, expected: tuple[float | None, float | None, str | None, Password]
) -> None:
    """`-w` with a number is a threshold, and otherwise psql's option; options may stand before the
    command.
    """
    command = parse(words.split())
    assert isinstance(command, BudgetCommand)
    connection = command.connection
    assert (
        command.warn,
        command.crit,
        connection.target,
        connection.password,
    ) == expected


@pytest.mark.parametrize(
    "words",
    ["-d budget --warn 80", "-U budget", "--theme dark -d budget", "-h budget shop"],
)
def test_a_database_named_budget_is_no_command(words: str) -> None:
    """The word after such an option is its value."""
    assert isinstance(parse(words.split()), DashboardCommand)
    assert not is_check(words.split())


@given(
    st.lists(
        st.sampled_from(
            [
                "-w",
                "-c",
                "80",
                "90%",
                "--warn",
                "-h",
                "db",
                "-p",
                "1",
                "budget",
                "--",
                "-W",
                "x=y",
            ]
        )
    )
)
def test_no_words_end_a_check_as_a_state_of_the_server(words: list[str]) -> None:
    """Words that look like a check and cannot be read raise UsageError, which becomes UNKNOWN."""
    try:
        command = parse(["budget", *words])
    except UsageError:
        return
    assert isinstance(command, BudgetCommand)
    assert not command.is_check or is_check(["budget", *words])


@given(st.text(alphabet="0123456789.,%+-eE_ xn", max_size=8))
def test_a_percentage_is_a_plain_number_or_refused(text: str) -> None:
    """A text is read as a number only if a human would, and the number is within bounds."""
    try:
        value = PERCENT(text)
    except ValueError:
        return
    assert 0 <= value <= 100
    assert value == float(text.removesuffix("%"))
    assert set(text) <= set("0123456789.%+ ")


def test_a_very_long_sentence_is_cut() -> None:
    """Monitoring would cut a long line, and the performance data with it."""
    line = CheckResult(Check.OK, "x" * 5_000, "used=1;;;0;2").line
    assert len(line) < 600
    assert line.endswith("… | used=1;;;0;2")


def test_wrong_usage_without_a_threshold_is_reported_to_people() -> None:
    """A command line without a threshold is no check."""
    done = pgtop("budget", "--colour")
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert "--colour" in one_sentence(done.stderr)


def test_by_role_and_by_database(dsn: str) -> None:
    """The limits of the role and of the database count; a missing name is UNKNOWN."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE pgtop_limited LOGIN CONNECTION LIMIT 2")
        try:
            with psycopg.connect(make_conninfo(dsn, user="pgtop_limited")):
                done = pgtop("budget", dsn, "--crit", "50", "--role", "pgtop_limited")
        finally:
            admin.execute("DROP ROLE pgtop_limited")
    assert done.stdout.startswith(
        "PGTOP CRITICAL - role pgtop_limited: 1 of 2 used (50%)"
    )
    assert (
        pgtop("budget", dsn, "--warn", "99", "--database", "postgres").returncode
        == Check.OK
    )
    unknown = pgtop("budget", dsn, "--warn", "99", "--database", "no such")
    assert (unknown.returncode, unknown.stdout) == (
        Check.UNKNOWN,
        "PGTOP UNKNOWN - There is no database 'no such'.\n",
    )


@pytest.mark.parametrize(
    ("name", "catalog"), [("role", "pg_roles"), ("database", "pg_database")]
)
def test_a_limit_that_may_not_be_read_is_unknown(name: str, catalog: str) -> None:
    """Without the right to read the catalog, neither a limit nor a missing name is known."""
    scene = calm()
    revoked = replace(
        scene,
        server=scene.server._replace(
            missing=(f"{catalog} may not be read: no limits",)
        ),
    )
    command = BudgetCommand(warn=80.0, **{name: "shop"})  # type: ignore[arg-type]  # names are fields
    with pytest.raises(
        UsageError,
        match=f"The limit of {name} 'shop' is not known: {catalog} may not be read",
    ):
        _usage(revoked, command)


def test_a_role_with_signs_in_its_name(dsn: str) -> None:
    """The signs of performance data do no harm in the name of a role, whether it exists or not."""
    name = "pgtop|a'b=c d"
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT 2").format(
                sql.Identifier(name)
            )
        )
        try:
            done = pgtop("budget", dsn, "--crit", "50", "--role", name)
        finally:
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
    assert (
        done.stdout
        == "PGTOP OK - role pgtop/a'b=c d: 0 of 2 used (0%) | used=0;;0;0;2\n"
    )
    unknown = pgtop("budget", dsn, "--crit", "50", "--role", name)
    assert (unknown.returncode, "|" in unknown.stdout) == (Check.UNKNOWN, False)


def test_a_server_that_cannot_be_reached_is_unknown() -> None:
    """Nothing listens there: 3, and one line on stdout, which monitoring reads."""
    done = pgtop("budget", "-h", "127.0.0.1", "-p", "1", "--warn", "80")
    assert done.returncode == Check.UNKNOWN
    assert done.stdout.startswith("PGTOP UNKNOWN - ")
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("open_stdout", ["full", "closed"])
def test_a_check_that_cannot_be_printed_is_unknown(dsn: str, open_stdout: str) -> None:
    """A full disk under the log of the monitoring, or a reader that is gone: 3, and a sentence on
    stderr.
    """
    with nowhere(open_stdout) as stdout:
        done = pgtop("budget", dsn, "--warn", "80", stdout=stdout)
    assert done.returncode == Check.UNKNOWN
    assert done.stderr.startswith("pgtop: ")


@contextmanager
def nowhere(kind: str) -> Iterator[int]:
    """Open a standard output that takes nothing."""
    if kind == "full":
        with open("/dev/full", "w") as full:
            yield full.fileno()
        return
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


def test_a_missing_library_is_unknown() -> None:
    """The environment names psycopg's C implementation, which is not installed."""
    done = pgtop("budget", "-w", "80", environment={"PSYCOPG_IMPL": "c"})
    assert (done.returncode, done.stderr) == (Check.UNKNOWN, "")
    assert done.stdout.startswith("PGTOP UNKNOWN - pgtop cannot load a library: ")
    assert done.stdout.count("\n") == 1


@pytest.fixture
def silent() -> Iterator[tuple[str, socket.socket]]:
    """Start a server that accepts connections and never answers; return its connection string and
    its socket.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield (
            f"host=127.0.0.1 port={listener.getsockname()[1]} user=x dbname=x connect_timeout=0",
            listener,
        )


def test_a_check_ends_in_its_time(silent: tuple[str, socket.socket]) -> None:
    """A check of a server that never answers ends after --timeout, with 3."""
    started = monotonic()
    done = pgtop("budget", silent[0], "-c", "90", "-t", "1")
    assert (done.returncode, done.stdout) == (
        Check.UNKNOWN,
        "PGTOP UNKNOWN - No answer within 1 s.\n",
    )
    assert 1 <= monotonic() - started < PATIENCE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_check_that_a_signal_ends_is_unknown(
    silent: tuple[str, socket.socket], number: signal.Signals
) -> None:
    """After any signal, monitoring gets a line and no state of the server."""
    command = [*PGTOP, "budget", silent[0], "-c", "90", "-t", "60"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as check_in_progress:
        connection, _ = silent[1].accept()
        check_in_progress.send_signal(number)
        out, _ = check_in_progress.communicate(timeout=PATIENCE)
        connection.close()
    assert (check_in_progress.returncode, out) == (
        Check.UNKNOWN,
        f"PGTOP UNKNOWN - Ended by {number.name}.\n",
    )


@pytest.fixture
def full(bindir: Path | None) -> Iterator[Cluster]:
    settings = {
        "max_connections": "5",
        "superuser_reserved_connections": "1",
        "max_wal_senders": "0",
    }
    with Cluster(bindir, settings) as running, ExitStack() as slots:
        while True:
            try:
                slots.enter_context(psycopg.connect(running.socket_dsn))
            except psycopg.OperationalError:
                break
        yield running


def test_a_full_server_is_critical(full: Cluster) -> None:
    """A check reports CRITICAL on a full server; without levels the error is that of every
    command.
    """
    done = pgtop("budget", full.socket_dsn, "--warn", "80")
    assert (done.returncode, done.stdout[:16]) == (Check.CRITICAL, "PGTOP CRITICAL -")
    assert pgtop("budget", full.socket_dsn).returncode == Exit.FULL


def test_for_people(dsn: str) -> None:
    """The output has the bar, the words, and the use of the connections."""
    done = pgtop("budget", dsn)
    assert done.returncode == Exit.DONE
    assert all(words in done.stdout for words in (" used; ", "BY DATABASE", "BY ROLE"))
    assert pgtop("budget", dsn, "--role", "postgres").stdout.startswith(
        "role postgres: "
    )
