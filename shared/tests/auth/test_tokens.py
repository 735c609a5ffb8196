"""Which tokens are believed."""

import base64
import json
from datetime import timedelta
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moat.kit.auth import Caller, KeySet, Verifier, jwks_of, mint
from moat.kit.auth.tokens import LIFETIME_MAX
from moat.kit.problems import Unauthenticated, Unavailable

KEY = Ed25519PrivateKey.generate()
OTHER = Ed25519PrivateKey.generate()
STAFF = Caller("staff", "s-1", frozenset({"a:read", "a:write"}), frozenset({"agent"}))
CUSTOMER = Caller("customer", str(UUID(int=7)), frozenset(), customer_id=UUID(int=7))
HOUR = timedelta(hours=1)


@pytest.fixture
def verifier(clock):
    return Verifier(KeySet.fixed(jwks_of({"k1": KEY.public_key()})), clock, audiences=["thing-svc"])


def claims(clock, **changes):
    now = int(clock.now().timestamp())
    base = {"iss": "moat", "aud": "moat", "sub": "s-1", "kind": "staff", "scope": "ops", "iat": now, "exp": now + 60}
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def signed(payload, *, key=KEY, algorithm="EdDSA", **header):
    return jwt.encode(payload, key, algorithm=algorithm, headers={"typ": "moat+jwt", "kid": "k1", **header})


@pytest.mark.parametrize("caller", [STAFF, CUSTOMER, Caller("key", "k-1", frozenset({"events:write"}))])
async def test_a_minted_token_says_who_it_was_minted_for(verifier, clock, caller):
    assert await verifier.caller_of(mint(KEY, "k1", caller, now=clock.now(), lifetime=HOUR)) == caller


async def test_the_service_itself_is_an_audience(verifier, clock):
    token = mint(KEY, "k1", STAFF, now=clock.now(), lifetime=HOUR, audience="thing-svc")

    assert await verifier.caller_of(token) == STAFF


async def test_a_token_ends_after_its_life_and_a_short_leeway_even_when_it_was_believed_before(verifier, clock):
    token = mint(KEY, "k1", STAFF, now=clock.now(), lifetime=timedelta(seconds=60))

    await verifier.caller_of(token)
    clock.advance(timedelta(seconds=89))
    await verifier.caller_of(token)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        await verifier.caller_of(token)


async def refused(verifier, token):
    with pytest.raises(Unauthenticated) as refusal:
        await verifier.caller_of(token)
    return refusal.value.code, refusal.value.detail, refusal.value.facts


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "elsewhere"}, {"iss": ...}, {"aud": "loyalty-svc"}, {"aud": ...}, {"exp": ...}, {"iat": ...},
        {"sub": ...}, {"exp": 1}, {"exp": "soon"}, {"iat": "now"}, {"iat": 4_102_444_800, "exp": 4_102_444_900},
        {"exp": 4_102_444_800}, {"kind": "root"}, {"kind": ...}, {"scope": ["ops"]}, {"roles": "admin"},
        {"roles": [1]}, {"kind": "customer"}, {"kind": "customer", "customer_id": "7"}, {"sub": 1},
    ],
)  # fmt: skip
async def test_wrong_claims_are_refused(verifier, clock, changes):
    await refused(verifier, signed(claims(clock, **changes)))


async def test_wrong_headers_keys_and_algorithms_are_refused_in_the_same_words(verifier, clock):
    good = claims(clock)
    header, payload, signature = signed(good).split(".")
    public = base64.urlsafe_b64encode(KEY.public_key().public_bytes_raw())

    def headed(**fields):
        raw = json.dumps({"alg": "EdDSA", "typ": "moat+jwt", "kid": "k1", **fields}).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    tokens = [
        signed(good, key=OTHER),
        signed(good, kid="k2"),
        f"{headed(kid=None)}.{payload}.{signature}",
        signed(good, typ="JWT"),
        jwt.encode(good, None, algorithm="none", headers={"typ": "moat+jwt", "kid": "k1"}),
        jwt.encode(good, public, algorithm="HS256", headers={"typ": "moat+jwt", "kid": "k1"}),
        f"{headed(alg='none')}.{payload}.",
        f"{headed(alg='HS256')}.{payload}.{signature}",
        f"{headed(crit=['x'])}.{payload}.{signature}",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        f"{header}.{payload}",
        "x",
        "",
        "mk_abc_def",
        "." * 20,
        "ö.ö.ö",
        "a" * 100_000,
    ]

    answers = [await refused(verifier, token) for token in tokens]

    assert len({json.dumps(answer, default=str) for answer in answers}) == 1


async def test_until_a_key_is_known_the_answer_is_to_try_again():
    from moat.kit.clock import SystemClock

    away = Verifier(KeySet.of_gateway("http://127.0.0.1:1"), SystemClock(), audiences=[])
    token = mint(KEY, "k1", STAFF, now=SystemClock().now(), lifetime=HOUR)

    with pytest.raises(Unavailable):
        await away.caller_of(token)


async def test_a_withdrawn_key_is_not_believed_any_more(clock):
    keys = KeySet.fixed(jwks_of({"k1": KEY.public_key(), "k2": OTHER.public_key()}))
    verifier = Verifier(keys, clock, audiences=[])
    token = mint(KEY, "k1", STAFF, now=clock.now(), lifetime=HOUR)
    await verifier.caller_of(token)

    keys.replace(jwks_of({"k2": OTHER.public_key()}))

    await refused(verifier, token)


def test_a_token_cannot_be_minted_to_live_longer_than_a_day(clock):
    with pytest.raises(ValueError, match="lives"):
        mint(KEY, "k1", STAFF, now=clock.now(), lifetime=LIFETIME_MAX + HOUR)
