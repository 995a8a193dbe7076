"""Steps of tests that terminate a session on the whole screen."""

from tests.keys import hint, typed
from tests.pty import Terminal


def open_kill_dialog(application: str, terminal: Terminal) -> None:
    """Find the one session of this application, and open the dialog in which `y` terminates it."""
    # The footer offers help once sessions are shown; before that, keys are dropped.
    terminal.wait_for(f"{hint('help')} help")
    terminal.send(typed("filter", f"app:{application}", "open"))
    terminal.wait_for("1 of ")
    terminal.send(typed("terminate"))
    terminal.wait_for_question("Terminate session")
