"""A browser shows the report: every section, and charts of their full size."""

import subprocess
from pathlib import Path

import pytest

from pgtop.view.report.html import html
from tests.view.test_report import hostile_scene, report_of

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
