"""The zipapp: one file, which any Python that pgtop supports runs on a machine of this kind.

It unpacks itself once, into ~/.shiv or SHIV_ROOT.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from pgtop.packaging import wheels
from pgtop.packaging.project import HERE, run_module, title


def build(to: Path) -> Sequence[Path]:
    """Build the file in `to`; return its path. Raises BuildError."""
    with tempfile.TemporaryDirectory() as work:
        return [make(wheels.collect(Path(work)), to)]


def make(collected: Sequence[Path], to: Path) -> Path:
    """Make the file of these wheels; return its path. Raises BuildError."""
    path = to / f"{title()}.pyz"
    with tempfile.TemporaryDirectory() as site:
        wheels.unpack(collected, Path(site))
        run_module(
            "shiv",
            f"--site-packages={site}",
            "--entry-point=pgtop.__main__:main",
            f"--preamble={HERE}/zipapp_start.py",
            "--python=/usr/bin/env python3",
            "--compressed",
            "--reproducible",
            f"--output-file={path}",
        )
    return path
