"""The chain rule, node by node

Lesson: How a gradient is computed: backward, one node after the other, upstream times local.

Forward, PyTorch writes down how each tensor was computed: every op leaves a node, and
`grad_fn` points at the newest. Backward, the engine walks those nodes from `out` to `a`
and multiplies: what arrives at a node from above (upstream) times the node's own
derivative (local) is what it sends on (downstream).

    out = sum(d),  d = c ** 2,  c = b + 5,  b = 2 * a
    dout/da = 1 * 2c * 1 * 2 = 4c
"""

import torch

#: A leaf: made by hand, so no op is behind it. Backward is to fill its .grad.
a = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
b = 2 * a  #: Graph pane: a node, MulBackward0. It knows how b was made, and leads to a.
c = b + 5  #: The next op, the next node: AddBackward0 leads to the node of b.
d = c**2  #: The derivative of ** is 2 * c, so this node keeps c: press 8 (3 goes back).
out = d.sum()  #: One number. So far nothing was derived: forward writes down what was done.
#: Down the graph, node by node. Chain rule pane: what arrives (upstream) times
#: the node's own derivative (local) is what it sends on (downstream).
# ? downstream at node MulBackward0
# ? hint: The derivative of b = 2 * a is 2: what arrives is multiplied by it.
# ? hint: [14, 18, 22, 26] arrives, as AddBackward0 has passed it on.
out.backward()
print(a.grad)  #: What arrived at the leaf is in a.grad. Backspace goes back a step.
