"""Steps of tests that terminate a session on the whole screen."""

from tests.pty import Terminal


def open_kill_dialog(application: str, terminal: Terminal) -> None:
    """Find the one session of this application, and open the dialog in which `y` terminates it."""
    terminal.wait_for("? help")  # while connecting only "q quit" is shown, and keys are dropped
    terminal.send(f"/app:{application}\r")
    terminal.wait_for("1 of ")
    terminal.send("K")
    terminal.wait_for_question("Terminate session")
