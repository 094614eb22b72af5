"""Descriptors are known again, and are not touched once they stand for something else."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from gradb.link.channel import Channel, Lost
from gradb.link.messages import Pause
from gradb.tape.descriptors import DescriptorLost, Held, high_only, moved_up, open_on
from gradb.tape.writer import TapeWriter

PLACE = (None, None, None, None, None)


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


@pytest.mark.parametrize("which", range(3))
def test_a_tape_is_not_written_through_a_descriptor_of_the_script(which: int, tmp_path: Path) -> None:
    """Of SQLite's three files each is looked at before anything is written; a file in the place of one is unharmed."""
    path = str(tmp_path / "run.tape")
    writer = TapeWriter(path)
    held = [open_on(f"{path}{end}") for end in ("", "-wal", "-shm")][which]
    (tmp_path / "theirs").write_text("mine")
    theirs = os.open(tmp_path / "theirs", os.O_RDWR)
    for one in held:
        os.dup2(theirs, one.fd)
    for i in range(3):
        writer.event("note", "gradb", PLACE, f'["{i}"]', None)
        with pytest.raises(DescriptorLost):
            writer.commit()
    with pytest.raises(DescriptorLost):
        writer.set_run(status="running")
    writer.release()
    writer.release()
    assert held
    assert (tmp_path / "theirs").read_text() == "mine"
    assert [os.pread(one.fd, 9, 0) for one in held] == [b"mine"] * len(held)


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


def test_ours_are_out_of_the_way(tmp_path: Path) -> None:
    """The next file that is opened gets the number that it would have without gradb."""
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    with high_only():
        inside = os.open(os.devnull, os.O_RDONLY)
    outside = os.open(os.devnull, os.O_RDONLY)
    moved = moved_up(outside)
    assert (outside, inside >= 512, moved >= 512) == (lowest, True, True)
    assert not os.get_inheritable(moved)
    os.close(inside)
    os.close(moved)


def test_few_descriptors_are_enough() -> None:
    """Where only a few may be open, half of them are left to the script."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        with high_only():
            inside = os.open(os.devnull, os.O_RDONLY)
        os.close(inside)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert inside == 100
