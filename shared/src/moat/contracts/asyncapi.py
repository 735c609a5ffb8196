"""One AsyncAPI 3 document of every topic and event, made from the catalogue."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from moat.contracts.catalogue import EVENTS
from moat.contracts.topics import CANONICAL, INTAKE, REQUESTS, RETENTION_MS
from moat.kit.events import EventData

PARTITIONS: Final = 12
_ABOUT: Final = {
    "moat.intake": "Raw facts from outside, binary or structured mode; the key is the first identifier. Kept 7 days.",
    "moat.orders": "Orders, resolved to Moat's customer.",
    "moat.customers": "Who customers are to Moat; ids only.",
    "moat.tickets": "Tickets; what people wrote stays in ticket-svc.",
    "moat.loyalty": "Points and tiers.",
    "moat.scoring": "How likely a customer is to have left, and what is at stake.",
    "moat.engagement": "Messages to customers; neither text nor address is in an event.",
}
_TEXT: Final = {"type": "string"}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_HEADERS: Final[dict[str, dict[str, str]]] = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {**_TEXT, "description": "With ce_source the identity of the event; repeated on redelivery."},
    "ce_source": {**_TEXT, "description": "/<service>, or the shop on intake."},
    "ce_type": _TEXT,
    "ce_time": {**_INSTANT, "description": "When it happened in the world."},
    "ce_subject": {**_TEXT, "description": "The customer's id."},
    "ce_datacontenttype": {"type": "string", "const": "application/json"},
    "ce_sequence": {**_TEXT, "description": "Digits that grow per aggregate and source; not dense."},
    "ce_recordedat": {**_INSTANT, "description": "When Moat noticed."},
    "ce_correlationid": _TEXT,
    "ce_causationid": {**_TEXT, "description": "The id of the event that caused this one."},
    "ce_traceparent": {**_TEXT, "description": "W3C Trace Context."},
}
_REQUIRED: Final = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time")


def asyncapi_document() -> dict[str, Any]:
    """The document, with keys in a steady order. Moat receives on intake and request topics and sends on the others."""
    topics = (INTAKE, *CANONICAL, *REQUESTS)
    by_topic = {topic: [cls for cls in _sorted(EVENTS) if topic == cls.TOPIC] for topic in topics}
    _, definitions = models_json_schema(
        [(cls, "validation") for cls in _sorted(EVENTS)], ref_template="#/components/schemas/{model}"
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Moat events",
            "version": "1",
            "description": "CloudEvents 1.0 on Kafka, binary mode. Readers of canonical topics ignore types and fields "
            "they do not know; within v1 only additive changes are made.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "variables": {"bootstrap": {"description": "host:port of a broker of the installation"}},
            }
        },
        "channels": {topic: _channel(topic, classes) for topic, classes in by_topic.items()},
        "operations": {_operation_id(topic): _operation(topic, classes) for topic, classes in by_topic.items()},
        "components": {
            "messages": {cls.TYPE: _message(cls) for cls in _sorted(EVENTS)},
            "messageTraits": {
                "cloudEvent": {"headers": {"type": "object", "required": [*_REQUIRED], "properties": _HEADERS}}
            },
            "schemas": definitions["$defs"],
        },
    }


def _sorted(events: Mapping[str, type[EventData]]) -> list[type[EventData]]:
    return [events[name] for name in sorted(events)]


def _channel(topic: str, classes: list[type[EventData]]) -> dict[str, Any]:
    configuration = {"topicConfiguration": {"retention.ms": RETENTION_MS[topic]}}
    return {
        "address": topic,
        "description": _ABOUT.get(topic, "Requests to this service; none are defined yet."),
        "messages": {cls.TYPE: {"$ref": f"#/components/messages/{cls.TYPE}"} for cls in classes},
        "bindings": {"kafka": {"topic": topic, "partitions": PARTITIONS, **configuration}},
    }


def _is_received(topic: str) -> bool:
    return topic == INTAKE or topic in REQUESTS


def _operation_id(topic: str) -> str:
    words = topic.removeprefix("moat.").split(".")
    return ("receive" if _is_received(topic) else "send") + "".join(word.capitalize() for word in words)


def _operation(topic: str, classes: list[type[EventData]]) -> dict[str, Any]:
    channel = f"#/channels/{topic}"
    return {
        "action": "receive" if _is_received(topic) else "send",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{cls.TYPE}"} for cls in classes],
    }


def _message(cls: type[EventData]) -> dict[str, Any]:
    about = (cls.__doc__ or "").strip().partition("\n")[0]
    return {
        "name": cls.TYPE,
        "title": cls.__name__,
        "summary": about,
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "bindings": {"kafka": {"key": {"type": "string", "description": _key_of(cls)}}},
        "payload": {"$ref": f"#/components/schemas/{cls.__name__}"},
    }


def _key_of(cls: type[EventData]) -> str:
    return "Any; recommended the first identifier." if cls.TOPIC == INTAKE else "The customer's id."
