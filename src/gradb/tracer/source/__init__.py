"""Where in the source something happens, and what the source calls the values there. Each of it may fail alone."""
