"""The client's own TLS files: which of them is missing, and whether the key has a passphrase.

When one of them is faulty and sslmode allows it, libpq falls back to plain text, and the server's
refusal of plain text would be the only visible error.
https://www.postgresql.org/docs/current/libpq-ssl.html
"""

import os
from collections.abc import Mapping
from pathlib import Path

from pgtop.files import open_regular, read_start
from pgtop.sources.postgres.option_checks import LOCAL_SOCKET

_TLS_FILE_OPTIONS = (
    "sslcert",
    "sslkey",
    "sslrootcert",
    "sslcrl",
    "sslcrldir",
)
_KEY_BYTES = 1 << 16
"""Bytes read of a key file, which shows near its beginning whether it has a passphrase."""
_STRICT_MODES = ("require", "verify-ca", "verify-full")


def missing_file(options: Mapping[str, str]) -> str:
    """Return the first TLS file that an option names and that does not exist, or "".

    A root certificate may be "system", and a path with a colon may name a key in an engine.
    """
    for name in _TLS_FILE_OPTIONS:
        path = options.get(name, "")
        is_path = path not in ("", "system") and ":" not in path
        if is_path and not os.path.lexists(path):
            return path
    return ""


def locked_key(options: Mapping[str, str]) -> str:
    """Return the path of the client's key if TLS may use it and its passphrase is missing,
    or "".
    """
    modes = (options.get("sslmode"), options.get("sslcertmode"))
    if options.get("sslpassword") or "disable" in modes or _is_local(options):
        return ""
    folder = Path(os.path.expanduser("~")) / ".postgresql"
    certificate = Path(options.get("sslcert") or folder / "postgresql.crt")
    key = Path(options.get("sslkey") or folder / "postgresql.key")
    return str(key) if os.path.exists(certificate) and _has_passphrase(key) else ""


def needs_tls(options: Mapping[str, str]) -> bool:
    """Return whether the connection cannot fall back to plain text."""
    return options.get("sslmode") in _STRICT_MODES


def _is_local(options: Mapping[str, str]) -> bool:
    """Return whether every host is a Unix-domain socket."""
    if options.get("hostaddr"):
        return False
    hosts = options.get("host", "/").split(",")
    return all(host.startswith(LOCAL_SOCKET) for host in hosts)


def _has_passphrase(key: Path) -> bool:
    """Return whether the key is a regular file with a passphrase; a pipe can be read only once."""
    try:
        return b"ENCRYPTED" in read_start(open_regular(key, os.O_RDONLY), _KEY_BYTES)
    except OSError:
        return False
