"""The chain rule, node by node

Forward, PyTorch writes down how each tensor was computed: every op leaves a node, and
`grad_fn` points at the newest. Backward, the engine walks those nodes from `out` to `a`
and multiplies: what arrives at a node from above (upstream) times the node's own
derivative (local) is what it sends on (downstream).

    out = sum(d),  d = c ** 2,  c = b + 5,  b = 2 * a
    dout/da = 1 * 2c * 1 * 2 = 4c,  and with c = [7, 9, 11, 13]:  [28, 36, 44, 52]

`a` itself has no `grad_fn`: it was made by hand, it is a leaf, and the result of the
walk is added into `a.grad`.
"""

import torch

a = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
b = 2 * a
c = b + 5
d = c**2
out = d.sum()
out.backward()
print(a.grad)
