"""A throwaway copy of this machine's file system, for what installs things."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

_ENTER = """
mount -t tmpfs tmpfs "$0"
cd "$0"
mkdir new work root
mount -t overlay overlay -o lowerdir=/,upperdir=new,workdir=work root
for folder in proc dev tmp; do mount --rbind "/$folder" "root/$folder"; done
exec chroot root sh -euxc "$1"
"""


def run_in_copy(script: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run a shell script in the copy, and return what it prints. The copy is at `folder`, while
    the script runs; /tmp is the machine's own.
    """
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-euc", _ENTER, str(folder), script],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
