"""The commands: THE registry, what each does, and the language in which they are written."""
