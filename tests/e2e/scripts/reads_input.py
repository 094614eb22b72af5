import torch

a = torch.ones(2, requires_grad=True)
factor = float(input("factor? "))
(a * factor).sum().backward()
print(a.grad)
