"""The command line: what each subcommand takes, and how every mistake ends: one sentence, exit code 2."""
