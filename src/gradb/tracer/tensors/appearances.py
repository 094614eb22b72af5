"""Values of tensors that have an identity, as an event shows them: read once, and what is odd about them remembered."""

from __future__ import annotations

import torch

from gradb.tape.oddity import UNREAD
from gradb.tape.wire import Blob
from gradb.tracer.tensors.births import Births
from gradb.tracer.tensors.blanks import Blanks
from gradb.tracer.tensors.records import TensorRecord
from gradb.tracer.tensors.values import Snapshots, blank


class Appearances:
    """Reads what events show.

    Args:
        snapshots: takes values.
        blanks: knows memory that holds none yet.
        births: is told what is odd.
    """

    def __init__(self, snapshots: Snapshots, blanks: Blanks, births: Births) -> None:
        self._snapshots = snapshots
        self._blanks = blanks
        self._births = births

    def given(self, known: TensorRecord, tensor: torch.Tensor, blob: Blob) -> str:
        """Return the text of the wire form ``V`` of an input; ``Blob.odd`` says ``BIRTH`` of one from outside."""
        before, blob.odd = blob.odd, 0
        value = self._take(tensor, blob)
        if blob.odd or known.odd != 0:
            blob.odd |= self._births.arrives(known, tensor, blob.odd)
        blob.odd |= before
        return value

    def made(self, known: TensorRecord, tensor: torch.Tensor, blob: Blob) -> str:
        """Return the text of the wire form ``V`` of a result; what was known to be odd is said to be ``UNREAD``."""
        before, blob.odd = blob.odd, 0
        value = self._take(tensor, blob)
        if blob.odd or known.odd != 0:
            blob.odd |= self._births.made(known, tensor, blob.odd)
        blob.odd |= before
        return value

    def _take(self, tensor: torch.Tensor, blob: Blob) -> str:
        blanks = self._blanks
        if blanks.known and blanks.has(tensor):
            blob.odd |= UNREAD
            return blank(tensor)
        return self._snapshots.take(tensor, blob)
