"""The tests themselves run under nohup and in scripts, and leave nothing running, however they
end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import until

_CASE = Path(__file__).with_name("harness_case.py")
_PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_servers_end_with_pytest(
    number: signal.Signals, bindir: Path, tmp_path: Path
) -> None:
    """Any end of pytest ends the servers of its tests and removes their files."""
    report = tmp_path / "report"
    environment = {**os.environ, "HARNESS_REPORT": str(report)}
    command = [*_PYTEST, "--postgres", str(bindir), f"{_CASE}::test_that_uses_a_server"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    ) as running:
        until(lambda: report.exists() and report.read_text(), "the test does not begin")
        pid, folder = report.read_text().split()
        running.send_signal(number)
    until(lambda: not Path(folder).exists(), "the server's files are still there")
    with pytest.raises(OSError, match=pid):
        os.readlink(f"/proc/{pid}/cwd")


def test_children_inherit_no_ignored_signal() -> None:
    """nohup, a script's background and its traps ignore these signals; children of the tests
    must not."""
    ignored = (
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTERM,
        signal.SIGTSTP,
        signal.SIGUSR1,
    )

    def ignore() -> None:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, ignored)

    command = [*_PYTEST, f"{_CASE}::test_that_starts_a_program"]
    done = subprocess.run(
        command, preexec_fn=ignore, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
