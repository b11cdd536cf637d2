"""No runbook waits for real in these tests."""

from __future__ import annotations

import pytest

from runbooks import verify
from tasks import migrate


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "LOG_SECONDS", 0)
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0)
