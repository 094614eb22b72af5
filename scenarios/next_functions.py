"""The graph, and how to walk it by hand

Lesson: How each op leaves a node, and how grad_fn and next_functions lead back to the leaf.

A gradient says how fast a result changes when its input moves a little. To find it, one goes
back from the result to the input, so PyTorch has to know how the result was made.

`requires_grad=True` asks it to keep track of what is computed from `a`. Each operation (op:
a product, a sum ...) then leaves a node, which knows how to go back over it. A result has
its node as `grad_fn`, and each node has `next_functions`: one pair for each input of the op.
The first of a pair is the node that made the input, the very object that is the input's own
`grad_fn`. The second says which result of that node it was: 0, unless the op has several.

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

#: A leaf: made by hand, so its grad_fn is None. Graph pane: where the way back
#: to it will end, AccumulateGrad, which adds what arrives to a.grad.
a = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
print("a.grad_fn:", a.grad_fn)

#: Graph pane: the product has left a node. It is b.grad_fn, and leads to a.
b = 2 * a
#: The next op, and its node on top: c.grad_fn leads to the node of b.
c = b + 5
#: Each op adds one. That of ** is d.grad_fn, PowBackward0.
d = c**2
print("d.grad_fn:", d.grad_fn.name())

add, index = d.grad_fn.next_functions[0]
print("next:", add.name(), index, "and it is c.grad_fn:", add is c.grad_fn)
multiply = add.next_functions[0][0]
print("next:", multiply.name(), "and it is b.grad_fn:", multiply is b.grad_fn)
print("the 5 of b + 5:", add.next_functions[1])
last = multiply.next_functions[0][0]
print("last:", last.name(), "of a:", last.variable is a)

#: Output pane (5): what was printed on the way, from d back to a by hand.
#: Now one op with two results: low and high share a node; high is result 1.
low, high = d.split(2)
#: Graph pane, at the bottom: its next_functions, with the 1 for high.
out = high.sum()
print("out:", [(node.name(), index) for node, index in out.grad_fn.next_functions])

#: backward() walks the same way, node by node, and fills a.grad: one number
#: for each element of a, how fast out changes with it.
# ? a.grad
# ? hint: Four numbers. out does not depend on a[0] and a[1]: these two are 0.
# ? hint: out is a sum of c**2 with c = 2a + 5. For the others it is 2c * 2, where c is [11, 13].
out.backward()
print("a.grad:", a.grad)
