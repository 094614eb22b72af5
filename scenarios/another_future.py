"""Another future from the same past

Lesson: What would have become of a training, had one thing been different from a moment on.

One weight `w` learns that y = 2x from three points. The loss is a parabola over w, and each
step goes a fixed share of the way to its lowest point: with lr 0.01 the distance to 2 is
multiplied by 1 - 0.01 * 28/3 = 0.9067, sixty times over.

Past iterations cannot be changed, but the script can be run again up to one of them, and from
there on with something changed: that is a branch. Its loss is drawn beside that of this run,
up to the branch both are the same, bit for bit, and after it each shows what the change does.

    iteration @12; branch zero_grad off    the buffers keep all gradients: w swings past 2 and
                                           back, as a ball without friction
    iteration @12; branch lr 0.25          each step overshoots: 1 - 0.25 * 28/3 is -1.33, and
                                           the distance grows with each turn

`T` lists the runs and goes from one to the other.
"""

import torch
from torch.optim import SGD

x = torch.tensor([1.0, 2.0, 3.0])
y = 2 * x
#: The one leaf: what is to be learned. It begins at 0, and 2 is right.
w = torch.tensor(0.0, requires_grad=True)
optimizer = SGD([w], lr=0.01)

for iteration in range(1, 61):
    optimizer.zero_grad()  #: Empties w.grad, so that a step uses the gradient of its own iteration alone.
    loss = ((w * x - y) ** 2).mean()  #: How far the line is from the three points.
    # ? w.grad
    # ? hint: The mean of 2 * (w*x - y) * x over the three points, with w = 0.
    # ? hint: -2 * (1*2 + 2*4 + 3*6) / 3
    loss.backward()
    #: The step: w moves by -lr * w.grad. Another future of iteration 12 is seen
    #: by `:iteration @12`, `:branch zero_grad off`, then f: look at both losses.
    # ? w
    # ? hint: -0.01 times what is in w.grad, from 0 on.
    optimizer.step()
    if iteration % 20 == 0:
        print(f"iteration {iteration}: w is {w.item():.4f}")
