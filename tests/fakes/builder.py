"""``TapeBuilder``: writes tapes without torch.

It goes through ``TapeWriter`` and ``wire.encode`` and keeps to the tracer's order of events, so a tape of it is one
that the tracer could have written. Give each op its Jacobians, and ``backward`` runs the chain rule.
"""

from __future__ import annotations

from tests.fakes import examples
from tests.fakes.backward import Autograd


class TapeBuilder(Autograd):
    """A tape being written, with a small autograd of its own; and the tapes of small scripts, ready made.

    ::

        with TapeBuilder("t.tape") as tape:
            a = tape.leaf("a", [1.0, 2.0])
            b = tape.op("Tensor.mul", "MulBackward0", [a, 3], [3, 6], name="b", jacobians=[diagonal([3, 3]), None])
            tape.backward(b, gradient=[1, 1])
            tape.end()
    """

    chain_rule_example = staticmethod(examples.chain_rule)
    looked_into_example = staticmethod(examples.looked_into)
    accumulation_example = staticmethod(examples.accumulation)
    shared_weight_example = staticmethod(examples.shared_weight)
    diamond_example = staticmethod(examples.diamond)
    nonfinite_example = staticmethod(examples.nonfinite)
    training_example = staticmethod(examples.training)
    watched_example = staticmethod(examples.watched)
    big = staticmethod(examples.big)
