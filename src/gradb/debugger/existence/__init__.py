"""What a stop names, held against what there is: lines with code, files, nodes, ATen calls, iterations.

``admission`` is the door: it takes a stop and a run seen from a position, refuses what does not exist with a sentence
and a suggestion, and says of what may still come that it is waited for. How it is looked for it must not know.
"""
