import torch


def hook(grad):
    raise ValueError("the hook says no")


a = torch.tensor([1.0, 2.0], requires_grad=True)
b = a * 3
b.register_hook(hook)
c = b**2
c.sum().backward()
