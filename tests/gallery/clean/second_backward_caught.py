"""A test that a second backward through the same graph raises, as it should.

Findings: none
"""

import torch

w = torch.tensor([1.0, 2.0], requires_grad=True)
y = w.exp().sum()
y.backward()
try:
    y.backward()
except RuntimeError as error:
    print("raised:", str(error)[:40])
print(w.grad)
