"""Each package is built once for all tests."""

from pathlib import Path

import pytest

from pgtop.packaging import bundle


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the folder of the bundle."""
    return bundle.build_folder(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="session")
def bundle_tar(bundle_folder: Path) -> Path:
    """Build the tar of the bundle."""
    return bundle.pack(bundle_folder)
