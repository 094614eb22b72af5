"""`gradb gradcheck` as a user starts it."""

from __future__ import annotations

import json

import pytest

from tests.e2e.gradb_process import gradb

pytestmark = pytest.mark.e2e


def test_a_wrong_backward_is_found() -> None:
    """Exit code 1, both derivatives in JSON, and nothing of what the script prints or how it ends."""
    done = gradb("gradcheck", "--leaf", "a[2]", "--json", "backward_is_wrong.py")
    assert (done.code, done.err) == (1, "")
    found = json.loads(done.out)
    assert (found["leaf"], found["outcome"], found["engine"], found["runs"]) == ("a[2]", "differs", 3.0, 6)
    assert found["estimate"] == pytest.approx(6.0, rel=1e-3)
    assert found["sentence"].startswith("a[2]: differs by 3: 6 ± ")
