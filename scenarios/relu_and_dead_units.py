"""ReLU, and units that are dead

Lesson: A ReLU lets a gradient pass or stops it; a unit that is never active never learns.

relu(x) is x where x is above 0, and 0 elsewhere. So its local derivative is 1 or 0: it lets
a gradient pass as it is, or stops it. One unit of a layer is a column below: its weight and
bias are learned by what comes back through its ReLU.

The first unit is above 0 for all rows, so it learns. The second has a bias of -5
and is below 0 for every row. Its local derivative is 0 everywhere, its weight and bias get
a gradient of exactly 0, so no step changes them, so it stays below 0 for ever. It is dead. It
takes one step that is too large to kill a unit like this, and nothing says so: a gradient
of 0 is a number like any other.

At exactly 0 there is no derivative: the slope is 0 on the left and 1 on the right. Any number
from 0 to 1 is a subgradient, and PyTorch takes 0.

What helps: smaller learning rates, and functions that are not flat on the left.
leaky_relu(x, 0.1) is 0.1 * x below 0, so a little gradient always comes through, and a
unit that is dead can come back.
"""

import torch
from torch.nn.functional import leaky_relu

x = torch.tensor([[1.0], [2.0], [3.0]])
target = torch.tensor([2.0, 4.0, 6.0])
weight = torch.tensor([1.0, 1.0], requires_grad=True)
bias = torch.tensor([0.0, -5.0], requires_grad=True)
optimizer = torch.optim.SGD([weight, bias], lr=0.01)

for iteration in range(1, 4):
    #: Three rows, two units: the second column is below 0 in every row.
    before = x * weight + bias
    #: Cut off at 0. Of the second unit nothing is left.
    active = torch.relu(before)
    loss = ((active.sum(dim=1) - target) ** 2).sum()
    optimizer.zero_grad()
    #: At ReluBackward0 look at local: 1 where the unit was active, else 0.
    # ? bias.grad
    # ? hint: Each row sends 2 * (sum - target) to each unit: -2, -4 and -6.
    # ? hint: The first unit lets all three pass, and they are added. The second?
    loss.backward()
    #: .grad pane: the second element of both buffers is 0, so this step moves
    #: the first unit alone.
    optimizer.step()
    print(f"iteration {iteration}: bias {bias.tolist()}, its grad {bias.grad.tolist()}")

edge = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
#: And at 0 itself? There PyTorch chooses.
# ? edge.grad
# ? hint: -1 is on the flat side, 2 on the other. At 0 PyTorch takes the flat side.
torch.relu(edge).sum().backward()
print("relu:      ", edge.grad.tolist())

edge.grad = None
#: Not flat on the left: the local derivative is 0.1 there, and never 0.
leaky_relu(edge, 0.1).sum().backward()
print("leaky_relu:", edge.grad.tolist())
