"""By default a stream has no limit, and its clock stands still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from live_sessions.aws.http import tls
from tests.handlers.transcribe.clock import SteppedClock


@pytest.fixture
def clock() -> SteppedClock:
    """By which a stream counts silence, and the time from its end."""
    return SteppedClock()


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tests' own certificate is the only one that is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls.cache_clear()
    yield
    tls.cache_clear()
