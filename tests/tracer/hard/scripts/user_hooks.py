"""Every kind of hook that a script can register, each changing the gradient that it is given."""

import torch


def ten_times(gradient):
    return gradient * 10


def only_looks(gradient):
    gradient.sum()


def minus(arrived):
    return tuple(-one for one in arrived)


def plus_one(sent, arrived):
    return tuple(None if one is None else one + 1 for one in sent)


def clip(leaf):
    leaf.grad.clamp_(max=100)


def of_module(module, sent, arrived):
    return (sent[0] * 2,)


a = torch.tensor([1.0, 2.0], requires_grad=True)
b = a * 3
kept = b.register_hook(ten_times)
b.register_hook(only_looks)
gone = b.register_hook(lambda gradient: gradient * 1000)
gone.remove()
b.grad_fn.register_prehook(minus)
b.grad_fn.register_hook(plus_one)
a.register_post_accumulate_grad_hook(clip)
module = torch.nn.Identity()
module.register_full_backward_hook(of_module)
out = module(b)
(out + b**2).sum().backward()
