"""Stands in for the compiler of what is compiled already: copies the module that is named first to the output."""

import shutil
import sys

shutil.copy(sys.argv[1], sys.argv[sys.argv.index("-o") + 1])
