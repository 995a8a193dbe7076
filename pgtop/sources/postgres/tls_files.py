"""The client's own TLS files: which of them is missing, and whether the key has a passphrase.

libpq falls back to plain text where one of them is at fault and sslmode allows it, and the server's
refusal of that would be all there is to see. https://www.postgresql.org/docs/current/libpq-ssl.html
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from pgtop.sources.postgres.places import LOCAL_SOCKET

_NAMED = ("sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir")
_MOST = 1 << 16
"""Bytes of a key file: the mark of a passphrase stands at its beginning."""
_STRICT = ("require", "verify-ca", "verify-full")


def missing_file(options: Mapping[str, str]) -> str:
    """Return the first TLS file that is named and does not exist; a root certificate may be
    "system".
    """
    named = (options[name] for name in _NAMED if options.get(name) and options[name] != "system")
    return next((path for path in named if ":" not in path and not os.path.lexists(path)), "")


def locked_key(options: Mapping[str, str]) -> str:
    """Return the path of the client's key, if TLS may need it and it has a passphrase that is not
    given.
    """
    if options.get("sslpassword") or "disable" in (
        options.get("sslmode"),
        options.get("sslcertmode"),
    ):
        return ""
    if all(host.startswith(LOCAL_SOCKET) for host in options.get("host", "/").split(",")):
        return "" if not options.get("hostaddr") else _locked(options)
    return _locked(options)


def needs_tls(options: Mapping[str, str]) -> bool:
    """Return whether the connection cannot fall back to plain text."""
    return options.get("sslmode") in _STRICT


def _locked(options: Mapping[str, str]) -> str:
    folder = Path(os.path.expanduser("~")) / ".postgresql"
    certificate = Path(options.get("sslcert") or folder / "postgresql.crt")
    key = Path(options.get("sslkey") or folder / "postgresql.key")
    return str(key) if os.path.exists(certificate) and b"ENCRYPTED" in _beginning(key) else ""


def _beginning(path: Path) -> bytes:
    """Return the start of a regular file; nothing of a pipe, which can be read only once."""
    try:
        if stat.S_ISREG(path.stat().st_mode):
            with path.open("rb") as file:
                return file.read(_MOST)
    except OSError:
        pass
    return b""
