from pathlib import Path

import pytest

from moat_local.plan import GATEWAY, PARTS, SERVICES, Layout, Part, environment_of
from moat_local.ready import ready_document
from moat_local.secrets import Secrets

SECRETS = Secrets(
    owner_passwords={}, app_passwords={}, admin_password="p", admin_api_key="mk_a_1", intake_api_key="mk_i_1",
    notify_api_key="mk_n_1", api_key_pepper="pepper",
)  # fmt: skip
LAYOUT = Layout(
    home=Path("/home/of/moat"),
    ports={part.short: 8000 + number for number, part in enumerate(PARTS)},
    owner_urls={part.short: f"postgresql://{part.short}_owner" for part in PARTS},
    app_urls={part.short: f"postgresql://{part.short}_app" for part in PARTS},
    events_url="postgresql://log",
    smtp_port=2525,
)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_serving_process_never_sees_the_owner_nor_the_first_password(part: Part):
    variables = environment_of(part, LAYOUT, SECRETS)

    assert not any("OWNER" in name or name.startswith("GATEWAY_ADMIN") for name in variables)
    assert variables[f"{part.prefix}_DATABASE_URL"] == f"postgresql://{part.short}_app"


def test_the_gateway_knows_every_service_and_its_first_keys_only_when_it_migrates():
    variables = environment_of(GATEWAY, LAYOUT, SECRETS, migrate=True)

    assert variables["GATEWAY_LOYALTY_URL"] == f"http://127.0.0.1:{LAYOUT.ports['loyalty']}"
    assert (
        sum(name.endswith("_URL") and name.removeprefix("GATEWAY_") != name for name in variables) == len(SERVICES) + 2
    )
    assert variables["GATEWAY_INTAKE_API_KEY"] == "mk_i_1"


def test_ready_json_is_as_the_interface_says():
    document = ready_document(LAYOUT, SECRETS, {part.name: 4711 for part in PARTS})

    assert set(document) == {"gateway_url", "docs_url", "staff", "api_keys", "processes", "databases", "events_url"}
    assert document["docs_url"] == "http://127.0.0.1:8000/docs"
    assert list(document["processes"]) == ["gateway", *(service.name for service in SERVICES)]
