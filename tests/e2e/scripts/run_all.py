"""Runs each script given as a program of its own, forked, with warnings as errors, and tells what each left."""

import json
import os
import runpy
import sys
import tempfile
import warnings

import torch  # noqa: F401 - so that no child has to import it


def run(path: str) -> list[str]:
    """Return exit status, standard output and standard error of a script."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            torch.set_num_threads(1)  # the threads of the parent's pool are not there any more
            warnings.simplefilter("error")
            sys.argv = [path]
            runpy.run_path(path, run_name="__main__")
            sys.stdout.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
        return [str(os.waitstatus_to_exitcode(status)), *texts]


if __name__ == "__main__":
    sys.stdout.flush()
    print(json.dumps({path: run(path) for path in sys.argv[1:]}))
