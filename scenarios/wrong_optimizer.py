"""The optimizer of another model

Lesson: An optimizer steps only what it was given; how the buffers show that it is not this model.

Nothing raises, and the loss is the same number each time. There are two models:
`model1` is the one that computes the loss, but the optimizer was given the parameters
of `model`. This happens easily in a notebook, where the `model` of an older cell is
still around.

An optimizer knows only the parameters it was given. `optimizer.step()` looks at those
of `model`, finds that their `.grad` is None, and leaves them alone.
`optimizer.zero_grad()` clears the same ones, which were never filled. Meanwhile each
`backward()` adds to the `.grad` of the parameters of `model1`, where nobody empties it
and nobody uses it.

So one sees it in the buffers: those of `model1` hold twice the gradient after two
backward calls, three times after three, and its parameters never change. The cure is
`SGD(model1.parameters(), lr=1e-3)`.

Findings: G002
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
#: Two networks, one after the other: each makes four parameters, its leaves.
model = Network()
model1 = Network()
optimizer = SGD(model.parameters(), lr=1e-3)
criterion = nn.MSELoss()

for iteration in range(1, 6):
    optimizer.zero_grad()  #: Its buffers are those of the parameters that it was given: of model.
    output = model1(t_c).squeeze(1)  #: But it is model1 that computes. Its parameters are in the graph.
    loss = criterion(output, t_u)
    loss.backward()  #: .grad pane: the buffers of model1 are filled, and those of model are None.
    #: The step uses the buffers of model.
    # ? model.output.bias.grad
    # ? hint: Which of the two models did backward go through?
    # ? hint: No path leads from this loss to model, so nothing arrived there.
    optimizer.step()
    bias = model1.output.bias
    print(f"iteration {iteration}: loss {loss.item():.4f}, bias {bias.item():.4f}, its grad {bias.grad.item():.4f}")
