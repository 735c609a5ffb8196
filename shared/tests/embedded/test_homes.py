"""Homes of the servers of tests: in memory where there is room, and gone afterwards, whoever was killed."""

import os
import subprocess
from pathlib import Path

import pytest

from moat.kit.testing import homes


def test_a_home_can_be_reached_by_anybody_and_is_gone_afterwards():
    with homes.a_home("pears") as home:
        (home / "file").write_text("here")
        assert home.stat().st_mode & 0o777 == 0o755

    assert not home.exists()


def test_where_memory_is_short_or_missing_a_home_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert not homes.has_room(tmp_path / "nowhere")
    monkeypatch.setattr(homes, "MEMORY", tmp_path)
    monkeypatch.setattr(homes, "ROOM_BYTES_MIN", 1)
    with homes.a_home("pears") as roomy:
        monkeypatch.setattr(homes, "ROOM_BYTES_MIN", 1024**6)
        with homes.a_home("pears") as short:
            assert (roomy.parent == tmp_path, short.parent == tmp_path) == (True, False)


def test_what_a_killed_session_left_is_removed_and_what_others_use_stays(tmp_path: Path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    left, used = tmp_path / f"moat-pears-{ended.pid}-a_b", tmp_path / f"moat-pears-{os.getpid()}-a_b"
    for home in (left, used, tmp_path / "moat-of-somebody-else"):
        (home / "data").mkdir(parents=True)

    homes.remove_those_of_the_dead(tmp_path)

    assert {home.name for home in tmp_path.iterdir()} == {used.name, "moat-of-somebody-else"}
