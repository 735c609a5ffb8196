"""THE HEART of the documents: several OpenAPI documents become one.

Of each service only the paths that the gateway sends to it are shown. Two schemas of one name that are not the same
(in themselves or in what they refer to) get their service's name in front; references follow.
"""

from collections.abc import Mapping
from typing import Any, Final

from gateway.proxy.routing import service_of

Document = dict[str, Any]
_SCHEMAS: Final = "#/components/schemas/"


def merge(own: Document, services: Mapping[str, Document]) -> Document:
    """One document: the gateway's own, and each service's part of the paths."""
    merged: Document = {**own, "paths": dict(own.get("paths", {}))}
    schemas: dict[str, Any] = dict(_schemas(own))
    security: dict[str, Any] = dict(own.get("components", {}).get("securitySchemes", {}))
    for name, document in services.items():
        paths = {path: item for path, item in document.get("paths", {}).items() if service_of(path) == name}
        theirs = _schemas(document)
        wanted = _reachable(paths, theirs)
        renamed = _renamed(name, {key: theirs[key] for key in wanted}, schemas)
        for key in wanted:
            schemas[renamed.get(key, key)] = _with_names(theirs[key], renamed)
        for path, item in _with_names(paths, renamed).items():
            merged["paths"][path] = _of_service(item, name)
        security |= document.get("components", {}).get("securitySchemes", {})
    merged["paths"] = dict(sorted(merged["paths"].items()))
    merged["components"] = {"schemas": dict(sorted(schemas.items())), "securitySchemes": security}
    return merged


def _schemas(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = document.get("components", {}).get("schemas", {})
    return found


def _of_service(item: Any, name: str) -> Any:
    return {
        key: {**operation, "x-moat-service": name} if isinstance(operation, dict) else operation
        for key, operation in item.items()
    }


def _references(part: Any) -> set[str]:
    """The names of every schema that `part` refers to."""
    found: set[str] = set()
    pending = [part]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str) and reference.startswith(_SCHEMAS):
                found.add(reference.removeprefix(_SCHEMAS))
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return found


def _reachable(paths: Any, schemas: Mapping[str, Any]) -> set[str]:
    wanted: set[str] = set()
    pending = _references(paths) & schemas.keys()
    while pending:
        wanted |= pending
        pending = set().union(*(_references(schemas[name]) for name in pending)) & schemas.keys() - wanted
    return wanted


def _renamed(service: str, theirs: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, str]:
    """Old name → new name of the schemas that differ from a known one of the same name."""
    different = {name for name, schema in theirs.items() if name in known and known[name] != schema}
    while True:
        more = {name for name in theirs.keys() - different if name in known and _references(theirs[name]) & different}
        if not more:
            break
        different |= more
    prefix = service.partition("-")[0].capitalize()
    return {name: f"{prefix}{name}" for name in different}


def _with_names(part: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(part, dict):
        changed = {key: _with_names(value, renamed) for key, value in part.items()}
        reference = part.get("$ref")
        if isinstance(reference, str) and reference.startswith(_SCHEMAS):
            name = reference.removeprefix(_SCHEMAS)
            changed["$ref"] = _SCHEMAS + renamed.get(name, name)
        return changed
    if isinstance(part, list):
        return [_with_names(value, renamed) for value in part]
    return part
