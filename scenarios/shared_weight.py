"""One weight, used three times

Lesson: A tensor that is used several times gets one part from each use, and .grad is the sum.

`w` takes part in three places, so there are three paths from `loss` back to it. The chain
rule multiplies along each path, and adds up over all of them:

    loss = y1 + y2 * w,  y2 = y1 * w,  y1 = x * w          with x = 3 and w = 2

    by the w in y1:      dloss/dy1 * x      =  (1 + w*w) * x
    by the w in y2:      dloss/dy2 * y1     =  w * y1
    by the last w:       y2

Check it by hand: loss = x*w + x*w**3, so dloss/dw = x + 3*x*w**2.

This is why `backward()` adds to `.grad` and does not overwrite it, and why recurrent
networks, tied embeddings and convolutions, which use one weight in many places, need no
special rule. `y1` is used twice as well, so the 1 + w*w above is itself a sum: counted to the end
there are four paths from `loss` to `w`.
"""

import torch

#: x is plain data, and w is a leaf: only w asks for a gradient.
x = torch.tensor(3.0)
w = torch.tensor(2.0, requires_grad=True)

y1 = x * w  #: w is used for the first time. x needs no gradient, so only w has a way back.
y2 = y1 * w  #: The second time. y1 depends on w too: that is a way of its own.
y3 = y2 * w  #: The third time. In the graph pane all three nodes lead to the one leaf w.
loss = y1 + y3  #: y1 is used twice too: here and in y2.
#: Backward: each use sends its part to w when its node runs, and the leaf
#: waits for all of them. At the end press 7: every path, and what it adds.
# ? w.grad
# ? hint: Three parts: by the last w, by the w in y2, by the w in y1. Add them.
# ? hint: y2 is 12, w * y1 is 12, and (1 + w * w) * x is 15.
loss.backward()

print("loss:", loss.item())
print("w.grad:", w.grad.item())
