"""A matrix product

Lesson: The gradient of a matrix product is two matrix products, and the shapes tell which.

For C = A @ B the chain rule gives two more matrix products:

    dL/dA = dL/dC @ B.T
    dL/dB = A.T @ dL/dC

Shapes tell it too: A is 2x3, so its gradient must be 2x3, and (2x2) @ (2x3) is the only
product of dL/dC and B.T that fits.

Why so? C[i,j] is the sum over k of A[i,k] * B[k,j]. So A[i,k] is part of every C[i,j] of
its row, each time multiplied by B[k,j]. What it gets is the sum over those paths:
dL/dA[i,k] = sum over j of dL/dC[i,j] * B[k,j], which is the product above. As one big
matrix, d C[i,j] / d A[i,k] has 4 rows, one for each element of C, and 6 columns, one for
each of A: row (i,j) is column j of B where the column belongs to row i of A, else 0.

The weights of the loss are all different, so that no two upstream numbers are the same.
"""

import torch

#: Two leaves, A (2 x 3) and B (3 x 2): their product will be 2 x 2.
A = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
B = torch.tensor([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]], requires_grad=True)
weights = torch.tensor([[1.0, 2.0], [3.0, 4.0]])

C = A @ B  #: One node with two ways back: to A and to B.
loss = (C * weights).sum()  #: Each element of C counts with a weight of its own.
#: Chain rule pane at MmBackward0: dL/dC @ B.T goes to A, and A.T @ dL/dC to B.
# ? A.grad
# ? hint: dL/dC is weights: [[1, 2], [3, 4]]. A.grad has the shape of A.
# ? hint: [[1, 2], [3, 4]] @ B.T, and B.T is [[1, 2, 0], [0, 1, 3]].
loss.backward()

print("C:", C.tolist())
print("A.grad:", A.grad.tolist())
print("B.grad:", B.grad.tolist())
