"""What other tools say of the same cases: ``python -m tests.gallery --peers``.

Each is used as its own documentation has it. ``torch.autograd.detect_anomaly`` and sherlorch run a whole script as it
is. guardtower and pytest-torch ask for a model, an optimizer and a step: these are taken from the first loop of a
script in which a backward is called (``loops``), as a user of theirs would write them down. Where there is no such
loop, the tool cannot be run on the case, and that is said.

``environment`` installs them into a folder that is thrown away, ``worker`` is the process there that forks for each
case, ``tools`` asks, ``claims`` is the table of which of their sentences names which fault, ``comparison`` prints.
"""
