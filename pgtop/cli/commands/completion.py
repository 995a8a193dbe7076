"""`pgtop completion`: the completion script of a shell."""

from pgtop.cli import output
from pgtop.cli.args.records import CompletionCommand
from pgtop.cli.completion import SCRIPTS
from pgtop.cli.exit_codes import Exit


def run(command: CompletionCommand) -> int:
    """Print the script; return the exit code. Raises OutputError."""
    output.write_data(SCRIPTS[command.shell]())
    return Exit.DONE
