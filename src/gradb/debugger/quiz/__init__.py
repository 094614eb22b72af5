"""The questions of a script that teaches: which is asked when, what an answer is worth, and what was answered so far.

What the questions are and when they are about is ``gradb.frame.lesson``'s; that they are asked at all is decided here.
"""
