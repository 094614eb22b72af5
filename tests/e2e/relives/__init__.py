"""Lives stretches of scripts again from checkpoints, at random.

Each round watches a script, with one thread or two, has checkpoints made at random iterations, and has a runner go on
from each, beside the script or once that is over; some with something changed. From some a branch is made besides, as a
command makes it. Every loss and norm must be the same, bit for bit, as in the script's run (in a run from the start
with the same change), or the reason be one that is true of the script. What the script prints, the files that it leaves
and its exit code must be what they are without gradb, and no process and no file of ours be left.
"""
