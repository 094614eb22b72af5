"""ReLU, and units that are dead

Lesson: A ReLU lets a gradient pass or stops it; a unit that is never active never learns.

relu(z) is z where z is above 0, and 0 elsewhere. So its local derivative is 1 or 0: it lets
a gradient pass as it is, or stops it. At exactly 0 there is no derivative: the slope is 0 on
the left and 1 on the right. PyTorch takes 0.

Then two units are trained, each with a weight and a bias, on three examples of y = 2 * x. The
first is above 0 each time, so it learns. The second has a bias of -5 and is below 0 each time.
Its local derivative is 0, its weight and bias get a gradient of exactly 0, so no step
changes them, so it stays below 0 for ever. It is dead. One step that is too large can kill a
unit like this, and nothing says so: a gradient of 0 is a number like any other.

What helps: smaller learning rates, and functions that are not flat on the left.
leaky_relu(z, 0.1) is 0.1 * z below 0, so a little gradient always comes through, and a
unit that is dead can come back.
"""

import torch
from torch.nn.functional import leaky_relu

#: A leaf with three numbers: below 0, at 0 and above.
three = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
#: The first two become 0.
h = torch.relu(three)
#: The sum sends 1 to each element. ReluBackward0 multiplies it by 0 or by 1.
# ? three.grad
# ? hint: -1 is on the flat side and 2 on the steep one.
# ? hint: At 0 itself PyTorch takes the flat side: 0.
h.sum().backward()
print("three.grad:", three.grad)

#: Now two units: the first elements of weight and bias are of unit one.
weight = torch.tensor([1.0, 1.0], requires_grad=True)
bias = torch.tensor([0.0, -5.0], requires_grad=True)
optimizer = torch.optim.SGD([weight, bias], lr=0.05)

for x, y in ((1.0, 2.0), (2.0, 4.0), (3.0, 6.0)):
    #: For each of the three x the second unit is below 0.
    z = weight * x + bias
    #: Of the second nothing is left.
    h = torch.relu(z)
    loss = (h.sum() - y) ** 2
    optimizer.zero_grad()
    #: At ReluBackward0 the same arrives for both units. See what goes on from
    #: there: local is 1 for the first and 0 for the second.
    # ? bias.grad
    # ? hint: 2 * (h.sum() - y) is 2 * (1 - 2) = -2. It arrives at both units.
    # ? hint: The first lets it pass, the second stops it.
    loss.backward()
    #: A gradient of 0, so this step leaves weight and bias of the second unit
    #: as they are. The next one will, too.
    optimizer.step()
    print(f"x = {x}: grad of bias {bias.grad}")

#: The same once more with another function.
optimizer.zero_grad()
#: Not flat on the left: below 0 the derivative is 0.1, and not 0.
h = leaky_relu(weight + bias, 0.1)
#: Now the second unit gets a gradient too: it can learn again.
((h.sum() - 2) ** 2).backward()
print("leaky_relu: grad of bias", bias.grad)
