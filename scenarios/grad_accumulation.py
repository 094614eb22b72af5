"""A large batch in small pieces

Lesson: A batch in small pieces: the buffers add up to the gradient of the whole batch.

That `backward()` adds to `.grad` is of use when a batch does not fit into memory at
once: run it in micro-batches, one `backward()` each, and the buffers end up with the
gradient of the whole batch.

Two things make it right. The loss of each micro-batch is divided by their number,
because the mean over eight rows is the mean of four means over two rows each, and its
gradient likewise. And the optimizer steps, and the buffers are cleared, once after the
last micro-batch, not after each: a zero_grad inside the inner loop would throw the
sum away, and none at all would carry it over into the next batch.

`torch.autograd.grad` below computes the gradient of the whole batch without touching any
`.grad`. The two agree up to rounding, as the same numbers are added in another order.
"""

import torch
from torch import nn

#: Eight rows of data, and y, which the layer is to learn to compute.
torch.manual_seed(0)
x = torch.randn(8, 2)
y = x @ torch.tensor([[2.0], [-1.0]]) + 0.5

#: The layer makes its parameters, weight and bias: two leaves.
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
criterion = nn.MSELoss()
pieces = 4

for batch in range(1, 4):
    #: To compare with: the gradient of all eight rows. grad() touches no buffer.
    whole = torch.autograd.grad(criterion(model(x), y), model.weight)[0]
    for x_part, y_part in zip(x.chunk(pieces), y.chunk(pieces), strict=True):
        #: Two rows, and a quarter of their loss: the mean of all is a mean of means.
        loss = criterion(model(x_part), y_part) / pieces
        #: Adds to the buffers. Nothing clears them between the pieces.
        # ? downstream at node DivBackward0
        # ? hint: A backward begins with 1. What is the derivative of x / 4?
        loss.backward()
    is_equal = torch.allclose(model.weight.grad, whole)
    print(f"batch {batch}: summed {model.weight.grad.tolist()}, whole {whole.tolist()}, equal: {is_equal}")
    #: One step for all pieces. It uses the sum that is in the buffers.
    optimizer.step()
    #: Not until now: so that the next batch does not add to this one.
    optimizer.zero_grad()
