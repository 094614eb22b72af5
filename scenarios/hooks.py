"""Hooks: looking at gradients, and changing them

Lesson: How functions of yours see a gradient on its way, and how they change it.

A hook is a function of yours that the engine calls with a gradient on its way. What it
returns takes the gradient's place; None leaves it as it is.

    a --(2 * a)--> b --(b ** 2)--> c --(sum)--> loss          a = [1, 2, 3],  b = [2, 4, 6]

dloss/db is 2b = [4, 8, 12]. The hook on `b` cuts it at 10: [4, 8, 10]. From there on
everything is computed from what the hook returned: [8, 16, 20] arrives at `a` and not the
true gradient [8, 16, 24]. Clipping may be what you want; but a forgotten hook is a bug that
no formula shows.

The second hook runs after `a.grad` has been filled (`register_post_accumulate_grad_hook`).
It is given the leaf, not a gradient, and halves `a.grad` in place: [4, 8, 10] is left. And
the third, on a module (`register_full_backward_hook`), only looks.
"""

import torch


def clip(gradient):
    """Return the gradient, cut at 10."""
    #: clip() was given the gradient of b. What it returns goes on in its place.
    return gradient.clamp(max=10.0)


def halve(leaf):
    """Halve what has been accumulated."""
    #: a.grad has been filled, and halve() was given a. It changes the buffer.
    leaf.grad /= 2


def look(module, grad_input, grad_output):
    """Print what arrives at a module from above."""
    print("module:", [g.tolist() for g in grad_output])


#: A leaf. Once its a.grad has been filled, halve() is to be called with it.
a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
a.register_post_accumulate_grad_hook(halve)
double = torch.nn.Identity()
double.register_full_backward_hook(look)

#: Three ops. Forward calls none of the hooks that were put on a, b and double.
b = 2 * a
b.register_hook(clip)
c = double(b) ** 2
loss = c.sum()
#: Now down the graph. Watch b: before its node runs, clip() is called with
#: what arrives there.
# ? a.grad
# ? hint: 2b arrives at b, which is [4, 8, 12]. clip() cuts each number at 10.
# ? hint: Then it is multiplied by 2 on the way to a, and halve() halves a.grad.
loss.backward()
print("a.grad:", a.grad.tolist())
