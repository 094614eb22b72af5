"""Training with zero_grad, and what happens without

Lesson: Why each iteration empties the buffers, and how a training ends that does not.

A thermometer in unknown units is learned from eleven readings beside degrees Celsius.
As written the loss falls from 3353 to below 8. Delete the line `optimizer.zero_grad()`,
or let gradb switch it off while this runs, and the loss becomes NaN and stays so.

`backward()` adds to `.grad`, and the step uses whatever it finds there. So without
zero_grad each step moves by the sum of all gradients since the first: plain SGD becomes
SGD with momentum 1.0, a ball that rolls without friction. It runs past the minimum and
comes back faster, until a product is too large for a float32. That is an infinity,
infinity minus infinity is NaN, and a step that uses a NaN leaves a NaN in the parameter,
from where no later step can remove it.

The network gives eleven rows of one number, shape (11, 1), and the target is eleven
numbers, shape (11,). `squeeze(1)` makes them alike. Without it MSELoss would compare
each prediction with each target, 121 pairs, and learn no more than their mean.
"""

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
#: The layers make their parameters, four leaves: what is to be learned.
model = Network()
optimizer = SGD(model.parameters(), lr=1e-3)
criterion = nn.MSELoss()

for iteration in range(1, 5001):
    #: As written it empties each .grad; switched off (0) it does nothing.
    optimizer.zero_grad()
    output = model(t_c).squeeze(1)  #: Forward: the graph of this iteration. That of the one before is gone.
    loss = criterion(output, t_u)  #: One number: how far the eleven predictions are from the readings.
    loss.backward()  #: Adds to the buffers. Empty ones then hold this iteration's gradient alone.
    #: Each parameter moves a little (lr) against what is in its buffer. To see how
    #: that goes on without zero_grad, press 0, then f, and watch the loss.
    # ? model.output.bias.grad == None
    # ? hint: True or False. The step reads the buffers; does it empty them, too?
    # ? hint: If it did, nobody would have to call zero_grad.
    optimizer.step()
    if iteration == 1 or iteration % 1000 == 0:
        print(f"iteration {iteration}: loss {loss.item():.4f}")
