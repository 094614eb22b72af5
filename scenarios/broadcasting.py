"""Broadcasting: one value for many, and what its gradient is

Lesson: What is broadcast gets the sum of its gradients; and how two shapes hide a wrong loss.

When shapes differ, PyTorch repeats the smaller tensor until they fit: three values of
`shift` are added to each of two rows. Nothing is copied, but `shift[0]` takes part in two
results, so there are two paths back to it, and the chain rule adds over paths. That is the
whole rule: a gradient is summed over what was broadcast, and comes out in the shape of
what it belongs to.

    y = shift + table * scale       (2, 3) = (3,) + (2, 3) * ()
    dloss/dy = weights              (2, 3)
    dloss/dshift                    (3,)    the sum of the two rows of weights
    dloss/dscale                    ()      the sum of all six of weights * table

The same rule makes a famous mistake silent. A model that gives a column of shape (3, 1) and
a target of shape (3,) are no pairs: broadcasting compares each with each, 9 differences in
place of 3. Below the prediction is perfect. As pairs the loss is 0, and so is the gradient.
Broadcast, the loss is 48, and its gradient of 24 pulls the weight away from where it is
right. Nothing raises, and such a training ends with every prediction at the mean of all
targets. `squeeze(1)` mends it.

Findings: G010
"""

import torch

#: scale is one number, shift has three: two leaves. table and weights are
#: data, two rows of three.
table = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
weights = torch.tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
scale = torch.tensor(2.0, requires_grad=True)
shift = torch.tensor([10.0, 20.0, 30.0], requires_grad=True)

#: One number times six, then three numbers added to each of two rows.
#: The results have the larger shape, (2, 3).
y = shift + table * scale
#: Each element of y counts with a weight of its own, so that one can see where
#: each number goes.
loss = (y * weights).sum()
#: Chain rule pane: at AddBackward0 two rows arrive. Their sum goes to shift.
# ? shift.grad
# ? hint: Both rows of y used the same three values: two paths lead to each.
# ? hint: Add the two rows of weights: the first is 1 + 10.
loss.backward()
print("shift.grad:", shift.grad.tolist(), "scale.grad:", scale.grad.item())

#: Now the famous mistake; first as it is right. Three x, three targets, and a
#: leaf w that is right already: 2.
x = torch.tensor([[1.0], [2.0], [3.0]])
target = torch.tensor([2.0, 4.0, 6.0])
w = torch.tensor([2.0], requires_grad=True)

#: A perfect prediction. squeeze(1) makes (3,) of its (3, 1), as the target is:
#: three pairs, and each difference is 0.
pairs = (x * w).squeeze(1) - target
(pairs**2).sum().backward()
print("pairs:    ", pairs.tolist(), "w.grad:", w.grad.item())

#: Once more from an empty buffer.
w.grad = None
#: The same without squeeze: (3, 1) - (3,) is (3, 3), each against each.
#: Look at the numbers: only the diagonal are pairs.
# ? all_pairs.shape
# ? hint: The column is repeated to the right, the row downwards.
all_pairs = x * w - target
#: Nothing raises. The findings (F) say what is wrong: G010.
loss = (all_pairs**2).sum()
loss.backward()
print("broadcast:", all_pairs.tolist(), "loss:", loss.item(), "w.grad:", w.grad.item())
