"""What a log and its tape cost: ``python -m tests.bench.scribe [ITERATIONS]``.

Records the training of w1 in this process, and then makes the tape of its log: CPU time of the scribe an event, bytes
of log and of tape an event (indexes and values included), and events a second.
"""

from __future__ import annotations

import runpy
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

from gradb.log import segments
from gradb.scribe.transcript import Transcript
from tests.bench.cases import HERE
from tests.tracer import recording

_SCRIPT = str(HERE / "workloads" / "w1_thermometer.py")


def main(iterations: int) -> None:
    """Measure, and print one line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.tape"
        spent = bytes_of_log = 0.0

        def transcribe(tape: str) -> None:
            nonlocal spent, bytes_of_log
            bytes_of_log = sum(size for _, size in segments.sizes(segments.folder_of(tape)))
            began = time.process_time()
            with Transcript(tape) as transcript:
                transcript.finish()
            spent = time.process_time() - began

        with (
            mock.patch.object(recording, "transcribe", transcribe),
            mock.patch.object(sys, "argv", ["w1", str(iterations)]),
        ):
            _, tape = recording.record(path, lambda: runpy.run_path(_SCRIPT, run_name="w1"), probe="auto")
        events = tape.head
        tape.close()
        print(
            f"{events:,} events: {1e6 * spent / events:.1f} us of CPU each, {events / spent:,.0f} a second; log"
            f" {bytes_of_log / events:.0f} bytes each, tape {path.stat().st_size / events:.0f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
