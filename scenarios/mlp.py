"""A small network learns, twice

Lesson: What a training does in each iteration: forward, zero_grad, backward, step.

Each iteration is the same four moves: forward (the model's ops leave nodes),
`zero_grad` (empty the buffers), `backward` (fill them, node by node), `step` (move each
parameter against its gradient). The graph is built anew each time and freed by the
backward.

The optimizer has no gradients of its own. It reads the `.grad` of the very parameters
it was given, the same buffers that `backward()` adds into, which is why they have to be
emptied between two iterations. It does not matter to them whether that happens before
the forward or after it, as long as it is before the backward.
"""

import torch
from torch import nn


class Network(nn.Module):
    """Two inputs, three hidden units, one output."""

    def __init__(self):
        super().__init__()
        self.layer1 = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        self.output = nn.Linear(3, 1)

    def forward(self, x):
        return self.output(self.layer1(x))


torch.manual_seed(0)
x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([[0.0], [1.0], [1.0], [2.0]])

#: The layers make their parameters, four leaves: what is to be learned.
model = Network()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
criterion = nn.MSELoss()

for iteration in range(2):
    output = model(x)  #: Forward: the ops of the layers leave nodes. The parameters are the leaves.
    #: One number: how far four outputs are from y.
    # ? model.output.bias.grad
    # ? hint: Forward leaves nodes. Which line computes gradients?
    # ? hint: A buffer that nothing has come to is None.
    loss = criterion(output, y)
    optimizer.zero_grad()  #: To empty the buffers, so that what backward adds is of this iteration alone.
    loss.backward()  #: Adds to the buffers: from the loss back through output, ReLU and layer1.
    optimizer.step()  #: Moves each parameter by lr times what is in its buffer, downhill.
    print(f"iteration {iteration + 1}: loss {loss.item():.4f}")
