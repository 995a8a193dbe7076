"""The prompt for a password."""

import pytest

from pgtop.cli.password_prompt import PasswordPrompt
from pgtop.model.failure import FailureKind
from pgtop.ports import SourceError


def test_no_prompt_appears_on_the_screen() -> None:
    """Once the screen has the terminal, a wanted password is a failure like any other."""
    prompt = PasswordPrompt()
    prompt.close()
    with pytest.raises(SourceError) as caught:
        prompt("Password: ")
    assert caught.value.failure.kind is FailureKind.PASSWORD
