"""A script that is run watched, and again with what is around one iteration in full."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gradb.debugger.run import Run
from gradb.link.spec import RunSpec
from tests.e2e.gradb_process import (
    DEADLINE,
    GRADB,
    SCRIPTS,
    WarmProcess,
    bare,
    forked,
    gradb,
    run as started,
    wait_until_none_with,
)  # fmt: skip
from tests.e2e.warm import DRAWN

pytestmark = pytest.mark.e2e


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the script in it."""
    shutil.copy(SCRIPTS / "goes_to_nan.py", tmp_path)
    return tmp_path


def reruns(folder: Path, *words: str, **asked: Any) -> dict[str, Any]:
    """Run the script, or what else is asked for, watched and again; return what is told of it."""
    asked = {"script": "goes_to_nan.py"} | asked | {"words": words}
    done = bare(SCRIPTS / "reruns.py", json.dumps(asked), cwd=folder)
    assert (done.code, done.err) == (0, ""), done.err
    found: dict[str, Any] = json.loads(done.out)  # so nothing of what the script printed has come through
    return found


def test_a_training_without_a_seed_does_the_same_again(folder: Path) -> None:
    """It begins alike, every number is the same, and only what is around the NaN is in full."""
    found = reruns(folder)
    assert (found["status"], found["code"], found["iteration"], found["needed"]) == ("finished", 0, 16, False)
    assert (found["repeated"], found["ended"], found["reached"]) == (True, "ended by gradb after iteration 17", 17)
    assert found["sentences"] == [
        f"run again, the script did the same: {found['count']} numbers of iterations 1 to 17 are equal bit for bit"
    ]
    assert found["count"] >= 12
    assert found["ops"] == [15, 16, 17]
    assert found["closing"] == []
    assert found["printed"] == found["printed before"][: len(found["printed"])]
    assert found["printed"][-1] == "iteration 16 is over\n"


def test_nothing_that_a_script_does_on_its_way_out_is_done(folder: Path) -> None:
    """The second run ends without ``finally`` and exit functions; that the first one wrote files is told before."""
    found = reruns(folder, "saves", "moves")
    assert found["repeated"]
    assert (folder / "elsewhere" / "exits.txt").read_text() == "finally\nexit\n"
    assert found["needed"]
    lines = "\n".join(found["lines"])
    assert f"python goes_to_nan.py saves moves\nin {folder}\n" in lines
    for name in ("elsewhere (made)", "elsewhere/model.pt (opened for writing)", "exits.txt (opened for writing)"):
        assert name in lines


def test_without_consent_nothing_is_run(folder: Path) -> None:
    """Where files were written and nobody has agreed, one sentence says so."""
    found = reruns(folder, "saves", agreed=False)
    assert "repeated" not in found
    assert found["error"].endswith("its first run wrote files (model.pt, exits.txt): give --yes to let it")
    assert (folder / "exits.txt").read_text() == "finally\nexit\n"


def test_a_script_that_draws_from_the_system_is_found_out(folder: Path) -> None:
    """Where the first number is another, it is told with both values, and what in the script is likely to do that."""
    found = reruns(folder, "draws")
    assert not found["repeated"]
    assert found["sentences"][0].startswith("run again, the script did not do the same: loss:")
    assert "of iteration 1 was" in found["sentences"][0]
    assert "os.urandom, another in each run (goes_to_nan.py:" in found["sentences"][1]


def test_a_training_that_is_shorter_the_second_time(folder: Path) -> None:
    """It never comes to the iteration that is meant; the file that the first run made is named."""
    found = reruns(folder, "shortens")
    assert (found["repeated"], found["reached"], found["ended"]) == (False, 3, "finished")
    assert found["sentences"][0] == (
        "run again, the script did not come to iteration 16: iteration 3 was its last, and it ended: finished"
    )
    assert "files that the first run made, and the next finds: seen.txt" in found["sentences"][1]


@pytest.mark.parametrize(
    ("word", "status", "code"), [("exits", "exit code 3", 3), ("raises", "exit code 1", 1)]
)  # fmt: skip
def test_however_the_first_run_ends(folder: Path, word: str, status: str, code: int) -> None:
    """An exit code or an error of the first run is told, and does not keep the second from repeating."""
    found = reruns(folder, word)
    assert (found["status"], found["code"], found["repeated"]) == (status, code, True)


def test_a_module(folder: Path) -> None:
    """A module is run again as ``python -m`` would."""
    found = reruns(folder, "x", script=None, module="goes_to_nan")
    assert (found["iteration"], found["repeated"]) == (16, True)
    assert "python -m goes_to_nan x" in found["lines"][0]


