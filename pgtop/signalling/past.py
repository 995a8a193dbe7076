"""The refusal of every signal while the screens show the past."""

from pgtop.signalling.execute import SignalExecutor
from pgtop.signalling.observe import RefusingSignaller

REASON = "the screen shows the past"


def refusing(executor: SignalExecutor) -> SignalExecutor:
    """Return the executor with a signaller that refuses, as what is shown is past."""
    return executor._replace(signaller=RefusingSignaller(REASON))
