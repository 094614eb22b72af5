"""Checkpointing: compute twice, remember less

Lesson: Memory for time: what a checkpoint does not keep is computed once more.

To go backward, nodes need values from the forward. A checkpoint does not keep those of its
block: it keeps the block's input alone, and when the backward gets there it runs the
block's forward once more. Memory for time; the gradients are the same.

The block here is tanh(w * x), then squared. Plain, its nodes save x, w, the tanh and more.
In a checkpoint they save nothing until the backward arrives.

There are two kinds. `use_reentrant=False` lets the nodes be made as always, and has their
saved values computed anew when the first is asked for. The old `use_reentrant=True` is one
node, CheckpointFunctionBackward, and when that runs it does a forward and a whole backward
of its own inside the backward.
"""

import torch
from torch.utils.checkpoint import checkpoint

calls = 0


def block(x, w):
    """Compute what the checkpoint is around, and count how often."""
    global calls
    calls += 1
    h = torch.tanh(w * x)
    return h**2


#: Two leaves. block() computes the same of them three times, in three ways.
x = torch.tensor([1.0, 2.0], requires_grad=True)
w = torch.tensor([0.5, 0.25], requires_grad=True)

#: Plain: the nodes of the block keep what they need. Key 8 shows what.
block(x, w).sum().backward()
print("plain:        ", w.grad.tolist(), "forward runs:", calls)

w.grad, x.grad, calls = None, None, 0
#: The same nodes, but what they saved is not kept: key 8 again.
y = checkpoint(block, x, w, use_reentrant=False)
#: At the first node that wants a saved value the forward of the block runs
#: once more, in the middle of the backward.
# ? w.grad == approx([0.72686, 1.45372])
# ? hint: These are the numbers of the plain run. True or False?
# ? hint: A checkpoint changes when values are computed, and not which.
y.sum().backward()
print("non-reentrant:", w.grad.tolist(), "forward runs:", calls)

w.grad, x.grad, calls = None, None, 0
#: The old kind: the whole block is one node in the graph.
y = checkpoint(block, x, w, use_reentrant=True)
#: When that node runs it does a forward and a whole backward of its own.
y.sum().backward()
print("reentrant:    ", w.grad.tolist(), "forward runs:", calls)