def test_a_script_that_does_not_end_is_ended(folder: Path) -> None:
    """After the time that it is given nothing of it is left."""
    found = reruns(folder, "hangs", str(folder), seconds=2)
    assert found["error"] == "the script did not come to its end in 2 seconds"
    wait_until_none_with(str(folder))


def test_what_a_script_has_started_ends_with_it(folder: Path) -> None:
    """A process that the script would end on its way out is ended when the script is killed."""
    assert reruns(folder, "starts")["repeated"]
    wait_until_none_with(str(folder))


def test_an_interrupt_is_the_first_runs(folder: Path) -> None:
    """What the user sends while the first run goes on is sent to the script, and told."""
    found = reruns(folder, "hangs", "saves", interrupts=1)
    assert (found["interrupted"], found["code"]) == (signal.SIGINT, -signal.SIGINT)
    assert (folder / "exits.txt").read_text().startswith("finally\n")


def test_an_interrupted_script_is_not_run_again(folder: Path) -> None:
    """`gradb why` tells what it knows by then, and starts nothing that the user may not want any more."""
    words = [*GRADB, "why", "goes_to_nan.py", "late", "hangs", "saves"]
    with WarmProcess(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=-1, stderr=-1, text=True) as process:
        watchdog = threading.Timer(DEADLINE, process.kill)
        watchdog.start()
        assert process.stdout is not None
        assert any(line == "iteration 26 is over\n" for line in process.stdout)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        watchdog.cancel()
    assert process.returncode == 2, err
    assert "in iteration 24, and the script was only watched there" in " ".join(out.split())
    assert "the script was interrupted, and so it is not run again" in err
    assert (folder / "exits.txt").read_text() == "finally\n"


def test_an_interrupt_kills_the_second_run(folder: Path) -> None:
    """It is no run of the user's: an interrupt ends it, without what the script would do then."""
    found = reruns(folder, "saves", "waits", interrupts=2)
    assert found["error"] == "KeyboardInterrupt"
    assert (folder / "exits.txt").read_text() == "finally\nexit\n"
    wait_until_none_with(str(folder))


def test_a_tape_without_a_seed(folder: Path) -> None:
    """A recording that was only watched can be run again; without a seed it draws other numbers, and that is said."""
    words = ("record", "--record", "watch", "-o", "w.tape", "goes_to_nan.py", "x")
    assert forked("gradb", *words, cwd=folder, env={DRAWN: "3"}).code == 0
    found = reruns(folder, tape=str(folder / "w.tape"))
    assert (found["status"], found["iteration"], found["needed"], found["repeated"]) == ("finished", 16, True, False)
    assert "python goes_to_nan.py x" in found["lines"][0]
    assert "no seed was given by --seed, and no torch.manual_seed is in the source" in found["sentences"][1]


def test_a_tape_with_a_seed(folder: Path) -> None:
    """With the seed of its tape it does the same; with a source that is another it is not run at all."""
    recorded = gradb("record", "--seed", "4", "--record", "watch", "-o", "w.tape", "goes_to_nan.py", cwd=folder)
    assert recorded.code == 0
    assert reruns(folder, tape=str(folder / "w.tape"))["repeated"]
    assert "give --yes" in reruns(folder, tape=str(folder / "w.tape"), agreed=False)["error"]
    with (folder / "goes_to_nan.py").open("a") as script:
        script.write("# changed\n")
    found = reruns(folder, tape=str(folder / "w.tape"))
    assert list(found) == ["error"]
    assert "goes_to_nan.py is not what it was when" in found["error"]


def test_hashes_can_be_the_same_again_and_nothing_of_that_is_seen(tmp_path: Path) -> None:
    """With the hash seed of a run another has its sets in the same order; the environment is as it would be."""
    script = tmp_path / "hashes.py"
    script.write_text("import os\nprint(hash('gradb'), os.environ.get('PYTHONHASHSEED'))\n")
    run = Run.launch(RunSpec(str(script), str(tmp_path / "h.tape"), is_paused_at_start=False))
    deadline = time.monotonic() + DEADLINE
    while run.is_live:
        run.pump(0.1)
        assert time.monotonic() < deadline
    assert run.tape is not None
    seed = run.tape.fact("hash_seed") or ""
    texts = [line.text for line in run.tape.frame(run.tape.head).outputs]
    run.close()
    plain = started(sys.executable, script, env={"PYTHONHASHSEED": seed})
    assert plain.out.split() == [texts[0].split()[0], seed]
    assert texts[0].split()[1] == "None"
