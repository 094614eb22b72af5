"""Torch's own database of its ops, with samples of their arguments. To import it takes seconds."""

from __future__ import annotations

from torch.testing._internal import common_utils
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo import core

from tests.tracer.seeding import seed_what_there_is

__all__ = ["op_db"]

seed_what_there_is()  # for each sample it seeds anew
# For each list of samples it looks for a unittest that calls, and reads the source of all that is on the stack for it.
for _module in (common_utils, core):
    vars(_module)["extract_test_fn"] = lambda: None
