"""The graph, and how to walk it by hand

Lesson: How each op leaves a node, and how grad_fn and next_functions lead back to the leaf.

`requires_grad=True` asks PyTorch to keep track of what is computed from `a`. Each op then
leaves a node, which knows how to go back over it. A result has its node as `grad_fn`, and
each node has `next_functions`: one pair for each input of the op. The first of a pair is the
node that made the input, the very object that is the input's own `grad_fn`. The second says
which result of that node it was: 0, unless the op has several.

    d.grad_fn                                              PowBackward0   (c ** 2)
    d.grad_fn.next_functions[0][0]                         AddBackward0   = c.grad_fn
    d.grad_fn.next_functions[0][0].next_functions[0][0]    MulBackward0   = b.grad_fn

An input that has no gradient, like the 5 of `b + 5`, has the pair (None, 0). `a` was made by
hand, so it is a leaf: its `grad_fn` is None, whatever its shape. At the end of the way stands
a node that belongs to no op: AccumulateGrad, which adds what arrives to `a.grad`.

The graph pane draws this, the newest node on top. Select a node there (up, down), and the
lines below are the Python that reaches it, and its next_functions. `y` copies the first.
"""

import torch

#: A leaf: made by hand, so its grad_fn is None. Graph pane: one line, for a.
a = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
print("a.grad_fn:", a.grad_fn)

#: Graph pane: the product has left a node. It is b.grad_fn, and leads to a.
b = 2 * a
c = b + 5
#: Each op adds a node on top. The last is d.grad_fn, PowBackward0.
d = c**2
print("d.grad_fn:", d.grad_fn.name())

add, index = d.grad_fn.next_functions[0]
print("next:", add.name(), index, "and it is c.grad_fn:", add is c.grad_fn)
multiply = add.next_functions[0][0]
print("next:", multiply.name(), "and it is b.grad_fn:", multiply is b.grad_fn)
print("the 5 of b + 5:", add.next_functions[1])
last = multiply.next_functions[0][0]
print("last:", last.name(), "of a:", last.variable is a)

#: One op, two results: low and high have the same node; high is its result 1.
low, high = d.split(2)
#: Graph pane, at the bottom: its next_functions, with the 1 for high.
out = high.sum()
print("out:", [(node.name(), index) for node, index in out.grad_fn.next_functions])

#: backward() walks the same way, node by node, and fills a.grad.
# ? a.grad
# ? hint: out does not depend on a[0] and a[1]: these two are 0
# ? hint: out is a sum of c**2 with c = 2a + 5: for the others it is 2c * 2, where c is [11, 13]
out.backward()
print("a.grad:", a.grad)
