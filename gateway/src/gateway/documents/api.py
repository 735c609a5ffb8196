"""HTTP door: the documents, and a page to read them with assets of our own (nothing is loaded from elsewhere)."""

import asyncio
from functools import cache
from importlib.resources import files
from typing import Any, Final

import fastapi_offline
from fastapi import APIRouter
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.documents.merged import Documents
from moat.kit.problems import NotFound

router = APIRouter(tags=["documents"])
ASSETS: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Moat API</title>
<link rel="icon" href="/docs/assets/favicon.png"><link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head><body><div id="page"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script><script src="/docs/assets/start.js"></script>
</body></html>
"""
_START: Final = """SwaggerUIBundle({
  url: "/v1/openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null, persistAuthorization: false,
  displayRequestDuration: true, docExpansion: "none", tagsSorter: "alpha"
});
"""
_POLICY: Final = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


@router.get("/v1/openapi.json")
async def openapi(request: Request) -> Response:
    """One OpenAPI 3.1 document of everything the gateway serves."""
    documents: Documents = request.app.state.documents
    return Response(await documents.openapi(), media_type="application/json")


@router.get("/v1/asyncapi.json")
async def asyncapi() -> Response:
    """The AsyncAPI 3 document of every event."""
    return Response(await asyncio.to_thread(_asyncapi), media_type="application/json")


@router.get("/", include_in_schema=False)
async def root() -> Response:
    """Whoever comes to the door is shown the documents."""
    return RedirectResponse("/docs", 307)


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    """The page."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/assets/{name}", include_in_schema=False)
async def asset(name: str) -> Response:
    """A part of the page."""
    if name == "start.js":
        return Response(_START, media_type="text/javascript")
    if name not in ASSETS:
        raise NotFound
    content = await asyncio.to_thread(_asset, name)
    return Response(content, media_type=ASSETS[name], headers={"Cache-Control": "public, max-age=86400"})


@cache
def _asset(name: str) -> bytes:
    return files(fastapi_offline).joinpath("static", name).read_bytes()


@cache
def _asyncapi() -> bytes:
    from moat.contracts.asyncapi import asyncapi_document

    document: Any = asyncapi_document()
    return to_json(document)
