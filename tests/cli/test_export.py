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
