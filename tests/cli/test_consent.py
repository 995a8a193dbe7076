"""What was typed before a command asks does not answer it."""

import sys
import time

from tests.pty import Terminal

_ASK = """
import time
from pgtop.cli.commands.signal.consent import says_yes
print("busy", flush=True)
time.sleep(1)
print("said", says_yes("Really?"))
"""


def test_what_was_typed_before_the_question_is_no_answer() -> None:
    """Lines that wait in the terminal are dropped; the one that is typed after the question counts."""
    for answer, said in (("n\n", "said False"), ("y\n", "said True")):
        with Terminal([sys.executable, "-c", _ASK]) as terminal:
            terminal.wait_for("busy")
            terminal.send("y\nn\ny")
            terminal.wait_for("Really? [y/N]")
            assert "said" not in terminal.text
            time.sleep(0.1)
            terminal.send(answer)
            terminal.wait_for(said)
