"""The driver in a real pseudo-terminal: frames, bytes, a stalled reader, and every way in which a
terminal is lost or restored.
"""

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.pty import Terminal
from tests.waiting import until

PROBE = [sys.executable, "-m", "tests.terminal.probe"]


def probe(*options: str, **terminal: Any) -> Terminal:
    """Return the probe, started and drawn."""
    running = Terminal([*PROBE, *options], **terminal)
    try:
        running.wait_for("ready")
    except AssertionError:
        running.close()
        raise
    return running


def cells(terminal: Terminal) -> list[list[Any]]:
    """Return all cells with their styles."""
    screen = terminal.screen
    return [
        [screen.buffer[y][x] for x in range(screen.columns)]
        for y in range(screen.lines)
    ]


def type_keys(terminal: Terminal, keys: str) -> None:
    """Type keys of the probe one after another, each once the last one is handled."""
    for key in keys:
        before = terminal.screen.display[-1]
        terminal.send(key)
        terminal.wait_for(partial(_has_changed, before))


def _has_changed(before: str, terminal: Terminal) -> bool:
    return bool(terminal.screen.display[-1] != before)


def test_the_screen_is_what_textuals_own_driver_shows() -> None:
    """Every cell and style is the same through ticks, scrolling, a modal, themes and two
    resizes."""
    with probe("--stock") as stock, probe() as pgtops:
        both = (stock, pgtops)
        for step in (
            "t",
            "d",
            "dd",
            "m",
            "m",
            "c",
            "tdu",
            (100, 30),
            "c",
            (60, 12),
            "m",
            "m",
            "ct",
        ):
            for terminal in both:
                if isinstance(step, tuple):
                    terminal.resize(*step)
                elif step == "m":
                    has_question = _shows_question(terminal)
                    terminal.send(step)
                    terminal.wait_for(_has_answer if has_question else _shows_question)
                else:
                    type_keys(terminal, step)
            until(
                lambda: cells(pgtops) == cells(stock),
                f"the same screen after {step}:\n{pgtops.text}\n{stock.text}",
            )
        assert len(pgtops.raw) < len(stock.raw) / 3


def _shows_question(terminal: Terminal) -> bool:
    return "really?" in terminal.text


def _has_answer(terminal: Terminal) -> bool:
    return not _shows_question(terminal)


def test_a_refresh_of_the_ages_costs_little() -> None:
    """A refresh of 22 rows in which the ages alone change takes at most 200 bytes."""
    with probe() as terminal:
        type_keys(terminal, "t")
        before = len(terminal.raw)
        type_keys(terminal, "t" * 20)
        assert (len(terminal.raw) - before) / 20 <= 200


def test_large_frames_alone_are_marked_where_the_terminal_knows_marks() -> None:
    """Mode 2026 surrounds a whole screen, and no small change."""
    with probe(synchronises=True) as terminal:
        type_keys(terminal, "t")
        before = len(terminal.raw)
        type_keys(terminal, "t")
        assert b"\x1b[?2026h" not in terminal.raw[before:]
        type_keys(terminal, "c")
        terminal.wait_for(lambda t: t.raw.count(b"\x1b[?2026l", before))
        assert terminal.raw.count(b"\x1b[?2026h", before) == terminal.raw.count(
            b"\x1b[?2026l", before
        )
    with probe() as terminal:
        type_keys(terminal, "tc")
        assert b"\x1b[?2026h" not in terminal.raw


def test_a_stalled_terminal_gets_one_frame_when_it_goes_on(tmp_path: Path) -> None:
    """The app keeps running while nothing is read; the frame under way and the newest one are sent
    afterwards.
    """
    log = tmp_path / "ticks"
    with probe("--log", str(log)) as terminal:
        type_keys(terminal, "s")
        until(log.exists, "the storm")
        terminal.stall()
        ticks = log.stat().st_size
        until(lambda: log.stat().st_size > ticks + 100, "100 ticks without a reader")
        terminal.send("s")
        until(lambda: _stands_still(log), "the end of the storm")
        before = len(terminal.raw)
        terminal.resume()
        terminal.wait_for("did s 2.")
        sent = len(terminal.raw) - before
        assert sent < 12_000  # of more than 100 frames of some 1,500 bytes each


def _stands_still(log: Path) -> bool:
    size = log.stat().st_size
    time.sleep(0.1)
    return log.stat().st_size == size


