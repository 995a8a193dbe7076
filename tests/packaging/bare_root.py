"""A root folder with the C library and one program in it, and nothing else."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_C_LIBRARY = (
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libutil.so.1",
)
_ENTER = """
mount --bind "$0" "$0"
mount -o remount,bind,ro "$0"
mount -t proc proc "$0/proc"
exec env -i TERM=linux "$(command -v chroot)" "$0" "$@"
"""


def make_bare_root(root: Path, program: Path) -> None:
    """Fill a new folder: the C library where the loader looks for it, and the program's folder,
    which moves to `/opt`.
    """
    (root / "proc").mkdir(parents=True)
    program.rename(root / "opt")
    report = subprocess.run(
        ["ldd", sys.executable], capture_output=True, text=True, check=True
    )
    [libc] = re.findall(r"libc\.so\.6 => (\S+)", report.stdout)
    [loader] = re.findall(r"^\s*(/\S*/ld-\S+)", report.stdout, re.MULTILINE)
    folder = Path(libc).parent
    for path in (Path(loader), *(folder / name for name in _C_LIBRARY)):
        copy = root / path.relative_to("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)


def inside(root: Path, *words: str) -> Sequence[str]:
    """Return the command that runs a program there: read-only, with TERM as its whole
    environment.
    """
    return ["unshare", "--mount", "sh", "-euc", _ENTER, str(root), *words]
