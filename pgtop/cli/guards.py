"""The guards of `config/guards`, read with the command line's filters and reported on stderr."""

import os
from collections.abc import Mapping

from pgtop.cli import output
from pgtop.cli.args.filters import filter_for_protection
from pgtop.config import guards
from pgtop.config.settings import Safety


def guards_for(
    options: Safety, environ: Mapping[str, str] = os.environ
) -> guards.Guards:
    """Return the guards in force. Raises UsageError for an unreadable file or filter."""
    return guards.guards_of(options, filter_for_protection, output.report, environ)


def redacts(option: bool) -> bool:
    """Return whether the option or the file masks literals. Raises UsageError."""
    return guards.redacts(option, output.report)
