"""One weight, used three times

`w` takes part in three places, so there are three paths from `loss` back to it. The chain
rule multiplies along each path, and adds up over all of them:

    loss = y1 + y2 * w,  y2 = y1 * w,  y1 = x * w          with x = 3 and w = 2

    by the w in y1:      dloss/dy1 * x      =  (1 + w*w) * x  =  5 * 3  = 15
    by the w in y2:      dloss/dy2 * y1     =  w * y1         =  2 * 6  = 12
    by the last w:       y2                 =  12             =           12
                                                                 sum  =   39

Check it by hand: loss = x*w + x*w**3, so dloss/dw = x + 3*x*w**2 = 3 + 36 = 39.

This is why `backward()` adds to `.grad` and does not overwrite it, and why recurrent
networks, tied embeddings and convolutions, which use one weight in many places, need no
special rule. `y1` is used twice as well, so the 5 above is itself a sum: counted to the end
there are four paths from `loss` to `w`.
"""

import torch

x = torch.tensor(3.0)
w = torch.tensor(2.0, requires_grad=True)

y1 = x * w
y2 = y1 * w
y3 = y2 * w
loss = y1 + y3
loss.backward()

print("loss:", loss.item())
print("w.grad:", w.grad.item())
