"""Complex, double, bfloat16, sparse and nested gradients."""

import torch

z = torch.tensor([1 + 2j, 3 - 1j], requires_grad=True)
power = (z * z.conj()).real.sum()
power.backward()

d = torch.tensor([0.1], dtype=torch.float64, requires_grad=True)
h = torch.tensor([1.5], dtype=torch.bfloat16, requires_grad=True)
mixed = (d * h).sum()
mixed.backward()

table = torch.nn.Embedding(4, 2, sparse=True)
rows = table(torch.tensor([1, 3, 3]))
rows.sum().backward()

s = torch.tensor([1.0, 2.0], requires_grad=True)
t = torch.tensor([3.0], requires_grad=True)
nested = torch.nested.as_nested_tensor([s, t], layout=torch.jagged)
(nested * 2).values().sum().backward()
