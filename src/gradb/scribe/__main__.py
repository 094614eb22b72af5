"""The scribe's entry, run by its path: ``python .../gradb/scribe/__main__.py FD TAPE DEVICE INODE``."""

import os
import sys


def _start() -> None:
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    from gradb.scribe.process import main

    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))


_start()
