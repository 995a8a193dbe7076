"""The demo's server is tested as users start it."""

from collections.abc import Iterator

import pytest

from tests.templates import fresh


@pytest.fixture(autouse=True)
def _fresh_clusters() -> Iterator[None]:
    with fresh():
        yield
