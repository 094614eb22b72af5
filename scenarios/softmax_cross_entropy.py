"""Softmax and cross entropy

Lesson: Why softmax and the logarithm belong together: apart their gradients are large, together simple.

A classifier's last two steps: softmax turns scores into probabilities, and the loss is
minus the logarithm of the probability that the right class got. Each alone has a gradient
that is not pretty. Together nearly all of it cancels:

    dloss/dscores = probabilities - (1 for the right class, else 0)

The softmax mixes all scores, so its local derivative is a full matrix, p[i]*(1 - p[i]) on
the diagonal and -p[i]*p[j] off it: pushing one score up takes from all the others. Its
rows add up to 0, and so does the gradient: adding the same number to all scores changes
nothing.

It is done three times: by hand in three ops, with log_softmax, and with cross_entropy. The
gradients are the same up to rounding. Use the last: exp of a large score overflows, and
log of a probability that has become 0 is -inf.
"""

import torch
from torch.nn import functional

scores = torch.tensor([2.0, 1.0, 0.0], requires_grad=True)
right = torch.tensor(1)

p = torch.softmax(scores, dim=0)
loss = -torch.log(p[right])
loss.backward()
print("by hand:      ", scores.grad.tolist())

scores.grad = None
logp = torch.log_softmax(scores, dim=0)
loss = functional.nll_loss(logp, right)
loss.backward()
print("log_softmax:  ", scores.grad.tolist())

scores.grad = None
loss = functional.cross_entropy(scores, right)
loss.backward()
print("cross_entropy:", scores.grad.tolist())
