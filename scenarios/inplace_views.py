"""In-place ops and views

Lesson: What an in-place op does to the graph, and when it makes a backward fail.

A view (`b[:2]`) shares its memory with the tensor it was taken from. So an in-place op on
the view changes that tensor too, and autograd has to rewrite history: `b.grad_fn` becomes
a `CopySlices` node, which says "all of b as it was, but with this part computed anew".

    b = a * 2           [2, 4, 6]
    b[:2].mul_(3)       [6, 12, 6]      the first two are now a * 6

Backward, the part that was written over sends its gradient through the in-place op
(times 3), the rest passes as it is: da = [6, 6, 2].

What does not work is changing a value that a node has saved for its backward. `exp` needs
its own result, so after `e.add_(1)` its backward would multiply by the wrong number.
Every tensor counts the changes made to it (`_version`); the engine compares the count with
the one it saved, and raises. What bypasses the count (`.data`) is not noticed, and the
gradient is silently wrong.
"""

import torch

#: A leaf with three numbers.
a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
#: Graph pane: b.grad_fn is the node of this product, MulBackward0.
b = a * 2
print("before:", b.grad_fn.name())
#: A view: no copy, but two of the same numbers.
view = b[:2]
#: So this changes b too, and its history: b.grad_fn is CopySlices now.
view.mul_(3)
print("after: ", b.grad_fn.name(), b.tolist())
loss = b.sum()
#: At CopySlices what was written over goes the way through mul_, times 3. The
#: rest passes as it is.
# ? a.grad
# ? hint: The first two of b are a * 2 * 3 now, the last is a * 2.
loss.backward()
print("a.grad:", a.grad.tolist())

#: The derivative of exp is its own result, so this node has saved e.
e = a.exp()
#: And e is changed in place. Its version counts that; forward says nothing.
e.add_(1)
try:
    #: Backward compares the versions, and raises. Press e to be told why.
    e.sum().backward()
except RuntimeError as error:
    print("error: ", str(error).partition(":")[0])
