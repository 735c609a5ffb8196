"""The gateway's hearts: limits, breaker, budget, paths, routing, roles, keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity import key_format
from gateway.identity.roles import SCOPES, scopes_of
from gateway.limits.gcra import Gcra
from gateway.limits.window import Window
from gateway.ops.settling import is_settled
from gateway.proxy.paths import is_plain
from gateway.proxy.routing import SERVICES, route_of
from gateway.upstreams.breaker import Breaker
from gateway.upstreams.budget import RetryBudget


def test_a_burst_passes_at_once_and_then_the_rate_holds():
    limit = Gcra(rate_per_second=10, burst=5)

    at_once = [limit.take("k", 100.0).is_allowed for _ in range(7)]
    later = [limit.take("k", 100.1 + n / 10).is_allowed for n in range(3)]

    assert at_once == [True] * 5 + [False] * 2
    assert later == [True] * 3


def test_callers_do_not_pay_for_each_other_and_are_forgotten():
    limit = Gcra(rate_per_second=1, burst=1, callers_max=10)

    assert all(limit.take(f"caller-{n}", 1.0).is_allowed for n in range(100))
    assert len(limit._arrivals) <= 10


@given(st.lists(st.floats(0, 60), max_size=200))
def test_no_window_ever_passes_more_than_burst_and_refill(instants):
    limit = Gcra(rate_per_second=2, burst=5)

    passed = [at for at in sorted(instants) if limit.take("k", at).is_allowed]

    for index, begin in enumerate(passed):
        for end_index in range(index, len(passed)):
            assert end_index - index + 1 <= 5 + 2 * (passed[end_index] - begin) + 1e-6


def test_ten_attempts_in_any_minute_and_the_eleventh_waits_for_the_first_to_pass():
    window = Window(attempts_max=10)

    waits = [window.wait_seconds("a@b.c", 100.0 + n) for n in range(12)]

    assert waits == [0] * 10 + [50, 49]
    assert window.wait_seconds("other", 111.0) == 0
    assert window.wait_seconds("a@b.c", 160.0) == 0
    assert window.wait_seconds("a@b.c", 160.5) == 1


def test_five_failures_in_a_row_open_the_breaker_and_one_probe_closes_it():
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(100.0)

    assert breaker.wait_seconds(101.0) == 4.0
    assert breaker.wait_seconds(105.0) == 0.0
    assert breaker.wait_seconds(105.1) > 0
    breaker.succeeded(105.2)
    assert breaker.wait_seconds(105.3) == 0.0


def test_half_of_twenty_within_ten_seconds_opens_it_and_old_failures_do_not():
    breaker = Breaker()
    for n in range(10):
        breaker.failed(100.0 + n / 10)
        breaker.succeeded(100.0 + n / 10)
    assert not breaker.is_open
    breaker.failed(101.5)
    assert breaker.is_open

    calm = Breaker()
    for n in range(30):
        calm.failed(100.0 + n * 11)
        calm.succeeded(100.0 + n * 11)
    assert not calm.is_open


def test_a_failed_probe_keeps_it_open():
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(0.0)
    assert breaker.wait_seconds(5.0) == 0.0
    breaker.failed(5.5)
    assert breaker.wait_seconds(6.0) == 4.5


def test_retries_are_a_tenth_of_requests():
    budget = RetryBudget(saved=0.0)
    for _ in range(100):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) in (9, 10)


@given(st.binary(max_size=40))
def test_no_plain_path_has_dots_or_hidden_letters(raw):
    path = b"/" + raw
    if is_plain(path):
        segments = path.split(b"/")
        assert b"." not in segments
        assert b".." not in segments
        assert b"" not in segments[1:-1]
        assert not set(path) & set(b'\\\x00 \r\n?#"')
        assert all(part[:1] in b"89abcdefABCDEF" for part in path.split(b"%")[1:])


@pytest.mark.parametrize("path", [b"/", b"/v1/customers", b"/v1/x/%E5%BC%A0", b"/v1/.well-known", b"/v1/a..b/c"])
def test_usual_paths_are_plain(path):
    assert is_plain(path)


def test_every_service_has_a_route_and_unknown_parts_are_the_customer_files():
    assert {route_of(p).service for p in (b"/v1/customers/x/y", b"/v1/tickets", b"/v1/risks", b"/v1/inbox")} <= set(
        SERVICES
    )
    assert route_of(b"/v1/customers/x/anything/else").service == "customer-svc"
    assert route_of(b"/v1/customers/x/overview").service is None


def test_roles_are_as_the_interface_says():
    reads = {scope for scope in SCOPES if scope.endswith(":read")} - {"contacts:read"}
    assert reads >= {"customers:read", "tickets:read", "loyalty:read", "scores:read", "messages:read"}
    assert scopes_of(["admin"]) == SCOPES
    assert SCOPES - scopes_of(["manager"]) == {"identity", "ops", "contacts:read"}
    assert scopes_of(["agent"]) == reads | {"customers:write", "tickets:write"}
    assert scopes_of(["analyst"]) == reads
    assert scopes_of(["nobody"]) == frozenset()


def test_keys_have_one_form():
    parts = key_format.make()
    assert key_format.parse(key_format.written(parts)) == parts
    assert key_format.parse("mk_admin_short") is None
    assert key_format.parse("sk_admintest_0123456789abcdefghij") is None
    stored = key_format.digest(parts.secret, "pepper")
    assert key_format.matches(parts.secret, "pepper", stored)
    assert not key_format.matches(parts.secret, "other", stored)
    assert not key_format.matches(parts.secret, "pepper", None)


IDLE = {"ready": True, "outbox": 0, "lag": 0, "timers_overdue": 0, "in_flight": 0, "end_offsets": {"t/0": 5}}


@pytest.mark.parametrize(
    ("first", "second", "settled"),
    [
        (IDLE, IDLE, True),
        (IDLE, IDLE | {"dead_letters": 3}, True),
        (IDLE | {"lag": 1}, IDLE, False),
        (IDLE, IDLE | {"outbox": 1}, False),
        (IDLE, IDLE | {"in_flight": 1}, False),
        (IDLE, IDLE | {"timers_overdue": 1}, False),
        (IDLE, IDLE | {"ready": False}, False),
        (IDLE, IDLE | {"end_offsets": {"t/0": 6}}, False),
        (IDLE, None, False),
        (None, IDLE, False),
    ],
)
def test_settled_means_twice_nothing_left_and_nothing_new(first, second, settled):
    assert is_settled({"a": first, "b": IDLE}, {"a": second, "b": IDLE}) is settled
