"""The wheelhouse: all wheels in a folder and in a tar, with their hashes and a list of components.

A machine without internet installs from it, and its owner can first read what that is.
"""

import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pgtop.packaging import components, wheels
from pgtop.packaging.project import title

_HEAD = "# pip install --no-index --find-links . --require-hashes -r requirements.txt\n"


def build(to: Path) -> Sequence[Path]:
    """Build the folder and the tar in `to`; return both paths. Raises BuildError."""
    with tempfile.TemporaryDirectory() as work:
        return make(wheels.collect(Path(work)), to)


def make(collected: Sequence[Path], to: Path) -> Sequence[Path]:
    """Make the folder and the tar of these wheels; return both paths."""
    folder = to / f"{title()}-wheels"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for wheel in collected:
        shutil.copy(wheel, folder)
    requirements = "".join(_requirements(collected))
    (folder / "requirements.txt").write_text(_HEAD + requirements)
    (folder / "components.cdx.json").write_text(components.bill(collected))
    archive = to / f"{folder.name}.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(folder, folder.name)
    return folder, archive


def _requirements(collected: Sequence[Path]) -> Iterator[str]:
    """Yield a line for each library: its version, and the hash of each of its wheels."""
    for name, paths in wheels.by_name(collected).items():
        version = wheels.read(paths[0]).version
        hashes = [f"--hash=sha256:{components.sha256(path)}" for path in paths]
        yield " \\\n    ".join([f"{name}=={version}", *hashes]) + "\n"
