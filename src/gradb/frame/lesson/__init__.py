"""A script that teaches: the captions and questions in its comments, and which of them hold at a position.

What a comment says is read from the text of the script's main file as it is on the tape, so a run, its past and a
recording all have it. Whether a learner has answered is not known here.
"""
