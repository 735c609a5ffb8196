"""The new service in docker-compose.yml: passwords, address, migration, web and worker."""

from typing import Final

from tools.new_service.inserting import before, into_list
from tools.new_service.naming import Name

_ADDRESS: Final = "@${POSTGRES_ADDRESS:-postgres:5432}/moat_@name@"
_SHARED: Final = f"""\
x-@name@: &@name@
  <<: *shared
  @NAME@_DATABASE_URL: postgresql://@name@_app:${{@NAME@_APP_PASSWORD:?run make compose-env}}{_ADDRESS}
"""
_PASSWORDS: Final = """\
      @NAME@_OWNER_PASSWORD: ${@NAME@_OWNER_PASSWORD:?run make compose-env}
      @NAME@_APP_PASSWORD: ${@NAME@_APP_PASSWORD:?run make compose-env}
"""
_PROCESSES: Final = f"""\
  @name@-migrate:
    <<: *once
    image: moat/@name@-svc
    build: &build-@name@ {{context: ., dockerfile: services/@name@-svc/Dockerfile}}
    environment:
      <<: *@name@
      @NAME@_OWNER_DATABASE_URL: postgresql://@name@_owner:${{@NAME@_OWNER_PASSWORD:?run make compose-env}}{_ADDRESS}

  @name@-svc:
    <<: *process
    image: moat/@name@-svc
    build: *build-@name@
    command: ["--role", "web"]
    environment:
      <<: *@name@
      @NAME@_PORT: "@port@"
    depends_on:
      @name@-migrate: {{condition: service_completed_successfully}}
      topics: {{condition: service_completed_successfully}}

  @name@-svc-worker:
    <<: *process
    image: moat/@name@-svc
    build: *build-@name@
    command: ["--role", "worker"]
    environment:
      <<: *@name@
      @NAME@_PORT: "@worker@"
    depends_on:
      @name@-migrate: {{condition: service_completed_successfully}}
      topics: {{condition: service_completed_successfully}}

"""


def composed(path: str, text: str, name: Name) -> str:
    """docker-compose.yml with the service in it, each part before the gateway's. Raises MissingAnchor."""
    if f"  {name.service}-worker:\n" in text:
        return text
    address = f"  GATEWAY_{name.upper}_URL: http://{name.service}:{name.port}\n"
    processes = _PROCESSES.replace("@worker@", str(name.port + 10))
    text = before(path, text, r"^x-gateway: &gateway$", name.put_into(_SHARED))
    text = before(path, text, r"^  GATEWAY_SIGNING_KEYS_DIR: ", address)
    text = into_list(path, text, r'^    command: \[(?="customer")', f'"{name.word}"', before_word='"gateway"')
    text = before(path, text, r"^      GATEWAY_OWNER_PASSWORD: ", name.put_into(_PASSWORDS))
    return before(path, text, r"^  gateway-migrate:$", name.put_into(processes))
