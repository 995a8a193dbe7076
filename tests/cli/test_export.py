"""`pgtop export`: metrics that the parser of Prometheus reads."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli.exit_codes import Exit
from pgtop.demo.server import Cluster
from pgtop.model.server import Role
from pgtop.view.prometheus import metrics_text
from tests import scenes
from tests.cli import one_sentence, pgtop
from tests.scenes import pools, replication

_Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def _parsed(text: str) -> _Values:
    values: _Values = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in values
            values[key] = sample.value
    return values


def test_a_sample_is_written_in_place_of_the_last(
    cluster: Cluster, tmp_path: Path
) -> None:
    """The file has the slots of the server; nothing else is left in the folder."""
    file = tmp_path / "pgtop.prom"
    file.write_text("old")
    done = pgtop("export", "--prometheus", str(file), cluster.socket_dsn)
    assert (done.returncode, done.stdout, done.stderr) == (Exit.DONE, "", "")
    values = _parsed(file.read_text())
    assert values["pgtop_up", ()] == 1
    assert 0 < values["pgtop_slots_used", ()] < values["pgtop_slots", ()]
    assert values["pgtop_sessions", (("state", "active"),)] >= 1
    assert values["pgtop_replication_slots_limit", ()] > 0
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [file]


def test_an_unreachable_server_is_down(tmp_path: Path) -> None:
    """A scrape must not go on with the values of the last sample."""
    done = pgtop("export", "--prometheus", str(tmp_path / "down"), "-h", str(tmp_path))
    assert done.returncode == Exit.NO_CONNECTION
    assert _parsed((tmp_path / "down").read_text()) == {("pgtop_up", ()): 0}


def test_a_file_that_cannot_be_written_is_one_sentence(
    cluster: Cluster, tmp_path: Path
) -> None:
    """A folder that is missing is named."""
    file = tmp_path / "missing" / "pgtop.prom"
    done = pgtop("export", "--prometheus", str(file), cluster.socket_dsn)
    assert done.returncode == Exit.OUTPUT
    assert str(file) in one_sentence(done.stderr)


@given(st.text(max_size=40))
def test_any_name_of_a_role_is_a_label(name: str) -> None:
    """The label that a scrape reads is the name of the role."""
    snapshot = scenes.calm()
    server = snapshot.server._replace(roles={7: Role(name, connection_limit=3)})
    derived = DerivedSnapshot.of(replace(snapshot, server=server))
    values = _parsed(metrics_text(derived))
    assert values["pgtop_role_connection_limit", (("role", name),)] == 3


def test_pools_are_measured_and_a_silent_pooler_is_down() -> None:
    """The figures of a pooler that does not answer are old, and left out."""
    other = pools.SILENT._replace(endpoint="db2:6432")
    snapshot = pools.pooled(pools.READING, other)
    values = _parsed(metrics_text(DerivedSnapshot.of(snapshot)))
    web = (("database", "shop"), ("pooler", pools.ENDPOINT), ("user", "web"))
    used = (web[0], web[1], ("state", "active"), web[2])
    assert values["pgtop_pool_clients_waiting", web] == 143
    assert values["pgtop_pool_longest_wait_seconds", web] == 9.1
    assert values["pgtop_pool_server_connections", used] == 20
    assert values["pgtop_pooler_up", (("pooler", pools.ENDPOINT),)] == 1
    assert values["pgtop_pooler_up", (("pooler", "db2:6432"),)] == 0
    assert not [
        labels for _, labels in values if web[0] in labels and web[1] not in labels
    ]


def test_lag_and_slots_are_measured() -> None:
    """A value that is not known is left out; two standbys of one name are one series."""
    twins = (replication.BEHIND, replication.IN_STEP)
    reading = replication.PRIMARY._replace(senders=twins * 2)
    snapshot = replication.replicated(reading)
    values = _parsed(metrics_text(DerivedSnapshot.of(snapshot)))
    lags = {
        dict(labels)["standby"]: value
        for (name, labels), value in values.items()
        if name == "pgtop_standby_lag_bytes"
    }
    slots = replication.PRIMARY.slots
    assert max(lags.values()) == 18 * replication.MB
    assert len(lags) == 2
    for slot in slots:
        labels = (("slot", slot.slot_name),)
        assert values["pgtop_replication_slot_active", labels] == bool(slot.active)
        assert values["pgtop_replication_slot_held_bytes", labels] > 0


def test_the_replay_of_a_standby_is_measured() -> None:
    values = _parsed(metrics_text(DerivedSnapshot.of(replication.on_standby())))
    assert values["pgtop_replay_lag_bytes", ()] == 18 * replication.MB
    assert values["pgtop_replay_paused", ()] == 0
    assert values["pgtop_replay_connected", ()] == 1
