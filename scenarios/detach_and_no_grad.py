"""Where the graph is cut

Lesson: Which calls end the way back to a leaf, and how a cut shows: in the graph and in .grad.

A gradient reaches a leaf only over nodes, from the loss to the leaf. Where an op leaves no
node the way ends, without a word: the numbers go on, the history does not. Four ways to
cut, each on purpose in good code, and each a bug where it was not meant:

    y = x.detach()            the same numbers, no grad_fn; .data is the same, but unchecked
    with torch.no_grad():     no op in it leaves a node
    x.item(), x.tolist()      numbers of Python; torch.tensor(...) of them is a new leaf
    x > 0, x.argmax()         whole numbers and truths have no derivative

What is cut counts as a constant. If a part of the loss is cut, the gradient is that of the
rest, and nothing warns: `a * a.detach()` is a**2, but its gradient is a and not 2a.
A leaf that is only reached over cuts keeps .grad None: here it is w, and the .grad pane
says `never` beside it. And if all of the loss is cut, backward() raises; there `why`
(key e) finds the call that cut it (rule G103). `clone()` cuts nothing: it leaves a node.
"""

import torch

#: Two leaves: a with three elements, and w.
a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
w = torch.tensor(5.0, requires_grad=True)

#: detach(): one of the two factors has no way back, so it is a constant.
loss = (a * a.detach()).sum()
# ? a.grad
# ? hint: For a * constant it is the constant, here [1, 2, 3], and not 2a.
loss.backward()
print("detach: ", a.grad)

#: Under no_grad the op that makes scale leaves no node.
a.grad = None
with torch.no_grad():
    scale = 2 * w
#: Graph pane: a way leads from this loss to a, and none to w.
loss = (a * scale).sum()
# ? w.grad
# ? hint: Nothing can arrive at w, and a buffer that nothing has reached is None.
loss.backward()
print("no_grad:", a.grad, "w:", w.grad)

#: w.item() is a plain number of Python: it has no history at all.
a.grad = None
loss = (a * w.item()).sum()
loss.backward()
print("item:   ", a.grad, "w:", w.grad)

#: a > 1.5 has no derivative: it counts as a constant, 0 or 1 for each element.
a.grad = None
chosen = a > 1.5
loss = (a * chosen).sum()
loss.backward()
print("chosen: ", a.grad)

loss = (a.detach() ** 2).sum()
try:
    #: The whole loss is cut: no op of it left a node, so this raises. Press e
    #: (why): it finds the call that cut the graph.
    loss.backward()
except RuntimeError as error:
    print("error:  ", error)
