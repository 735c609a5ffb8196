import os
import signal
from pathlib import Path

import asyncpg
import pytest

from moat.kit.db.provision import Passwords, provision
from moat.kit.embedded import places
from moat.kit.embedded.guarded import start_guarded
from moat.kit.embedded.postgres import Postgres


@pytest.fixture
def home(server_home: Path, request: pytest.FixtureRequest) -> Path:
    return server_home / request.node.name


async def test_the_databases_speak_utf8_with_the_builtin_locale(postgres: Postgres):
    connection = await asyncpg.connect(postgres.url())

    row = await connection.fetchrow(
        "SELECT datlocprovider::text, datlocale, pg_encoding_to_char(encoding) FROM pg_database"
        " WHERE datname = 'template1'"
    )

    assert tuple(row) == ("b", "C.UTF-8", "UTF8")
    await connection.close()


async def test_nobody_signs_in_without_the_password(postgres: Postgres):
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url(password="guessed"))


async def test_provisioning_twice_keeps_the_database_and_takes_the_new_passwords(postgres: Postgres):
    first = await provision(postgres.url(), "pears", Passwords("one/'x", "two"))
    owner = await asyncpg.connect(first.owner)
    await owner.execute("CREATE TABLE pear (id int)")
    await owner.close()

    second = await provision(postgres.url(), "pears", Passwords("three", "four"))

    app = await asyncpg.connect(second.app)
    assert await app.fetchval("SELECT count(*) FROM pg_tables WHERE tablename = 'pear'") == 1
    await app.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(first.owner)


async def test_the_app_enters_the_customer_role_on_purpose_only(postgres: Postgres):
    urls = await provision(postgres.url(), "plums", Passwords("a", "b"))
    app = await asyncpg.connect(urls.app)

    inherited = await app.fetchval("SELECT pg_has_role('plums_app', 'plums_customer', 'USAGE')")
    async with app.transaction():
        await app.execute("SET LOCAL ROLE plums_customer")
        entered = await app.fetchval("SELECT current_user")

    assert (inherited, entered) == (False, "plums_customer")
    await app.close()


def test_a_half_made_cluster_is_made_anew(home: Path):
    (home / "data.new").mkdir(parents=True)
    (home / "data.new" / "PG_VERSION").write_text("18\n")

    server = Postgres.start(home, durable=False)

    assert server.is_running()
    assert not (home / "data.new").exists()
    server.stop()


def test_a_killed_server_starts_again_on_what_it_left(home: Path):
    server = Postgres.start(home, durable=False)
    server.kill()
    assert (home / "data" / "postmaster.pid").exists()

    again = Postgres.start(home, durable=False)

    assert again.is_running()
    assert again.password == server.password
    again.stop()


def test_a_pid_file_that_names_another_process_is_no_obstacle(home: Path):
    Postgres.start(home, durable=False).stop()
    (home / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n")

    server = Postgres.start(home, durable=False)

    assert server.is_running()
    server.stop()


def test_a_server_whose_guard_was_killed_is_ended_by_the_next_start(home: Path):
    orphaned = Postgres.start(home, durable=False)
    orphaned.server.guard.kill()
    orphaned.server.guard.communicate()
    assert Path(f"/proc/{orphaned.pid}").exists()

    server = Postgres.start(home, durable=False)

    assert not Path(f"/proc/{orphaned.pid}").exists()
    server.stop()


def test_a_server_ends_when_the_pipe_to_its_guard_closes(tmp_path: Path):
    server = start_guarded(["sleep", "600"], log_path=tmp_path / "log", stop=[(signal.SIGTERM, 5.0)])

    assert server.guard.stdin is not None
    server.guard.stdin.close()

    server.guard.wait(10)
    assert not Path(f"/proc/{server.pid}").exists()


def test_a_directory_below_a_closed_one_is_out_of_reach_for_another_user(tmp_path: Path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    account = places.unprivileged_account()
    if account is None:
        pytest.skip("only root runs its servers as somebody else")

    assert not places.can_reach(account, closed / "home")
    assert places.reachable_state(account, closed / "home") != closed / "home"