@pytest.mark.parametrize("end", ["q", signal.SIGTERM])
def test_a_stalled_terminal_does_not_keep_the_app(
    tmp_path: Path, end: str | signal.Signals
) -> None:
    """The app can be left while nothing is read, and the terminal is restored when it reads
    again."""
    log = tmp_path / "ticks"
    with probe("--log", str(log)) as terminal:
        type_keys(terminal, "s")
        until(log.exists, "the storm")
        terminal.stall()
        ticks = log.stat().st_size
        until(lambda: log.stat().st_size > ticks + 50, "50 ticks without a reader")
        if isinstance(end, signal.Signals):
            os.kill(terminal.pid, end)
        else:
            terminal.send(end)
        assert terminal.wait_for_exit() == (0 if end == "q" else 143)
        terminal.resume()
        terminal.wait_for(lambda t: t.restored)


@pytest.mark.parametrize(
    ("key", "status"), [("q", 0), ("x", 1)], ids=["quit", "an exception"]
)
def test_the_terminal_is_restored(key: str, status: int) -> None:
    """A quit and an exception leave modes, line settings, style and first screen as they were."""
    with probe() as terminal:
        terminal.send(key)
        assert terminal.wait_for_exit() == status
        assert terminal.restored
        assert terminal.raw.rindex(b"\x1b[m") < terminal.raw.rindex(b"\x1b[?1049l")


def test_sigterm_ends_the_app_with_its_own_status() -> None:
    """A handler of the loop runs, and the terminal is restored."""
    with probe() as terminal:
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait_for_exit() == 143
        assert terminal.restored


@pytest.mark.parametrize("ignore_hangup", [False, True])
def test_no_terminal_no_app(ignore_hangup: bool) -> None:
    """A hang-up ends the app, even if SIGHUP was ignored before it started: the end of the input is
    enough.
    """
    with probe(ignore_hangup=ignore_hangup) as terminal:
        terminal.hang_up()
        assert terminal.wait_for_exit() == (129 if ignore_hangup else -signal.SIGHUP)


def test_suspended_and_resumed_the_screen_is_painted_again() -> None:
    """The shell gets its terminal back; afterwards the app paints the whole screen by itself."""
    with probe(as_job=True) as terminal:
        type_keys(terminal, "td")
        before = cells(terminal)
        terminal.send("z")
        until(lambda: _process_state(terminal.job) == "T", "a stopped process")
        terminal.wait_for(lambda t: t.restored)
        terminal.screen.reset()
        os.kill(terminal.job, signal.SIGCONT)
        until(lambda: cells(terminal) == before, "the frame from before")
        type_keys(terminal, "t")
        terminal.send("q")
        assert terminal.wait_for_exit() == 0
        assert terminal.restored


@pytest.mark.parametrize("stock", [False, True])
def test_sigcont_without_a_suspension_takes_the_terminal_once(stock: bool) -> None:
    """SIGCONT follows SIGSTOP, and systemd sends it after SIGTERM: the terminal was left raw, and
    two threads read the keys.
    """
    with probe(*["--stock"] * stock) as terminal:
        os.kill(terminal.pid, signal.SIGSTOP)
        os.kill(terminal.pid, signal.SIGCONT)
        type_keys(terminal, "tdu")
        os.kill(terminal.pid, signal.SIGTERM)
        os.kill(terminal.pid, signal.SIGCONT)
        assert terminal.wait_for_exit() == 143
        assert terminal.restored


def test_after_sigstop_the_modes_are_set_again() -> None:
    """A shell sets its own while the program is stopped, and writes over the frame."""
    with probe(as_job=True) as terminal:
        type_keys(terminal, "td")
        before = cells(terminal)
        raw = terminal.modes_now
        os.kill(terminal.job, signal.SIGSTOP)
        until(lambda: _process_state(terminal.job) == "T", "a stopped process")
        terminal.set_modes(terminal.settings)
        terminal.screen.reset()
        os.kill(terminal.job, signal.SIGCONT)
        until(lambda: cells(terminal) == before, "the frame from before")
        assert terminal.modes_now == raw
        type_keys(terminal, "t")
        terminal.send("q")
        assert terminal.wait_for_exit() == 0
        assert terminal.restored


