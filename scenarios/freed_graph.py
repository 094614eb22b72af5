"""What is freed, and what is kept

Lesson: What the first backward() frees, what stays, and why a second one may raise.

Going forward, a node saves what its derivative will need: PowBackward0 saves c for 2c, and
AddBackward0 saves no value, as its derivative is 1. When the engine has run a node, it frees
what that node had saved, unless `retain_graph=True` says that another walk will follow.
It saves memory; in a large model what is saved for backward is most of it.

Freed are only the saved values, by the nodes that saved them. What stays:

    the gradients in .grad       28, 36, 44, 52: they are results, and belong to you
    c and d themselves           as long as a variable of yours holds them
    the nodes                    d.grad_fn is still PowBackward0, and leads to a

A second `backward()` walks from `out` again, comes to PowBackward0, finds c gone and raises.
If no node on the way needs a saved value nothing is missing, and a second walk without any
`retain_graph` works: see `total` at the end.

To cure the error do not reach for `retain_graph` first. In a training loop each iteration
builds a graph of its own; that a second walk is tried mostly means that something of the
iteration before is still part of the loss.
"""

import torch

#: The same five lines as in the lesson on the chain rule: four ops.
a = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
b = 2 * a
c = b + 5
#: For its derivative 2c the node of ** has saved c: press 8, the saved pane.
d = c**2
#: The sum saves no value: it needs to know a shape, no number. (3 goes back.)
out = d.sum()

#: Kept: after this walk the nodes still have what they saved.
out.backward(retain_graph=True)
print("saved:", d.grad_fn._saved_self)

#: Without retain_graph each node frees what it saved once it has run: mark ◌.
# ? a.grad
# ? hint: This walk adds the same [28, 36, 44, 52] to what is there.
out.backward()
print("a.grad:", a.grad, "c:", c.tolist(), "node:", d.grad_fn.name())

try:
    #: A third walk: it gets as far as PowBackward0, and c is gone.
    out.backward()
except RuntimeError as error:
    print("error:", error)

#: The gradients are still there: freed was what the nodes saved, nothing else.
total = (a + 5).sum()
#: In this graph no node saves a value, so nothing can be missing.
total.backward()
#: Again, without retain_graph: it works.
# ? a.grad
# ? hint: Each walk adds 1 to each element, and there are two of them.
total.backward()
print("a.grad:", a.grad)
