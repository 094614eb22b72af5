"""The link between gradb and the debuggee: what is said over the pair of sockets, and how the child process is started.

``messages``, ``channel`` and ``spec`` are imported inside the user's process too: standard library only, and light.
"""