def test_without_a_shell_it_is_not_stopped() -> None:
    """The app goes on at once if no shell could resume it, as an orphaned job does in the
    kernel."""
    with probe() as terminal:
        terminal.send("z")
        os.kill(terminal.pid, signal.SIGTSTP)
        type_keys(terminal, "t")
        assert _process_state(terminal.pid) != "T"


def test_a_repaint_heals_the_screen() -> None:
    """A repaint after `forget` removes what another program has written over the frame."""
    with probe() as terminal:
        type_keys(terminal, "t")
        terminal.screen.reset()
        terminal.send("l")
        terminal.wait_for("update accounts")


def test_back_at_the_old_size_the_next_frame_heals_the_screen() -> None:
    """A window that shrank and grew before Textual looked has lost cells that Textual believes to
    be there.
    """
    with probe() as terminal:
        type_keys(terminal, "t")
        terminal.screen.reset()
        os.kill(terminal.pid, signal.SIGWINCH)
        type_keys(terminal, "t")
        terminal.wait_for("update accounts")


def _process_state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_an_idle_app_sleeps() -> None:
    """No thread wakes up in a time in which Textual's own driver would do so many times."""
    with probe() as terminal:
        until(
            lambda: _switches(terminal.pid, seconds=0.5) == 0,
            "half a second without a wake-up",
        )


def _switches(pid: int, seconds: float) -> int:
    before = _switches_so_far(pid)
    time.sleep(seconds)
    return _switches_so_far(pid) - before


def _switches_so_far(pid: int) -> int:
    tasks = Path(f"/proc/{pid}/task").glob("*/status")
    lines = [line for task in tasks for line in task.read_text().splitlines()]
    return sum(
        int(line.split()[1])
        for line in lines
        if line.startswith("voluntary_ctxt_switches")
    )


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("\x1b", "did key escape."),
        ("\x1b[15~", "did key f5."),
        ("\x1b[<0;5;3M\x1b[<0;5;3m", "did mouse 4,2."),
        ("é", "did key é."),
        (b"\xff\xfet", "did t 1."),
    ],
    ids=["escape", "f5", "mouse", "é", "invalid"],
)
def test_input_arrives(typed: str | bytes, shown: str) -> None:
    """A lone escape, a sequence, a click, a character of two bytes, and a key after bytes that are
    no UTF-8 all arrive.
    """
    with probe() as terminal:
        terminal.send(typed)
        terminal.wait_for(shown)


def test_a_sequence_in_pieces_is_one_key() -> None:
    """Bytes of a key that arrive one by one within the escape delay are not read as Escape."""
    with probe() as terminal:
        for byte in "\x1b[15~":
            terminal.send(byte)
        terminal.wait_for("did key f5.")


def test_only_clicks_and_the_wheel_are_reported() -> None:
    """No motion of the mouse is requested."""
    with probe() as terminal:
        assert {"1000", "1006"} <= {mode for mode, on in terminal.modes.items() if on}
        assert not {"1002", "1003", "1015", "1016"} & terminal.modes.keys()


def test_the_mouse_goes_to_the_terminal_and_back() -> None:
    with probe() as terminal:
        for is_on in (False, True):
            type_keys(terminal, "o")
            assert terminal.modes["1000"] is terminal.modes["1006"] is is_on


def test_motion_is_reported_only_on_request() -> None:
    """Clicks alone are reported again afterwards, and nothing once the program has left."""
    with probe() as terminal:
        for is_on in (True, False):
            type_keys(terminal, "f")
            assert terminal.modes["1002"] is is_on
        assert terminal.raw.rindex(b"\x1b[?1000h") > terminal.raw.rindex(b"\x1b[?1002l")
        type_keys(terminal, "fo")
        assert not {"1000", "1002"} & {
            mode for mode, on in terminal.modes.items() if on
        }


def test_bell_and_clipboard_pass_through() -> None:
    """Output of Textual outside frames arrives unchanged and in order."""
    with probe() as terminal:
        type_keys(terminal, "by")
        assert (
            0
            < terminal.raw.index(b"\x07")
            < terminal.raw.index(b"\x1b]52;c;c2VsZWN0IDE=\x07")
        )


def test_utf_8_is_written_in_every_locale() -> None:
    """Neither the locale nor Python's own settings change the bytes."""
    plain = {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONIOENCODING": "ascii",
        "PYTHONCOERCECLOCALE": "0",
    }
    with probe(environment=plain) as terminal:
        terminal.wait_for("漢")
