"""Forked children of the script (data loader workers) are not traced: the tape belongs to the parent."""

from __future__ import annotations

import os

from gradb.tracer.recorder import Recorder


def stop_in_forks(recorder: Recorder) -> None:
    """Make every forked child of this process stop recording at once."""
    os.register_at_fork(after_in_child=recorder.abandon)
