"""API keys: shown once, two of a name, revoked at once, exchanged for tokens of our own."""

from datetime import timedelta

import jwt
import pytest

from moat.kit.auth import verify


async def issue(house, **changes):
    body = {"name": "shop", "scopes": ["customers:read"]} | changes
    return await house.client.post("/v1/api-keys", json=body, headers=house.as_admin())


async def test_a_new_key_is_shown_once_and_works(house):
    made = await issue(house)

    assert made.status_code == 201
    key = made.json()["key"]
    me = (await house.client.get("/v1/me", headers=house.with_token(key))).json()
    assert (me["kind"], me["name"], me["scopes"]) == ("key", "shop", ["customers:read"])
    listed = await house.client.get("/v1/api-keys", headers=house.as_admin())
    assert key not in listed.text
    assert {k["name"] for k in listed.json()["items"]} == {"admin", "intake", "notify", "shop"}


async def test_a_revoked_key_stops_working_at_once(house):
    made = (await issue(house)).json()
    theirs = house.with_token(made["key"])
    assert (await house.client.get("/v1/customers", headers=theirs)).status_code == 200

    revoked = await house.client.delete(f"/v1/api-keys/{made['id']}", headers=house.as_admin())
    again = await house.client.delete(f"/v1/api-keys/{made['id']}", headers=house.as_admin())

    assert (revoked.status_code, again.status_code) == (204, 204)
    assert (await house.client.get("/v1/customers", headers=theirs)).status_code == 401


async def test_a_name_has_two_active_keys_at_most(house):
    first, second, third = [await issue(house) for _ in range(3)]
    assert (first.status_code, second.status_code, third.status_code) == (201, 201, 409)

    await house.client.delete(f"/v1/api-keys/{first.json()['id']}", headers=house.as_admin())

    assert (await issue(house)).status_code == 201


async def test_an_expired_key_is_refused(house):
    at = house.clock.now() + timedelta(hours=1)
    made = (await issue(house, expires_at=at.isoformat())).json()
    assert (await house.client.get("/v1/me", headers=house.with_token(made["key"]))).status_code == 200

    house.clock.advance(timedelta(hours=2))

    assert (await house.client.get("/v1/me", headers=house.with_token(made["key"]))).status_code == 401


@pytest.mark.parametrize("far", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
async def test_no_key_expires_at_the_end_of_time(house, far):
    refused = await issue(house, expires_at=far)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/expires_at")


async def test_a_wrong_secret_and_an_unknown_id_are_refused_alike(house):
    wrong = await house.client.get("/v1/me", headers=house.with_token("mk_admintest_wrongwrongwrongwrong"))
    unknown = await house.client.get("/v1/me", headers=house.with_token("mk_unknownid_wrongwrongwrongwrong"))

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["detail"] == unknown.json()["detail"]
    assert wrong.headers["www-authenticate"] == unknown.headers["www-authenticate"]


async def test_a_service_sees_a_short_token_for_itself_and_never_the_key(house):
    await house.client.get("/v1/tickets", headers=house.as_admin())
    await house.client.get("/v1/tickets", headers=house.as_admin())

    first, second = [asked["headers"]["authorization"] for asked in house.services["ticket-svc"].asked]
    assert first == second
    token = first.removeprefix("Bearer ")
    assert "mk_" not in token
    keys = (await house.client.get("/.well-known/jwks.json")).json()
    kid = jwt.get_unverified_header(token)["kid"]
    public = jwt.PyJWK(next(k for k in keys["keys"] if k["kid"] == kid)).key
    caller, expires_at = verify(token, public, now=house.clock.now(), audiences=["ticket-svc"])
    assert (caller.kind, caller.id) == ("key", "admintest")
    assert expires_at - house.clock.now().timestamp() == 60


async def test_a_token_made_for_a_service_is_worth_nothing_at_the_gateway(house):
    await house.client.get("/v1/tickets", headers=house.as_admin())
    inner = house.services["ticket-svc"].asked[0]["headers"]["authorization"]

    assert (await house.client.get("/v1/tickets", headers={"Authorization": inner})).status_code == 401


async def test_forged_tokens_are_refused(house):
    token = (await house.sign_in()).json()["access_token"]
    header, payload, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False})
    symmetric = jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"typ": "moat+jwt", "kid": "2026-11-01"})
    nothing = jwt.encode(claims, "", algorithm="none", headers={"typ": "moat+jwt", "kid": "2026-11-01"})
    tampered = f"{header}.{payload[:-2]}AA.{signature}"

    for forged in (symmetric, nothing, tampered, "x", "a.b.c", "é"):
        answer = await house.client.get("/v1/tickets", headers={"Authorization": f"Bearer {forged}".encode()})
        assert answer.status_code == 401, forged


async def test_tokens_end_with_their_time(house):
    theirs = await house.as_staff()
    assert (await house.client.get("/v1/tickets", headers=theirs)).status_code == 200

    house.clock.advance(timedelta(hours=2))

    assert (await house.client.get("/v1/tickets", headers=theirs)).status_code == 401


async def test_a_new_signing_key_is_used_and_the_old_still_verifies(house):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    old = await house.as_staff()
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (house.keys_dir / "2026-12-01.pem").write_bytes(pem)
    assert house.process.keys.refresh()

    new = await house.as_staff()

    assert jwt.get_unverified_header(new["Authorization"][7:])["kid"] == "2026-12-01"
    for token in (old, new):
        assert (await house.client.get("/v1/tickets", headers=token)).status_code == 200
    (house.keys_dir / "2026-11-01.pem").unlink()
    house.process.keys.refresh()
    assert (await house.client.get("/v1/tickets", headers=old)).status_code == 401


async def test_bootstrap_twice_changes_nothing(house):
    from gateway.identity.bootstrap import bootstrap

    async with house.process.db.transaction() as tx:
        before = await tx.scalar("SELECT count(*) FROM audit")
    await bootstrap(house.process.db, house.settings, house.clock.now())

    async with house.process.db.transaction() as tx:
        assert await tx.scalar("SELECT count(*) FROM audit") == before
