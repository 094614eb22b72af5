"""Descriptors are known again, and are not touched once they stand for something else."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from gradb.link.channel import Channel, Lost
from gradb.link.messages import Pause
from gradb.tape.descriptors import Held, moved_up


def test_a_number_that_was_given_away_is_not_ours(tmp_path: Path) -> None:
    """What counts is the file behind a descriptor, not its number."""
    fd = os.open(tmp_path / "ours", os.O_CREAT | os.O_RDWR)
    held = Held.of(fd)
    found = [held.is_ours]
    os.close(fd)
    found.append(held.is_ours)
    with open(tmp_path / "theirs", "w") as theirs:
        found.append(held.is_ours)
        assert theirs.fileno() == fd
    assert found == [True, False, False]


def test_a_channel_does_not_speak_to_a_file_of_the_script(tmp_path: Path) -> None:
    """It is lost, and neither written, read nor closed."""
    here, there = Channel.pair()
    fd = here.fileno()
    with open(tmp_path / "theirs", "w+") as theirs:
        os.dup2(theirs.fileno(), fd)
    for _ in range(2):
        with pytest.raises(Lost):
            here.send(Pause())
        with pytest.raises(Lost):
            here.receive(0.0)
    here.close()
    assert os.fstat(fd).st_size == 0
    os.close(fd)
    there.close()


def test_ours_are_out_of_the_way() -> None:
    """What is moved up leaves its number to the script, and is not inherited."""
    outside = os.open(os.devnull, os.O_RDONLY)
    moved = moved_up(outside)
    again = os.open(os.devnull, os.O_RDONLY)
    assert (again, moved >= 512, os.get_inheritable(moved)) == (outside, True, False)
    os.close(again)
    os.close(moved)


def test_few_descriptors_are_enough() -> None:
    """Where only a few may be open, half of them are left to the script."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        moved = moved_up(os.open(os.devnull, os.O_RDONLY))
        os.close(moved)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert moved == 100
