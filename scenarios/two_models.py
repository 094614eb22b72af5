"""Two models, one without zero_grad

Lesson: What a missing zero_grad does, seen on two equal models that are trained side by side.

`model2` is a copy of `model1`: the same numbers, the same data, the same learning rate.
Each has an optimizer of its own. The one difference is that nothing clears the gradients
of `model2`. After the first iteration they are still equal, as there was nothing yet to
add to. From the second step on `model2` moves by the sum of all gradients so far, and its
loss becomes NaN, while that of `model1` falls.

It is often explained so: optimizers accumulate gradients in a way of their own, in a
buffer until it is full, to save memory; and NaN means that the loss is too big to read.
None of it is true, and each can be seen here.

- An optimizer has no gradients. It adds nothing up and clears nothing unasked: it reads
  `.grad` of the parameters that it was given. `backward()` is what adds, to these tensors
  as to any other; `retain_graph` plays no part, as each iteration has a graph of its own.
- `.grad` has the shape of its parameter and is never full. Every `step()` uses what is
  there, and nothing else ever triggers an update.
- It saves nothing: a buffer of the same size is there with zero_grad and without.
- NaN is not a number that is too large. That would be an infinity, which comes first:
  infinity minus infinity, or times zero, is NaN, and NaN stays NaN.
- zero_grad makes no model more accurate. It makes each step use the gradient of the
  loss as it is now, which is what gradient descent means.

If `SGD(model.parameters())` is written for both, as happens in a notebook, neither learns:
see wrong_optimizer.

Findings: G004
"""

import copy

import torch
from torch import nn
from torch.optim import SGD


class Network(nn.Module):
    """A hidden layer of two units."""

    def __init__(self):
        super().__init__()
        self.layer1 = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        self.output = nn.Linear(2, 1)

    def forward(self, x):
        return self.output(self.layer1(x))


t_c = torch.tensor([0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0])
t_c = torch.column_stack([t_c, torch.ones_like(t_c)])
t_u = torch.tensor([35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4])

torch.manual_seed(69)
#: model1 makes its parameters, four leaves, and model2 will copy them.
model1 = Network()
model2 = copy.deepcopy(model1)
optimizer1 = SGD(model1.parameters(), lr=1e-3)
optimizer2 = SGD(model2.parameters(), lr=1e-3)
criterion = nn.MSELoss()

for iteration in range(1, 201):
    #: For the buffers of model1 alone. The script has no such call for model2.
    optimizer1.zero_grad()
    loss1 = criterion(model1(t_c).squeeze(1), t_u)
    loss1.backward()
    optimizer1.step()

    loss2 = criterion(model2(t_c).squeeze(1), t_u)
    #: From the second time on this adds to what was there: before + added = after.
    # ? model2.output.bias.grad == model1.output.bias.grad
    # ? hint: True or False. The models are equal, and each buffer was empty before
    loss2.backward()
    #: It uses the sum so far. Keys 6 and L: both losses, on a log scale.
    optimizer2.step()

    if iteration in (1, 2, 10, 50, 100, 200):
        print(f"iteration {iteration:3}: loss1 {loss1.item():9.4f}   loss2 {loss2.item():9.4f}")
