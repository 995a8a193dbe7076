"""Reports of bugs."""

import os
import subprocess
import sys
from pathlib import Path

from pgtop.cli.exit_codes import Exit
from tests.cli import one_sentence


def test_a_bug_leaves_a_report(tmp_path: Path) -> None:
    """A bug is one sentence too; the traceback is in a file that only this user can read."""
    program = "from pgtop.cli.bug_report import catch_bugs; catch_bugs(); [][7]"
    done = subprocess.run(
        [sys.executable, "-c", program],
        stderr=subprocess.PIPE,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        encoding="utf-8",
        check=False,
    )
    [report] = (tmp_path / "pgtop").iterdir()
    assert str(report) in one_sentence(done.stderr)
    assert done.returncode == Exit.BUG
    assert "IndexError" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0
