"""A browser shows the report: every section, and charts of their full size."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pgtop.analysis.incident import incident as incident_of
from pgtop.view.report.contents import Evidence, Page, report
from pgtop.view.report.html import html
from tests.readme import ROOT
from tests.scenes.night import ENDED_AT, IDLER, at, night
from tests.sources.recording.test_files import HEADER
from tests.view.test_report import hostile_scene, report_of

SCREENSHOTS = ROOT / "screenshots"

_BROWSER = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
_ATTACK = "<script>document.title = 'attacked'</script><img src=x onerror=alert(1)>"


@pytest.mark.system
def test_a_browser_shows_the_report(tmp_path: Path) -> None:
    """A page with hostile names runs nothing, and has its charts."""
    page = tmp_path / "report.html"
    page.write_text(html(report_of(*hostile_scene(_ATTACK), hostile=_ATTACK)))
    dump = subprocess.run(
        [*_BROWSER, f"--user-data-dir={tmp_path}/user", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    assert dump.count("<svg") == dump.count("<figure>") == 4
    assert "<h2>Roots of lock queues</h2>" in dump
    assert "<title>attacked" not in dump
    assert "&lt;script&gt;" in dump
    assert "<img" not in dump


def test_the_stored_report_is_up_to_date(
    request: pytest.FixtureRequest,
) -> None:
    """The stored page is the report of the night; a browser draws it again when it changes."""
    page = html(night_report())
    stored = SCREENSHOTS / "report.html"
    if request.config.getoption("--snapshot-update") and stored.read_text() != page:
        stored.write_text(page)
        _take(stored, SCREENSHOTS / "report.png")
    assert stored.read_text() == page


def night_report() -> Page:
    """Return the report of a night in which a session was ended."""
    timeline = night()
    snapshots = list(timeline.between(at(-780), at(0)))
    summaries = list(timeline.summaries(at(-780), at(0)))
    idler = snapshots[0].at(IDLER)
    assert idler is not None
    signal = {
        "at_instant": at(ENDED_AT),
        "clock": "14:24:07",
        "os_user": "admin",
        "signal": "terminate",
        "pid": IDLER,
        "backend_start_instant": idler.backend_start,
        "role": idler.usename,
        "database": idler.datname,
        "query": idler.query,
        "outcome": {"effect": "session ended"},
    }
    evidence = Evidence(
        header=HEADER._replace(server="db1.example.net:5432"),
        incident=incident_of(summaries, snapshots),
        gaps=timeline.gaps(),
        damages=0,
        signals=[signal],
        is_sparse=False,
    )
    return report(evidence)


def _take(page: Path, image: Path) -> None:
    """Have the browser draw a page into a file."""
    with TemporaryDirectory() as folder:
        subprocess.run(
            [
                *_BROWSER,
                f"--user-data-dir={folder}",
                f"--screenshot={image}",
                "--window-size=900,2000",
                "--hide-scrollbars",
                page.as_uri(),
            ],
            capture_output=True,
            timeout=120,
            check=True,
        )
