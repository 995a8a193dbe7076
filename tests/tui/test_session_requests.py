"""Requests about one session, when the app ends before they begin."""

import gc
import warnings
from typing import Any
from unittest.mock import Mock

from pgtop.tui.session_requests import SessionRequests


def test_a_request_that_never_begins_is_no_complaint() -> None:
    """Python would print one on the terminal that pgtop has just given back."""
    app: Any = Mock()
    requests = SessionRequests(app, Mock(), Mock(), Mock())
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        requests.show_details(Mock())
        requests.copy_text("text", "name")
        assert app.run_worker.call_count == 3
        app.reset_mock()
        gc.collect()
    assert not complaints
