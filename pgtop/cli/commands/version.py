"""`pgtop version`: the version, and all that a bug report needs."""

from importlib import import_module

from pgtop import __version__
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
            import_module(library)
        lines = [clean(line) for line in environment()]
    output.write("".join(f"{line}\n" for line in lines))
    return Exit.DONE
