"""Where the tapes of this folder are: in the tests' own temporary folder, which is cleared."""

from __future__ import annotations

import pytest

from tests.tracer.hard.seeing import keep_in


@pytest.fixture(scope="session", autouse=True)
def _tapes(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have the tapes of all scripts, each recorded once, in one folder."""
    keep_in(tmp_path_factory.mktemp("hard"))
