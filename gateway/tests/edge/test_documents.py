"""One OpenAPI document, and a page that loads nothing from elsewhere."""

from pydantic_core import to_json

from gateway.documents.merging import merge
from gateway.proxy.routing import LOYALTY, TICKET


def a_document(paths, schemas):
    return {
        "openapi": "3.1.0",
        "info": {"title": "x", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def an_operation(schema):
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"get": {"responses": {"200": {"description": "", "content": content}}}}


def test_two_schemas_of_one_name_stay_two_and_references_follow():
    own = a_document({"/v1/me": an_operation("Item")}, {"Item": {"type": "string"}, "Same": {"type": "null"}})
    tickets = a_document(
        {"/v1/tickets": an_operation("Page"), "/v1/ops/status": an_operation("Hidden")},
        {
            "Page": {"items": {"$ref": "#/components/schemas/Item"}, "x": {"$ref": "#/components/schemas/Same"}},
            "Item": {"type": "object"},
            "Same": {"type": "null"},
            "Hidden": {},
        },
    )
    loyalty = a_document(
        {"/v1/loyalty/audit": an_operation("Page")},
        {"Page": {"items": {"$ref": "#/components/schemas/Item"}}, "Item": {"type": "string"}},
    )

    merged = merge(own, {TICKET: tickets, LOYALTY: loyalty})

    schemas = merged["components"]["schemas"]
    assert set(merged["paths"]) == {"/v1/me", "/v1/tickets", "/v1/loyalty/audit"}
    assert set(schemas) == {"Item", "Same", "Page", "TicketItem", "LoyaltyPage"}
    assert schemas["Page"]["items"]["$ref"] == "#/components/schemas/TicketItem"
    assert schemas["Page"]["x"]["$ref"] == "#/components/schemas/Same"
    assert schemas["LoyaltyPage"]["items"]["$ref"] == "#/components/schemas/Item"
    assert merged["paths"]["/v1/tickets"]["get"]["x-moat-service"] == TICKET
    assert "LoyaltyPage" in str(merged["paths"]["/v1/loyalty/audit"])


async def test_the_document_holds_the_gateway_and_its_services(house):
    tickets = a_document({"/v1/tickets": an_operation("T")}, {"T": {"type": "object"}})
    house.services[TICKET].answers["/v1/openapi.json"] = (200, to_json(tickets))

    document = (await house.client.get("/v1/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    assert {"/v1/events", "/v1/tickets", "/v1/ops/status", "/v1/customers/{customer_id}/overview"} <= set(
        document["paths"]
    )
    assert document["paths"]["/v1/events"]["post"]["x-moat-scopes"] == ["events:write"]
    assert "503" in document["paths"]["/v1/events"]["post"]["responses"]
    assert "token" in document["components"]["securitySchemes"]


async def test_the_page_and_its_assets_come_from_here(house):
    page = await house.client.get("/docs")
    assert page.status_code == 200
    assert "http" not in page.text
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png", "start.js"):
        assert (await house.client.get(f"/docs/assets/{name}")).status_code == 200
    assert (await house.client.get("/docs/assets/passwd")).status_code == 404
    assert (await house.client.get("/", follow_redirects=False)).headers["location"] == "/docs"


async def test_the_events_have_their_document_too(house):
    document = (await house.client.get("/v1/asyncapi.json")).json()

    assert document["asyncapi"].startswith("3.")
