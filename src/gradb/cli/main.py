"""The command line: which subcommand it is, and how every mistake ends: one sentence on stderr, exit code 2.

The subcommands have a file each; they return exit codes and raise ``UserError``.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import gradb
from gradb.cli.complaining import complain
from gradb.cli.parsing import Parser
from gradb.cli.screen import add_screen_options
from gradb.debugger.ending import die_by
from gradb.debugger.errors import ExpectationFailed, UserError
from gradb.tape.database import TapeError

SUBCOMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run", "debug a script (`gradb SCRIPT` for short)"),
    "record": ("record", "record a run without a screen"),
    "open": ("opening", "look at a recording on the screen"),
    "compare": ("compare", "compare the losses of two recordings"),
    "gradcheck": ("gradcheck", "check a gradient of a script by finite differences"),
    "show": ("show", "print one pane of a recording, or of a script recorded for it"),
    "events": ("events", "print a recording as JSON lines"),
}
"""Word -> (module of this package, imported when it is asked for; one line of help)."""
_USAGE = """\
gradb                                  pick a scenario or a recent recording
       gradb [OPTIONS] SCRIPT [ARGS ...]      debug a script
       gradb [OPTIONS] -m MODULE [ARGS ...]   debug a module
       gradb COMMAND ..."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run gradb and return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    with contextlib.suppress(AttributeError, ValueError):  # a stand-in for a stream may not have it
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, _terminate)
    try:
        code = _dispatch(words)
        sys.stdout.flush()
    except ExpectationFailed as error:
        complain(str(error))
        return 1
    except (UserError, TapeError) as error:
        complain(str(error))
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody reads: say no more, not even at exit
        return 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    if code < 0:
        die_by(-code)  # as the script was ended: the shell is to see what it would see
    return code


def _dispatch(words: Sequence[str]) -> int:
    if words and words[0] in SUBCOMMANDS:
        return _run(SUBCOMMANDS[words[0]][0], words[1:])
    if words and words[0] in {"-h", "--help", "--version"}:
        _parser().parse_args(words[:1])
    if not words or _is_picker(words):
        return _run("pick", _parser().parse_args(words))
    return _run("run", words, is_short=True)


def _run(module: str, *arguments: object, **options: object) -> int:
    """Carry out a subcommand; only its own module is loaded, since the screen is to be there at once."""
    run: Callable[..., int] = importlib.import_module(f"gradb.cli.{module}").run
    return run(*arguments, **options)


def _is_picker(words: Sequence[str]) -> bool:
    """Tell whether there is nothing but the theme to choose."""
    return words[0].startswith("--theme") and len(words) == (1 if "=" in words[0] else 2)


def _parser() -> Parser:
    rows = "\n".join(f"  {name:<9} {about}" for name, (_, about) in SUBCOMMANDS.items())
    parser = Parser(
        "",
        _USAGE,
        f"Step through PyTorch's autograd, forwards, backwards and back in time.\n\ncommands:\n{rows}\n"
        "\nEach has a --help of its own. A scenario may be called by its name: gradb chain_rule",
    )
    parser.add_argument("--version", action="version", version=f"gradb {gradb.__version__}")
    add_screen_options(parser)
    return parser


def _terminate(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)  # so that every `finally` on the way ends its debuggee


if __name__ == "__main__":
    raise SystemExit(main())
