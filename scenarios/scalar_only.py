"""Only scalars?

Lesson: Why backward() on a vector raises, and which number it wants for each element.

"PyTorch can only take gradients of scalars": `d.backward()` below does raise, as `d` has
four elements. But what the engine computes is never more nor less than a vector times a
Jacobian: it walks from `d` to `a` with one number for each element of `d`, and multiplies
at each node. For a scalar that number is 1, and nobody has to say so. For anything else
it must be said, since "the" gradient of four results does not exist:

    d.backward(gradient=v)        a.grad = v @ J,    J[i, j] = dd[i] / da[j]

All ones is what `d.sum()` does: its node hands the 1 that it gets to each element. And a
one among zeros asks for one element alone, which gives one row of J. Here d[i] depends
on a[i] only, so that J is diagonal: [28, 36, 44, 52] on it and zeros elsewhere.
"""

import torch

#: The same lines as in the lesson on the chain rule, but for the sum: the
#: last result is d, with four elements.
a = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
b = 2 * a
c = b + 5
#: d has four elements: four results, and each has a gradient of its own.
d = c**2

try:
    #: No number to begin from: it raises before any node has run.
    d.backward()
except RuntimeError as error:
    print("error:", error)

#: gradient= is the upstream at the first node, one number for each element
#: of d. The chain rule pane calls it v.
# ? a.grad
# ? hint: Each of the four is 2c * 2 = 4c, and c is [7, 9, 11, 13].
d.backward(gradient=torch.ones(4), retain_graph=True)
print("ones: ", a.grad)

#: To start again, the buffer has to be empty ...
a.grad = None
#: ... and let sum() say the ones: one node more, and the same gradient.
out = d.sum()
out.backward(retain_graph=True)
print("sum:  ", a.grad)

#: Once more from an empty buffer.
a.grad = None
#: One among zeros: the gradient of d[2] alone, a row of the Jacobian.
# ? a.grad
# ? hint: Three of the four numbers are zero: d[2] depends on a[2] only.
d.backward(gradient=torch.tensor([0.0, 0.0, 1.0, 0.0]))
print("d[2]: ", a.grad)
