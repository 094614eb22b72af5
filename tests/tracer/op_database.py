"""Torch's own database of its ops, with samples of their arguments. To import it takes seconds."""

from __future__ import annotations

from torch.testing._internal import common_utils
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo import core

__all__ = ["op_db"]

# For each list of samples it looks for a unittest that calls, and reads the source of all that is on the stack for it.
for _module in (common_utils, core):
    vars(_module)["extract_test_fn"] = lambda: None
