"""The process that tries cases: one a line on its input, one result a line on its output.

Started by ``pool``; importing torch and its database takes seconds, so one worker tries many cases.
"""

from __future__ import annotations

import json
import os
import sys

from tests.conformance.ops.samples import Case
from tests.conformance.ops.trial import attempt


def main() -> None:
    """Answer until the input ends. What ops print, in C++ as in Python, goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        op, dtype, count = json.loads(line)
        answers.write(json.dumps(attempt(Case(op, dtype), count).json()) + "\n")


if __name__ == "__main__":
    main()
