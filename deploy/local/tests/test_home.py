import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from moat.kit.clock import FrozenClock
from moat_local.home import Home
from moat_local.secrets import secrets_of
from moat_local.troubles import Trouble


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.prepare()
    return made


def test_a_second_instance_on_the_same_home_is_refused_by_name_of_the_first(home: Home):
    with (
        home.locked(),
        pytest.raises(Trouble, match=f"process {os.getpid()}"),
        Home(home.path).locked(),
    ):
        raise AssertionError("the second had it too")


def test_the_lock_of_a_killed_instance_is_free(home: Home):
    script = (
        "import sys, pathlib; from moat_local.home import Home\n"
        "with Home(pathlib.Path(sys.argv[1])).locked():\n    print('held', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(home.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(Trouble), home.locked():
            raise AssertionError("both had it")
        other.kill()

    with home.locked():
        assert (home.path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_home_keeps_its_log(home: Home):
    home.remember_events("embedded", "this machine")
    home.remember_events("embedded", "this machine")

    with pytest.raises(Trouble, match="EVENTS=embedded"):
        home.remember_events("kafka", "this machine")


def test_a_home_on_one_broker_refuses_another(home: Home):
    home.remember_events("kafka", "one:9092")

    with pytest.raises(Trouble, match="one:9092"):
        home.remember_events("kafka", "other:9092")


def test_a_file_where_the_home_should_be_is_a_sentence(tmp_path: Path):
    (tmp_path / "home").write_text("")

    with pytest.raises(Trouble, match="cannot be made"):
        Home(tmp_path / "home").prepare()


def test_a_full_disk_is_a_sentence(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("moat_local.home._FREE_BYTES_MIN", 10**18)

    with pytest.raises(Trouble, match="MB left"):
        home.prepare()


def test_secrets_are_made_once_and_nobody_else_reads_them(home: Home, clock: FrozenClock):
    first = secrets_of(home, ("loyalty",), clock)

    assert secrets_of(home, ("loyalty",), clock) == first
    files = [home.path / "secrets.json", *home.keys.iterdir()]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]


def test_a_half_written_document_is_never_read(home: Home):
    home.write("demo.json", {"sent": 500})
    (home.path / "demo.json.new").write_text('{"sent": 10')

    assert home.read("demo.json") == {"sent": 500}
    home.write("demo.json", {"sent": 1000})
    assert home.read("demo.json") == {"sent": 1000}
