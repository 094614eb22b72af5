"""Worker processes that try cases, each case with a time-out: a crash or a hang costs one case, not the run."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

from tests.conformance.ops.results import Result

Key = tuple[str, str]
_COMMAND = (sys.executable, "-m", "tests.conformance.ops.worker")


class Worker:
    """One worker process, started when it is first needed and again after it has died."""

    def __init__(self, command: Sequence[str] = _COMMAND) -> None:
        self._command = command
        self._process: subprocess.Popen[str] | None = None

    def attempt(self, key: Key, count: int, seconds: float) -> Result:
        """Return the result of a case; a crash or a time-out is a problem of it."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        has_timed_out = threading.Event()

        def end() -> None:
            has_timed_out.set()
            process.kill()

        timer = threading.Timer(seconds, end)
        timer.start()
        try:
            process.stdin.write(json.dumps([*key, count]) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
            timer.join()
        if line.endswith("\n"):
            if has_timed_out.is_set():  # only just: the next case gets another process
                self.close()
            return Result(**json.loads(line))
        why = self._ended(process, seconds if has_timed_out.is_set() else None)
        return Result(*key, count, problems=[why])

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, text=True, env=environment)
        return self._process

    def _ended(self, process: subprocess.Popen[str], seconds: float | None) -> str:
        code = process.wait()
        self.close()
        if seconds is not None:
            return f"not done after {seconds:g} s"
        return (
            f"the process was ended by {signal.Signals(-code).name}" if code < 0 else f"the process exited with {code}"
        )

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def results(
    keys: Sequence[Key], count: int, jobs: int, seconds: float, make: Callable[[], Worker] = Worker
) -> Iterator[Result]:
    """Try cases in ``jobs`` workers at a time; yield each result as it comes."""
    todo: queue.SimpleQueue[Key] = queue.SimpleQueue()
    done: queue.SimpleQueue[Result] = queue.SimpleQueue()
    for key in keys:
        todo.put(key)

    def serve() -> None:
        worker = make()
        try:
            while True:
                done.put(worker.attempt(todo.get_nowait(), count, seconds))
        except queue.Empty:
            pass
        finally:
            worker.close()

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(min(jobs, len(keys)))]
    for thread in threads:
        thread.start()
    for _ in keys:
        yield done.get()
    for thread in threads:
        thread.join()
