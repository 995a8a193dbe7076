"""Each package is built once for all tests."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from pgtop.packaging import bundle, wheels


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the folder of the bundle."""
    return bundle.build_folder(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="session")
def bundle_tar(bundle_folder: Path) -> Path:
    """Build the tar of the bundle."""
    return bundle.pack(bundle_folder)


@pytest.fixture(scope="session")
def collected_wheels(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """Collect the wheels that the other packages are made of."""
    return wheels.collect(tmp_path_factory.mktemp("wheels"))
