"""The user's consent to a plan, and what must be typed to give it: for dialog and command line."""

from enum import Enum, auto
from typing import NamedTuple

from pgtop.model.plan import Plan, Target

TYPE_COUNT_ABOVE = 10
"""A plan with more targets needs their number typed."""


class Consent(NamedTuple):
    """A plan that the user has confirmed, and the user's reason."""

    plan: Plan
    reason: str = ""


class Cause(Enum):
    """The reason that a yes is not enough."""

    PROTECTED = auto()
    UNIDENTIFIED = auto()
    """The next session under the same pid would look the same."""
    MANY = auto()


class Requirement(NamedTuple):
    """The text that must be typed to confirm a plan, for a cause; no text if a yes is enough."""

    text: str = ""
    cause: Cause | None = None

    def is_met_by(self, text: str) -> bool:
        """Return whether `text` is exactly what must be typed, if anything must."""
        return not self.text or text == self.text


def requirement(plan: Plan) -> Requirement:
    """Return what the user must type to confirm `plan`: a pid, a number, or nothing but a yes."""
    count = str(len(plan.targets))
    delicate = [target for target in plan.targets if needs_pid(target)]
    if delicate and len(plan.targets) == 1:
        target = delicate[0]
        cause = Cause.PROTECTED if target.protection else Cause.UNIDENTIFIED
        return Requirement(str(target.backend.pid), cause)
    if delicate or len(plan.targets) > TYPE_COUNT_ABOVE:
        return Requirement(count, Cause.MANY)
    return Requirement()


def needs_pid(target: Target) -> bool:
    """Return whether the target's pid must be typed."""
    return bool(target.protection) or target.backend.hidden
