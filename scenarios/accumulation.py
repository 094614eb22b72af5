"""Gradients add up

Lesson: backward() adds to .grad and never replaces it; and what retain_graph keeps.

`backward()` never replaces a gradient, it adds to `.grad`. So the second call below
makes it twice as large, though the gradient itself is the same, and the third call makes
it three times as large.

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

#: The same five lines as in the lesson on the chain rule.
a = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
b = 2 * a
c = b + 5
d = c**2
out = d.sum()

#: The first walk; a.grad is None before it. retain_graph=True: the nodes keep
#: what they saved in forward.
out.backward(retain_graph=True)
print("first: ", a.grad)

#: The second walk: the same nodes and numbers. But nobody emptied a.grad.
#: .grad pane: what was there before, plus what arrives.
# ? a.grad
# ? hint: The gradient is the same as the first time, but a.grad is not None any more.
# ? hint: [28, 36, 44, 52] is there, and as much is added.
out.backward(retain_graph=True)
print("second:", a.grad)

#: The third walk is without retain_graph. Graph pane: a node that has run (◌)
#: has freed what it saved in forward.
out.backward()
print("third: ", a.grad)

try:
    #: A fourth walk: at PowBackward0 what it had saved is gone, so it raises.
    #: Press e then to be told why.
    # ? a.grad at error
    # ? hint: Does anything arrive at the leaf before the error?
    # ? hint: "Freed" are values that were needed to compute gradients, not the gradients.
    out.backward()
except RuntimeError as error:
    print("fourth:", error)
