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

#: A leaf: the scores of three classes. The right class is number 1.
scores = torch.tensor([2.0, 1.0, 0.0], requires_grad=True)
right = torch.tensor(1)

p = torch.softmax(scores, dim=0)  #: Three probabilities that add up to 1: each depends on all three scores.
loss = -torch.log(p[right])  #: Three ops: the smaller, the nearer the probability is to 1.
#: Chain rule pane at SoftmaxBackward0: its local derivative is a full matrix.
# ? sum(scores.grad)
# ? hint: Each score gets its probability, and the right one gets 1 less.
# ? hint: The probabilities add up to 1.
loss.backward()
print("by hand:      ", scores.grad.tolist())

#: Once more, from an empty buffer: softmax and logarithm as one op.
scores.grad = None
logp = torch.log_softmax(scores, dim=0)
loss = functional.nll_loss(logp, right)
loss.backward()
print("log_softmax:  ", scores.grad.tolist())

#: And all of it as one call, which makes the same two nodes.
scores.grad = None
loss = functional.cross_entropy(scores, right)
loss.backward()
print("cross_entropy:", scores.grad.tolist())
