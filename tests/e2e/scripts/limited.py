"""Runs gradb where no file may become larger than some bytes: the first argument; the rest are gradb's."""

import resource
import sys
import tempfile

from gradb.cli.main import main

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
tempfile.tempdir = None  # it may be known by another environment's
sys.exit(main(sys.argv[2:]))
