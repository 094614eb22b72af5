import torch

calls = []
original_backward = torch.Tensor.backward
original_relu = torch.relu


def backward(self, *args, **kwargs):
    calls.append("backward")
    return original_backward(self, *args, **kwargs)


def relu(x):
    calls.append("relu")
    return original_relu(x)


torch.Tensor.backward = backward
torch.relu = relu
a = torch.tensor([-1.0, 2.0], requires_grad=True)
torch.relu(a * 2).sum().backward()
print(a.grad, calls, torch.Tensor.backward is backward, torch.relu is relu)
