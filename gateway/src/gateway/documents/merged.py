"""The merged document, kept: asked of the services when it is wanted and old, each service's last word remembered."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import FastAPI
from multidict import CIMultiDict
from pydantic_core import to_json

from gateway.documents.merging import Document, merge
from gateway.upstreams.asking import ask
from gateway.upstreams.upstream import Upstream
from moat.kit.problems import Problem
from moat.kit.web.app import DOCUMENT_PATH

FRESH_SECONDS: Final = 60.0
INCOMPLETE_SECONDS: Final = 3.0
"""How long a document is good in which a service is missing or old."""
FETCH_SECONDS_MAX: Final = 3.0


@dataclass(slots=True)
class Documents:
    """The OpenAPI document of everything the gateway serves."""

    own: FastAPI
    upstreams: dict[str, Upstream]
    _known: dict[str, Document] = field(default_factory=dict)
    _merged: bytes = b""
    _good_until: float = float("-inf")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def openapi(self) -> bytes:
        """The document as JSON; a service that never answered is missing in it until it does."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now >= self._good_until:
                fetched = await asyncio.gather(*(self._fetch(upstream) for upstream in self.upstreams.values()))
                # Off the loop: a second of work once a minute would hold up everyone.
                self._merged = await asyncio.to_thread(self._merge)
                self._good_until = now + (FRESH_SECONDS if all(fetched) else INCOMPLETE_SECONDS)
            return self._merged

    def _merge(self) -> bytes:
        ordered = {name: self._known[name] for name in self.upstreams if name in self._known}
        return to_json(merge(self.own.openapi(), ordered))

    async def _fetch(self, upstream: Upstream) -> bool:
        headers: CIMultiDict[str] = CIMultiDict({"accept": "application/json"})
        try:
            answer = await ask(upstream, "GET", DOCUMENT_PATH, headers, deadline_seconds=FETCH_SECONDS_MAX)
        except Problem:
            return False
        document: Any = answer.document
        if answer.status != 200 or not isinstance(document, dict) or "paths" not in document:
            return False
        self._known[upstream.name] = document
        return True
