"""The file of a run and nothing else: events, values, the SQLite file that keeps them, how it is written and opened.

What the script's process loads besides ``link`` and the tracer: standard library alone, and light. It must not know
Frames, mathematics or screens.
"""
