"""A recurrent network: one weight, many moments

Lesson: One weight at every moment gets the sum over all moments; detach cuts off earlier ones.

A recurrent network reads a sequence with the same weight again and again. Its state after
each input is computed of the state before:

    h1 = w * h0 + x1        with w = 0.5 and h0 = 4:    0.5 * 4   + 1 = 3
    h2 = w * h1 + x2                                    0.5 * 3   + 2 = 3.5
    h3 = w * h2 + x3                                    0.5 * 3.5 + 3 = 4.75

To autograd that is no loop. It is a graph of three multiplications one after the other, and
w takes part in each, so there are three paths back to it, one for each moment:

    by the last step:        h2                3.5
    by the one before:       w * h1            1.5
    by the first:            w * w * h0        1
                                        sum    6

Each moment further back is one more multiplication by w. With 0.5 the past counts half as much
each time, and soon nothing: the gradient vanishes. With w above 1 it explodes.

Going back through all of a long sequence is costly. So one cuts: after `h.detach()` the state
is a plain number to autograd, and the paths that lead further back are gone. That is
truncated backpropagation through time. The gradient is not the true one any more: it
leaves out the past.
"""

import torch

#: One weight w, a leaf, and three inputs. The state h begins with 4.
inputs = torch.tensor([1.0, 2.0, 3.0])
w = torch.tensor(0.5, requires_grad=True)

h = torch.tensor(4.0)
for x in inputs:
    #: The same w each time, and the state of the time before.
    # ? h at node AddBackward0
    # ? hint: w is 0.5, the state is 4 and the input 1.
    h = w * h + x
#: Paths pane (7): three paths from h to w, one for each moment. The further
#: back, the more often w is multiplied in.
# ? w.grad
# ? hint: The three states that w was multiplied with are 4, 3 and 3.5.
# ? hint: 3.5, and 3 once times w, and 4 twice times w. Add them.
h.backward()
print("whole:    ", h.item(), w.grad.item())

#: The same loop from the start, but after the first moment h is cut.
w.grad = None
h = torch.tensor(4.0)
for moment, x in enumerate(inputs, 1):
    h = w * h + x
    if moment == 1:
        #: Cut: from here on h is a plain number, and knows nothing of w.
        h = h.detach()
#: The same value, and one path less: the first moment is not counted.
# ? w.grad
# ? hint: Of 3.5 + 1.5 + 1 the part of the first moment is missing.
h.backward()
print("truncated:", h.item(), w.grad.item())
