"""The debuggee's entry, run by its path: ``python .../gradb/tracer/__main__.py FD SPEC``."""

import os
import sys


def _start() -> None:
    # sys.path[0] is this folder; the script's own takes its place. gradb itself may not be installed where this runs.
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if not sys.flags.safe_path:
        del sys.path[0]
    is_borrowed = root not in sys.path
    if is_borrowed:
        sys.path.append(root)
    from gradb.tracer.process.debuggee import main

    fd, spec = int(sys.argv[1]), sys.argv[2]
    if is_borrowed:
        sys.path.remove(root)
    main(fd, spec)


_start()
