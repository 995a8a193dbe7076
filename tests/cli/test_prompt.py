"""Text typed before a question does not answer it."""

import sys

from tests.pty import Terminal

_ASK = """
import array, fcntl, termios, time
from pgtop.cli.commands.signal.prompt import confirms_question
print("busy", flush=True)
waiting = array.array("i", [0])
while waiting[0] < 4:  # bytes of whole lines
    time.sleep(0.01)
    fcntl.ioctl(0, termios.FIONREAD, waiting)
print("said", confirms_question("Really?"))
"""


def test_text_typed_before_the_question_is_no_answer() -> None:
    """Waiting lines are dropped; only the line typed after the question counts."""
    for answer, reply in (("n\n", "said False"), ("y\n", "said True")):
        with Terminal([sys.executable, "-c", _ASK]) as terminal:
            terminal.wait_for("busy")
            terminal.send("y\nn\ny")
            terminal.wait_for("Really? [y/N]")
            assert "said" not in terminal.text
            terminal.send(answer)
            terminal.wait_for(reply)
