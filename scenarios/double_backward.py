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

#: A leaf, one number: y will be differentiated by it, three times.
x = torch.tensor(2.0, requires_grad=True)
y = x**3  #: One node. Its derivative is 3 * x**2, so it has kept x.

#: grad() returns the gradient and leaves x.grad alone. With create_graph the
#: ops of this backward leave nodes too: graph pane, once g is there.
(g,) = torch.autograd.grad(y, x, create_graph=True)
print("first: ", g.item(), g.grad_fn.name())

#: So g can be differentiated like any other result: the second derivative.
(h,) = torch.autograd.grad(g, x, create_graph=True)
print("second:", h.item())

#: And h too. This time without create_graph: k is a number with no node.
(k,) = torch.autograd.grad(h, x, retain_graph=True)
print("third: ", k.item(), k.grad_fn)

#: A loss that is made of a gradient.
penalty = g**2
#: The way back leads through the ops of the first backward, down to x.
# ? x.grad
# ? hint: By the chain rule it is 2 * g, times the derivative of g by x.
# ? hint: That derivative is h. Both g and h are 12.
penalty.backward()
print("x.grad:", x.grad.item())
