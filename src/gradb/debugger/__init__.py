"""The session: one run, live or recorded, where the user is looking, and what commands do about it.

Owns movement, pausing, the end of a run, and the ghost beside it. It must not know screens or the names of keys.
"""
