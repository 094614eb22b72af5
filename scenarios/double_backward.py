"""The gradient of a gradient

Lesson: A backward can be differentiated too: the gradient of a gradient.

With `create_graph=True` the backward is itself written down: its multiplications leave
nodes too, so the gradient has a `grad_fn` and can be differentiated again.

    y = x**3            at x = 2:    8
    dy/dx = 3*x**2                  12
    d2y/dx2 = 6*x                   12
    d3y/dx3 = 6                      6

`torch.autograd.grad` returns what it computes and leaves `.grad` alone. A penalty on the
size of a gradient (as in WGAN-GP) is such a second derivative: the last lines add
(dy/dx)**2 to a loss and call `backward()` on it. Its gradient is
2 * dy/dx * d2y/dx2 = 2 * 12 * 12 = 288.

Without `create_graph` the gradient is a plain tensor, `g.grad_fn` is None, and the second
call raises.
"""

import torch

x = torch.tensor(2.0, requires_grad=True)
y = x**3

(g,) = torch.autograd.grad(y, x, create_graph=True)
print("first: ", g.item(), g.grad_fn.name())

(h,) = torch.autograd.grad(g, x, create_graph=True)
print("second:", h.item())

(k,) = torch.autograd.grad(h, x, retain_graph=True)
print("third: ", k.item(), k.grad_fn)

penalty = g**2
penalty.backward()
print("x.grad:", x.grad.item())
