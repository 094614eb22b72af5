"""Forked children of the script (data loader workers) are not traced: the tape belongs to the parent."""

from __future__ import annotations

import os

from gradb.link.channel import Channel
from gradb.tracer.recorder import Recorder


def stop_in_forks(recorder: Recorder, channel: Channel) -> None:
    """Make every forked child of this process stop recording at once, and let go of the line."""
    os.register_at_fork(after_in_child=recorder.abandon)
    os.register_at_fork(after_in_child=channel.close)
