"""The gateway does what its document says: schemathesis asks every operation with what the document allows and with
what it does not, and looks at the status, the content type and the shape of each answer.
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from whole.facts import a_shopper
from whole.house import House, bearer

pytestmark = pytest.mark.parametrize("house", ["embedded"], indirect=True)

EXAMPLES = 10
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
# Whoever guesses passwords is held up for a minute, and so would be every other test that signs in.
LEFT_OUT = {"/v1/auth/tokens"}
LOYALTY = ("/v1/loyalty/", "/v1/customers/{customer_id}/loyalty")


# The codes that the starting programme publishes, by the path of their documents.
PUBLISHED = {
    "/v1/loyalty/rewards": "canvas-bag",
    "/v1/loyalty/coupons": "twenty-off",
    "/v1/loyalty/tasks": "check-in-week",
    "/v1/loyalty/referral-programmes": "friends",
    "/v1/loyalty/tier-plans": "tiers",
    "/v1/loyalty/account-types": "points",
    "/v1/loyalty/points-payments": "points-in-cny",
}


def _named(case: Case, customer_id: str) -> None:
    """Let the path name what is there, so that the request gets past its door: a customer, a published document.

    Documents are only read: what they publish is everybody's.
    """
    known = PUBLISHED.get(case.path.partition("/{")[0]) if case.method == "GET" else None
    for name, value in (("customer_id", customer_id), ("code", known)):
        if value and name in case.path_parameters:
            case.path_parameters[name] = value


def _asked(house: House, case: Case) -> None:
    # 503 with Retry-After is an answer to an id that is so young that its customer may still be on the way.
    response = case.call(base_url=str(house.client.base_url), headers=bearer(house.admin), timeout=30)
    if response.status_code == 503 and response.headers.get("retry-after"):
        return
    case.validate_response(response, checks=CHECKS)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "not allowed"])
@pytest.mark.filterwarnings("ignore")  # of schemathesis and hypothesis about their own doings
def test_every_operation_answers_as_the_document_says(house: House, mode: GenerationMode):
    shopper = a_shopper()
    house.tell(shopper.paid(1_000))
    customer_id = house.customer(shopper)["id"]
    document = schemathesis.openapi.from_dict(house.get("/v1/openapi.json", token=""))
    broken: list[str] = []

    for found in document.get_all_operations():
        operation = found.ok()
        if operation.path in LEFT_OUT:
            continue

        @seed(20261120)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Case) -> None:
            _asked(house, case)
            # What may be guessed is guessed once more about somebody who is there.
            if mode is GenerationMode.POSITIVE and case.path.startswith(LOYALTY) and "{" in case.path:
                _named(case, customer_id)
                _asked(house, case)

        try:
            ask()
        except Unsatisfiable:
            continue  # nothing goes in, so nothing can be wrong with it
        except Exception as failure:  # each operation is asked, whatever another one did
            broken.append(f"{operation.label}: {failure}")

    assert broken == [], "\n\n".join(broken)
