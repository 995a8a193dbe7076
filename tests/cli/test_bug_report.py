"""Reports of bugs."""

import os
import subprocess
import sys
from email.message import Message
from pathlib import Path
from unittest.mock import patch

import pytest

from pgtop.cli.bug_report import maintainers
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
    assert f"Please send {report} to " in one_sentence(done.stderr)
    assert done.returncode == Exit.BUG
    assert "IndexError" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("addresses", "place"),
    [
        ([], "the maintainers of the pgtop package that you installed"),
        (["Home, https://a.test", "Issues, https://b.test"], "https://b.test"),
    ],
)
def test_a_report_goes_where_the_package_says(addresses: list[str], place: str) -> None:
    """Without an address, the maintainers of the package are named."""
    package = Message()
    for address in addresses:
        package["Project-URL"] = address
    with patch("importlib.metadata.metadata", return_value=package):
        assert maintainers() == place
