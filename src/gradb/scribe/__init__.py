"""Makes a tape of a log while the script still runs, in a process of its own, and whatever befalls either of them.

It must not know torch, the debuggee or anybody who looks at the tape: it reads records, writes rows, and tells how far
it has got.
"""
