import torch

a = torch.ones(2, requires_grad=True)
line = "x" * 99
for _ in range(300_000):
    print(line)
(a * 2).sum().backward()
print(a.grad)
