"""`pgtop version`: the version, and all that a bug report needs."""

from pgtop import __version__, startup
from pgtop.cli import output
from pgtop.cli.args.records import VersionCommand
from pgtop.cli.environment import LIBRARIES, environment
from pgtop.cli.exit_codes import Exit
from pgtop.text.clean import clean


def run(command: VersionCommand) -> int:
    """Print the version; return the exit code. Raises OutputError."""
    lines = [f"pgtop {__version__}"]
    if command.verbose:
        for library in LIBRARIES:
            startup.load(library)
        lines = [clean(line) for line in environment()]
    output.write("".join(f"{line}\n" for line in lines))
    return Exit.DONE
