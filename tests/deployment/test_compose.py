import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "deploy/docker"))

import compose_env
import compose_file

HOUSE = Path(__file__).parents[2]
GIVEN = compose_env.values("admin@moat.example", "smtp://mail.example:25", "care@moat.example")


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_nothing_that_has_to_be_chosen_has_a_default(name):
    with pytest.raises(compose_file.Unset, match=name):
        compose_file.read({given: value for given, value in GIVEN.items() if given != name})


def test_every_deployable_is_there_with_web_and_worker_apart():
    processes = {process.name: process for process in compose_file.our_processes(compose_file.read(GIVEN))}
    services = [path.name for path in HOUSE.glob("services/*-svc")]

    assert all(processes[name].command == ("--role", "web") for name in (*services, "gateway"))
    assert all(processes[f"{name}-worker"].command == ("--role", "worker") for name in services)
    assert sum(process.runs_once for process in processes.values()) == len(services) + 3


def test_only_migrations_know_the_owners():
    for process in compose_file.our_processes(compose_file.read(GIVEN)):
        knows = any("OWNER" in name for name in process.environment)
        assert knows == (process.name == "provision" or process.name.endswith("-migrate")), process.name


def test_fresh_secrets_differ_and_fit_their_form():
    other = compose_env.values("admin@moat.example", "smtp://mail.example:25", "care@moat.example")
    secret = {name for name in GIVEN if name not in {"GATEWAY_ADMIN_EMAIL", "NOTIFY_SMTP_URL", "NOTIFY_SENDER"}}

    assert all(GIVEN[name] != other[name] and len(GIVEN[name]) >= 24 for name in secret)
    assert all(
        GIVEN[name].startswith("mk_") and GIVEN[name].count("_") == 2 for name in GIVEN if name.endswith("API_KEY")
    )


def test_the_signing_key_is_for_the_images_user_only(tmp_path):
    path = compose_env.write_signing_key(tmp_path)

    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    with pytest.raises(FileExistsError):
        compose_env.write_signing_key(tmp_path)
