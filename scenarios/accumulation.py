"""Gradients add up

`backward()` never replaces a gradient, it adds to `.grad`. So the second call below
turns [28, 36, 44, 52] into [56, 72, 88, 104], though the gradient itself is the same,
and the third makes it [84, 108, 132, 156].

Why add? Because a tensor that is used in several places gets one contribution from
each, and by the chain rule these must be summed; a loss computed in several pieces, one
`backward()` each, works the same way. It is often said that `.grad` is a buffer that
collects until it is full and then updates the parameter, or that this saves memory. It
is not so: it has the shape of its tensor, it is never full, and no `backward()` ever
changes a parameter. Only the optimizer does, and only you empty the buffer
(`zero_grad`).

`retain_graph=True` keeps what the nodes saved in the forward for one more walk. The
third call leaves it out, so while it runs each node frees what it saved: the values
that were needed to compute gradients, not the gradients themselves. One more call then
finds them gone and raises.
"""

import torch

a = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
b = 2 * a
c = b + 5
d = c**2
out = d.sum()

out.backward(retain_graph=True)
print("first: ", a.grad)

out.backward(retain_graph=True)
print("second:", a.grad)

out.backward()
print("third: ", a.grad)

try:
    out.backward()
except RuntimeError as error:
    print("fourth:", error)
