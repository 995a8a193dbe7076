"""How a test that drives the whole screen has a session ended."""

from tests.pty import Terminal


def ask_for_the_end_of(application: str, terminal: Terminal) -> None:
    """Find the one session of this name, and have its end asked for: `y` agrees."""
    terminal.wait_for("q quit")
    terminal.send(f"/app:{application}\r")
    terminal.wait_for("1 of ")
    terminal.send("K")
    terminal.wait_for_question("Terminate session")
