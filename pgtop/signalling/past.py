"""The way back to the server while the screens show the past: there is none."""

from pgtop.signalling.execute import SignalExecutor
from pgtop.signalling.observe import RefusingSignaller

REASON = "the screen shows the past"


def refusing(executor: SignalExecutor) -> SignalExecutor:
    """Return the executor with a signaller that refuses, as what is shown is past."""
    return executor._replace(signaller=RefusingSignaller(REASON))
