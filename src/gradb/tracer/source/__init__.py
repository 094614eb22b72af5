"""Where in the source things happen, by which calls, and what it calls the values there. Each of it may fail alone."""
