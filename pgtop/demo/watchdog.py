"""A watchdog that ends the server if its owner is killed: a small process at the other end of a
pipe, which the kernel then closes.

The watchdog signals only the server: the process with the server's data folder as its current
folder.
"""

import subprocess
from pathlib import Path

_SCRIPT = r"""
trap '' HUP INT QUIT TERM
read -r _ && exit 0
lives() {
  [ -n "$pid" ] || return 1
  if [ -d /proc/self ]; then [ "$(readlink "/proc/$pid/cwd")" = "$folder/data" ]
  else ps -o command= -p "$pid" | grep -qF "$folder/data"; fi
}
end() {
  lives && kill -s "$1" "$pid" && kill -s CONT "$pid"
  looks=0
  while lives && [ "$looks" -lt 80 ]; do looks=$((looks + 1)); sleep 0.1; done
}
folder=$1
pid=$(head -n 1 "$folder/data/postmaster.pid")
end QUIT
end KILL
rm -rf "$folder"
"""
# `lives` checks the process, as a crash leaves postmaster.pid behind and its pid may be reused.


class Watchdog:
    """Watches the server in `folder` until `dismiss`."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "pgtop-watchdog", folder.resolve()],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """End the watchdog, as its owner has stopped the server."""
        self._process.communicate(b"\n")
