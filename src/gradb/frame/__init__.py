"""From a tape and a position to a Frame: everything true there, as plain data.

``reader.Tape`` is the door; ``build`` makes the Frames, ``graph`` and ``chain`` their larger parts. It must not know
how anything is drawn.
"""
