"""What all tests share: how Hypothesis is run, and one thread per process for torch."""

from __future__ import annotations

import os

from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tests run side by side; inherited by every process they start

settings.register_profile("gradb", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("gradb")
