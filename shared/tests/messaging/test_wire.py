"""Records become events, or say in one sentence why they cannot."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from messaging_probe import AT, Probe

from moat.kit.ids import uuid7
from moat.kit.messaging.log import Received, Record
from moat.kit.messaging.pglog.producer import pack_headers, unpack_headers
from moat.kit.messaging.wire import InvalidEvent, UnknownEventType, UnreadableEvent, Wire

PROBE = Probe("wire")
WIRE = Wire.of(PROBE.service)
CUSTOMER = uuid7()


def received(record: Record, offset: int = 7) -> Received:
    return Received(record.topic, 3, offset, record.key, record.value, record.headers, AT)


def counted(value: bytes = b'{"number": 1}', **attributes: str) -> Received:
    return received(PROBE.raw(PROBE.facts, value, type=PROBE.Counted.TYPE, key=str(CUSTOMER), **attributes))


def without(record: Received, name: str) -> Received:
    return record._replace(headers=tuple(h for h in record.headers if h[0] != name))


def structured(envelope: Any, topic: str = PROBE.intake) -> Received:
    value = envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode()
    return Received(topic, 0, 0, b"", value, (("content-type", b"application/cloudevents+json; charset=utf-8"),), AT)


NOTICED = {
    "specversion": "1.0",
    "id": "n-1",
    "source": "/shop",
    "type": PROBE.Noticed.TYPE,
    "time": "2026-11-20T16:00:00+08:00",
    "data": {"number": 5},
}


def test_binary_mode_carries_every_attribute():
    event = WIRE.parse(
        counted(
            id="e-1",
            source="/loyalty-svc",
            subject=str(CUSTOMER),
            correlationid="c",
            causationid="d",
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            sequence="0000000000000000042",
            recordedat="2026-11-20T08:00:01+00:00",
            shopregion="华东",
        )
    )

    assert event is not None
    assert (event.id, event.source, event.data.number, event.about) == ("e-1", "/loyalty-svc", 1, CUSTOMER)
    assert (event.correlation_id, event.causation_id, event.sequence) == ("c", "d", 42)
    assert event.recorded_at == datetime(2026, 11, 20, 8, 0, 1, tzinfo=UTC)
    assert (event.topic, event.partition, event.offset) == (PROBE.facts, 3, 7)
    assert event.extensions == {"shopregion": "华东"}


def test_structured_mode_is_read_as_well():
    event = WIRE.parse(structured(NOTICED))

    assert event is not None
    assert (event.id, event.source, event.time, event.data.number) == ("n-1", "/shop", AT, 5)
    assert event.subject_id is None


def test_a_record_without_an_id_is_known_by_its_place():
    event = WIRE.parse(without(counted(), "ce_id"))

    assert event is not None
    assert event.id == f"{PROBE.facts}/3/7"


@pytest.mark.parametrize(
    ("record", "refusal"),
    [
        (counted(b""), UnreadableEvent),
        (counted(b"\xff\xfe"), UnreadableEvent),
        (counted(b"[" * 100_000), UnreadableEvent),
        (counted(b'{"number": NaN}'), InvalidEvent),
        (counted(b'{"number": 1, "mood": "\\ud800"}'), UnreadableEvent),
        (counted(b'{"number": 1, "mood": "a\\u0000"}'), InvalidEvent),
        (counted(b'{"number": -1}'), InvalidEvent),
        (counted(b"[]"), InvalidEvent),
        (counted(time="yesterday"), InvalidEvent),
        (counted(time="2026-11-20T08:00:00"), InvalidEvent),
        (counted(time="0001-01-01T00:00:00+14:00"), InvalidEvent),
        (without(counted(), "ce_time"), InvalidEvent),
        (counted(id="x" * 513), InvalidEvent),
        (counted(source="a\0b"), InvalidEvent),
        (counted(subject="not a uuid"), InvalidEvent),
        (counted()._replace(headers=(*counted().headers[:-1], ("ce_time", b"\xff"))), UnreadableEvent),
        (structured(b"{"), UnreadableEvent),
        (structured(b"[1]"), UnreadableEvent),
        (structured(b'{"a": ' * 50_000), UnreadableEvent),
        (structured(b'{"data": NaN}'), UnreadableEvent),
        (structured({**NOTICED, "type": "moat.intake.unheard.v1"}), UnknownEventType),
        (structured({**NOTICED, "type": 5}), UnknownEventType),
        (structured({**NOTICED, "type": None}), UnreadableEvent),
        (structured({**NOTICED, "data": None}), InvalidEvent),
        (structured({**NOTICED, "data": None, "data_base64": "%%"}), UnreadableEvent),
        (structured({**NOTICED, "source": "\ud800"}), UnreadableEvent),
        (structured({**NOTICED, "type": PROBE.Counted.TYPE}), UnknownEventType),
    ],
)
def test_what_breaks_the_contract_is_refused_with_its_reason(record: Received, refusal: type[Exception]):
    with pytest.raises(refusal):
        WIRE.parse(record)


def test_a_type_of_no_concern_is_left_on_canonical_topics():
    assert WIRE.parse(counted(b"garbage")._replace(headers=(("ce_type", b"moat.probe.unheard.v1"),))) is None
    assert WIRE.parse(counted()._replace(headers=())) is None
    assert WIRE.parse(structured({**NOTICED}, topic=PROBE.facts)) is None


def test_headers_of_others_may_be_anything():
    event = WIRE.parse(counted()._replace(headers=(*counted().headers, ("x-theirs", b"\xff"))))

    assert event is not None


def test_a_backslash_before_u0000_is_not_a_nul():
    event = WIRE.parse(counted(b'{"number": 1, "mood": "\\\\u0000"}'))

    assert event is not None
    assert event.data.mood == "\\u0000"


def test_the_refusal_does_not_repeat_what_was_sent():
    with pytest.raises(InvalidEvent) as refused:
        WIRE.parse(counted(b'{"number": "13800138000x"}'))

    assert "13800138000" not in str(refused.value)
    assert refused.value.errors[0].pointer == "/data/number"


@given(value=st.binary(max_size=200), headers=st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=40))))
def test_no_bytes_bring_the_parser_down(value: bytes, headers: list[tuple[str, bytes]]):
    for topic in (PROBE.facts, PROBE.intake):
        for more in ((), counted().headers[:-2], (("content-type", b"application/cloudevents+json"),)):
            try:
                WIRE.parse(Received(topic, 0, 0, value, value, (*headers, *more), AT))
            except (UnreadableEvent, InvalidEvent, UnknownEventType):
                continue


@given(headers=st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.binary())))
def test_the_embedded_log_keeps_any_headers(headers: list[tuple[str, bytes]]):
    assert unpack_headers(pack_headers(headers)) == tuple(headers)
