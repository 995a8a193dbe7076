"""What a check for monitoring says: all in one line on stdout and in its exit code, whatever happens.

https://www.monitoring-plugins.org/doc/guidelines.html
"""

from typing import NamedTuple

from pgtop.cli import output
from pgtop.cli.exits import Check
from pgtop.errors import OutputError, PgtopError


class Verdict(NamedTuple):
    """What a check found: its code, a sentence, and performance data where it could measure."""

    code: Check
    words: str
    data: str = ""

    @classmethod
    def unknown(cls, error: PgtopError) -> "Verdict":
        """What could not be found out, and why."""
        return cls(Check.UNKNOWN, f"{error.what} {error.advice}".strip())

    @property
    def line(self) -> str:
        """All of it for monitoring, which takes what follows the first `|` for data: no name may bring one."""
        from pgtop.view.text import clean

        words = clean(self.words).replace("|", "/")
        return f"PGTOP {self.code.name} - {words}{f' | {self.data}' if self.data else ''}"

    def tell(self) -> Check:
        """Print it; returns the exit code, which is UNKNOWN where that failed."""
        try:
            output.write(f"{self.line}\n")
        except OutputError as error:
            output.say(error.what, error.advice)
            return Check.UNKNOWN
        return self.code
