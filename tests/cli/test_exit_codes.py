"""The exit codes of failures."""

import pytest

from pgtop.cli.exit_codes import exit_for
from pgtop.model.failure import FailureKind


@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_has_a_code(kind: FailureKind) -> None:
    """Only a full server, a refusal and wrong usage have codes of their own."""
    expected = {
        FailureKind.FULL: 5,
        FailureKind.PASSWORD: 4,
        FailureKind.DENIED: 4,
        FailureKind.USAGE: 2,
    }
    assert exit_for(kind) == expected.get(kind, 3)
