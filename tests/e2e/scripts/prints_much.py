import torch

a = torch.ones(2, requires_grad=True)
line = "x" * 299
for _ in range(32_000):
    print(line)
(a * 2).sum().backward()
print(a.grad)
