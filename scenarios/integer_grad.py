"""Integers cannot require a gradient

Lesson: Which tensors can have a gradient: those of decimal numbers, and why integers cannot.

A gradient says how a result changes when its input moves a little, and an integer
cannot move a little. So only tensors of floating point or complex dtype can require
one, and asking for it on integers raises at once, before any op. The cure is a decimal
point: `1.` is a float.

The shape plays no part in it. A leaf made by hand has no `grad_fn` either way; its
history begins with the first op.
"""

import torch

try:
    #: These are integers, so PyTorch refuses: what it says stands below. They
    #: cannot move a little, and a gradient is about moving a little.
    a = torch.tensor([[1, 2], [3, 4]], requires_grad=True)
except RuntimeError as error:
    print(error)

#: With decimal points it works. a is a leaf: made by hand, and not computed.
#: .grad pane: a.grad, which is None so far.
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
#: An op leaves a node in the graph, here MulBackward0. It leads to where its
#: inputs came from. Both are a, which is drawn once; an arrow leads to it.
square = a * a
#: The next op, the next node on top: SumBackward0.
out = square.sum()
#: Backward walks from out down to the leaf. How fast does out change when
#: a[0][0] moves a little? a.grad has one such number for each element.
# ? a.grad
# ? hint: It has the shape of a: two rows of two numbers.
# ? hint: The derivative of a * a is 2 * a, element by element.
out.backward()
#: Forward, graph, backward, .grad: that is all of autograd. What happens at
#: each node on the way is the lesson on the chain rule.
print(a.grad)
