"""A teacher grades answers to a real run."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.gradb_process import gradb
from tests.fakes.examples import LESSON

ANSWERS = "# c, a.grad, downstream of PowBackward0\n[7, 9, 11, 13]\n4 * 7\n-\n"
REMARK = "the right value has 4 elements, yours is one number"


def test_answers_are_graded(tmp_path: Path) -> None:
    """Question by question, what the engine came to beside what is wrong; the exit code says whether all is right."""
    (tmp_path / "lesson.py").write_text(LESSON)
    (tmp_path / "answers.txt").write_text(ANSWERS)
    done = gradb("run", "--quiz", "answers.txt", "lesson.py", cwd=tmp_path)
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == [
        "1 right      c (line 11): [7, 9, 11, 13]",
        f"2 wrong      a.grad (line 20): 4 * 7; the engine: [28, 36, 44, 52]; {REMARK}",
        "3 missing    downstream at node PowBackward0 (line 20): the engine: [14, 18, 22, 26]",
        "1 of 3 right",
    ]
    (tmp_path / "answers.txt").write_text("\ufeff[7, 9, 11, 13]\n[28 36 44 52]\n[14 18 22 26]\n")
    done = gradb("run", "--quiz", "answers.txt", "lesson.py", cwd=tmp_path)
    assert (done.code, done.err, done.out.splitlines()[-1]) == (0, "", "3 of 3 right")


def test_a_bad_file_of_answers_is_one_sentence(tmp_path: Path) -> None:
    """Nothing is run."""
    (tmp_path / "lesson.py").write_text("print('run')")
    (tmp_path / "answers.txt").write_text("1\n2 +\n")
    for arguments, sentence in [
        (("--quiz", "answers.txt"), "answers.txt:2: cannot read"),
        (("--quiz", "nowhere.txt"), "nowhere.txt"),
        (("--quiz", "answers.txt", "-e", "step"), "--quiz"),
    ]:
        done = gradb("run", *arguments, "lesson.py", cwd=tmp_path)
        assert (done.code, done.out) == (2, "")
        assert sentence in done.err
        assert len(done.err.splitlines()) == 1
