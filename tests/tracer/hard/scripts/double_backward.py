"""The derivative of a derivative.

``create_graph=True`` makes a graph of the gradient itself; a second backward goes through that.
"""

import torch

x = torch.tensor([2.0, 3.0], requires_grad=True)
loss = (x**3).sum()
(g,) = torch.autograd.grad(loss, x, create_graph=True)
(h,) = torch.autograd.grad(g.sum(), x)
print(g.detach(), h)
