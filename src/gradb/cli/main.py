"""The command line: which subcommand it is, and how every mistake ends: one sentence on stderr, exit code 2.

The subcommands have a file each; they return exit codes and raise ``UserError``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

from gradb.cli.arguments import Parser
from gradb.cli.complaint import complain
from gradb.cli.lettering import lettering, without_ascii
from gradb.cli.screen import add_screen_options
from gradb.cli.version import PrintVersion
from gradb.debugger.errors import BrokenOff, ExpectationFailed, UserError
from gradb.tape.database import TapeError


class Subcommand(Protocol):
    """A file of this package that carries out a subcommand."""

    def run(self, argv: Sequence[str]) -> int:
        """Carry it out and return the exit code."""
        ...


def _run() -> Subcommand:
    from gradb.cli import run

    return run


def _record() -> Subcommand:
    from gradb.cli import record

    return record


def _open() -> Subcommand:
    from gradb.cli import open as opening

    return opening


def _compare() -> Subcommand:
    from gradb.cli import compare

    return compare


def _gradcheck() -> Subcommand:
    from gradb.cli import gradcheck

    return gradcheck


def _why() -> Subcommand:
    from gradb.cli import why

    return why


def _relive() -> Subcommand:
    from gradb.cli import relive

    return relive


def _check() -> Subcommand:
    from gradb.cli import check

    return check


def _rule() -> Subcommand:
    from gradb.cli import rule

    return rule


def _show() -> Subcommand:
    from gradb.cli import show

    return show


def _events() -> Subcommand:
    from gradb.cli import events

    return events


def _config() -> Subcommand:
    from gradb.cli import config

    return config


SUBCOMMANDS: dict[str, tuple[Callable[[], Subcommand], str]] = {
    "run": (_run, "debug a script (`gradb SCRIPT` for short)"),
    "record": (_record, "record a run without a screen"),
    "open": (_open, "look at a recording on the screen"),
    "compare": (_compare, "compare the losses of two recordings"),
    "gradcheck": (_gradcheck, "check a gradient of a script by finite differences"),
    "why": (_why, "tell where a NaN or an infinity was born, and its road from there"),
    "relive": (_relive, "open an iteration in full that was only watched, by a run again"),
    "check": (_check, "judge a training, or a recording of one, as a linter does"),
    "rule": (_rule, "print a rule that trainings are judged by, or a list of all"),
    "show": (_show, "print one pane of a recording, or of a script recorded for it"),
    "events": (_events, "print a recording as JSON lines"),
    "config": (_config, "print what is chosen once and for all: colours, layouts"),
}
"""Word -> (its file, loaded when it is asked for, since the screen is to be there at once; one line of help)."""
_USAGE = """\
gradb                                  pick a scenario, what was opened last, or a file
       gradb [OPTIONS] SCRIPT [ARGS ...]      debug a script
       gradb [OPTIONS] -m MODULE [ARGS ...]   debug a module
       gradb --plain ... SCRIPT [ARGS ...]    tell a run as lines of text, without a screen
       gradb COMMAND ..."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run gradb and return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    with contextlib.suppress(AttributeError, ValueError):  # a stand-in for a stream may not have it
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, _terminate)
    with lettering():
        return _ended(without_ascii(words))


def _ended(words: Sequence[str]) -> int:
    """Carry out a command line, and return the exit code however it ends."""
    try:
        code = _dispatch(words)
        sys.stdout.flush()
    except ExpectationFailed as error:
        complain(str(error))
        return 1
    except BrokenOff as error:
        complain(str(error))
        return 128 + signal.SIGINT
    except (UserError, TapeError) as error:
        complain(str(error))
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody reads: say no more, not even at exit
        return 0
    except KeyboardInterrupt:
        complain("broken off")
        return 128 + signal.SIGINT
    if code < 0:
        from gradb.debugger.ending import die_by

        die_by(-code)  # as the script was ended: the shell is to see what it would see
    return code


def _dispatch(words: Sequence[str]) -> int:
    if words and words[0] in SUBCOMMANDS:
        load, _ = SUBCOMMANDS[words[0]]
        return load().run(words[1:])
    if words and words[0] in {"-h", "--help", "--version"}:
        _parser().parse_args(words[:1])
    if not words or _is_picker(words):
        from gradb.cli import pick

        return pick.run(_parser().parse_args(words))
    from gradb.cli import run

    return run.run(words, commands=SUBCOMMANDS)


def _is_picker(words: Sequence[str]) -> bool:
    """Tell whether there is nothing but how the screen looks to choose."""
    left = [word for word in words if word != "--ascii"]
    return not left or (left[0].startswith("--theme") and len(left) == (1 if "=" in left[0] else 2))


def _parser() -> Parser:
    rows = "\n".join(f"  {name:<9} {about}" for name, (_, about) in SUBCOMMANDS.items())
    parser = Parser(
        "",
        _USAGE,
        f"Step through PyTorch's autograd, forwards, backwards and back in time.\n\ncommands:\n{rows}\n"
        "\nEach has a --help of its own. A scenario may be called by its name: gradb chain_rule",
    )
    parser.add_argument(
        "--version", action=PrintVersion, nargs=0, help="show the version, and which accelerator it has"
    )
    add_screen_options(parser)
    return parser


def _terminate(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)  # so that every `finally` on the way ends its debuggee


if __name__ == "__main__":
    raise SystemExit(main())
