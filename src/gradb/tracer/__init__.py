"""The debuggee's side: runs the user's script and writes what autograd does to the tape.

Everything in this package runs inside the user's process: standard library, torch, and gradb's own ``link`` and
``tape``.
"""

from __future__ import annotations

import os

FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
"""Where the tracer's own files lie."""
PACKAGE = os.path.dirname(FOLDER.rstrip(os.sep)) + os.sep
"""Where all of gradb's lie."""
