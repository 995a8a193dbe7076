"""`pgtop pools`: its JSON, its page, and the URIs of poolers."""

import asyncio
import json
from pathlib import Path

import pytest

from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.args.options import parse
from pgtop.cli.args.pools_options import PoolsCommand
from pgtop.cli.args.records import ShowCommand
from pgtop.cli.commands.pools import Pools, as_json, page, run
from pgtop.cli.compose import poolers_for
from pgtop.cli.connection_string import pooler_parameters
from pgtop.cli.exit_codes import Exit
from pgtop.cli.output import page as as_text
from pgtop.cli.recorded import recorded_sample
from pgtop.config.servers import ServerProfile
from pgtop.errors import UsageError
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.pools import PoolsReading
from pgtop.model.snapshot import Snapshot
from pgtop.sources.pgbouncer.source import unknown_server
from pgtop.sources.recording.writer import RecordingWriter
from tests.scenes.base import NOW
from tests.scenes.pools import ENDPOINT, READING, WEB, pooled, with_pools
from tests.sources.recording.test_files import HEADER

POOL_FIELDS = [
    "database",
    "user",
    "mode",
    "size",
    "active",
    "idle",
    "waiting",
    "longest_wait_seconds",
]
_AWAY = Failure(FailureKind.UNREACHABLE, "Nothing listens there")
_URI = "postgresql://watch@db1:6432/pgbouncer"


def test_json_has_the_fields_of_each_pool_the_worst_first() -> None:
    report = json.loads(as_json(Pools(PoolsReading((READING,)), NOW, pooled())))
    worst = report["pools"][0]
    assert list(worst) == [*POOL_FIELDS, "pooler"]
    assert worst == {
        "database": "shop",
        "user": "web",
        "mode": "transaction",
        "size": 20,
        "active": 20,
        "idle": 0,
        "waiting": 143,
        "longest_wait_seconds": 9.1,
        "pooler": ENDPOINT,
    }
    assert report["clients"][0]["client_addr"] == "10.0.3.7"
    assert report["poolers"][0]["age"] == pytest.approx(0.4)
    assert report["demand"]["size"] == 50
    assert report["demand"]["exceeds"] is False


def test_sizes_beyond_the_slots_are_named() -> None:
    """In JSON and for people; the limits of a database and of a user are kept."""
    large = READING._replace(pools=(WEB._replace(size=500),))
    pools = Pools(PoolsReading((large,)), NOW, pooled(large))
    demand = json.loads(as_json(pools))["demand"]
    assert demand["exceeds"]
    assert demand["pools"] == ["shop/web"]
    assert f"add up to 500; the server has {demand['usable_slots']} slots" in as_text(
        page(pools, 100), color=False
    )
    capped = large._replace(pools=(WEB._replace(size=500, user_limit=30),))
    limited = Pools(PoolsReading((capped,)), NOW, pooled(capped))
    assert json.loads(as_json(limited))["demand"]["size"] == 30


def test_pools_are_printed_without_the_server() -> None:
    pools = Pools(PoolsReading((READING,)), NOW, _AWAY)
    report = json.loads(as_json(pools))
    assert (report["server"], report["demand"]) == (None, None)
    assert report["reason"] == _AWAY.what
    text = as_text(page(pools, 100), color=False)
    assert "shop/web" in text
    assert "slots" not in text


def test_poolers_belong_to_the_connection() -> None:
    """Each use of the option names one more; those of the command line replace a profile's."""
    command = parse(["show", "--pooler", _URI, f"--pooler={_URI}x", "shop"])
    assert isinstance(command, ShowCommand)
    assert command.connection == ConnectionOptions("shop", poolers=(_URI, f"{_URI}x"))
    alone = parse(["pools", "--pooler", _URI])
    assert isinstance(alone, PoolsCommand)
    assert alone.connection.poolers == (_URI,)


def test_a_profile_may_name_several_poolers() -> None:
    profile = ServerProfile("prod", pooler=f"{_URI} postgresql://db2/pgbouncer")
    poolers = poolers_for(ConnectionOptions(server=profile))
    assert poolers is not None
    endpoints = [each.endpoint for each in poolers.newest(NOW, 0.0).poolers]
    assert endpoints == ["db1:6432", "db2:6432"]
    assert poolers_for(ConnectionOptions()) is None


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("db1:6432", "the URI of its console"),
        ("postgresql://watch:secret@db1/", "holds a password"),
        ("postgresql://db1/?password=secret", "holds a password"),
        ("postgresql://db1:port/", "not a port"),
    ],
)
def test_a_wrong_uri_of_a_pooler_is_refused(uri: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        pooler_parameters(uri)
    assert words in caught.value.what
    assert "secret" not in f"{caught.value.what}{caught.value.advice}"


def test_a_recorded_console_has_pools_and_no_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Snapshot(NOW, unknown_server({"host": "db1"}, NOW), ())
    file = tmp_path / "console.pgtop"
    writer = RecordingWriter(file)
    writer.add(with_pools(console, PoolsReading((READING,))), HEADER)
    writer.close()
    options = parse(["pools", "--from", str(file)])
    assert isinstance(options, PoolsCommand)
    assert run(options) is Exit.DONE
    printed = capsys.readouterr().out
    assert "shop/web" in printed
    assert "PostgreSQL" not in printed
    with pytest.raises(UsageError) as refused:
        asyncio.run(recorded_sample(str(file), None, redact=False))
    assert "a pooler's console" in refused.value.what
