"""What nodes save goes through functions of the script."""

import torch


def pack(tensor):
    return tensor.half()


def unpack(packed):
    return packed.float()


x = torch.tensor([1.0, 2.0], requires_grad=True)
with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
    y = x.exp()
with torch.autograd.graph.save_on_cpu():
    z = y.sin()
z.sum().backward()
