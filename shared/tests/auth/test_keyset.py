"""Keys are fetched from the gateway, shared, kept while it is away, and not asked for more than needed."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moat.kit.auth import KeySet, KeysUnknown, jwks_of, keys_of

FIRST, SECOND = (Ed25519PrivateKey.generate().public_key() for _ in range(2))


class Gateway:
    """A real HTTP server that publishes a key set and counts how often it was asked."""

    def __init__(self):
        self.document = jwks_of({"k1": FIRST})
        self.asked = 0
        self.silent = False
        self.url = ""

    async def answer(self, reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            if self.silent:
                await asyncio.sleep(60)
            body = json.dumps(self.document).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
        finally:
            writer.close()

    @asynccontextmanager
    async def up(self, port=0):
        tasks = set()

        def connected(reader, writer):
            tasks.add(asyncio.ensure_future(self.answer(reader, writer)))

        server = await asyncio.start_server(connected, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield self
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_first_tokens_share_one_fetch():
    async with Gateway().up() as gateway:
        keys = KeySet.of_gateway(gateway.url)

        found = await asyncio.gather(*(keys.key("k1") for _ in range(20)))

        assert [key.public_bytes_raw() for key in found] == [FIRST.public_bytes_raw()] * 20
        assert gateway.asked == 1


async def test_a_new_key_is_found_by_one_refresh_and_forged_ids_do_not_drive_more():
    async with Gateway().up() as gateway:
        keys = KeySet.of_gateway(gateway.url)
        keys.replace(gateway.document)
        gateway.document = jwks_of({"k1": FIRST, "k2": SECOND})

        assert await keys.key("k2") is not None
        for number in range(50):
            assert await keys.key(f"forged-{number}") is None

        assert gateway.asked == 1


async def test_known_keys_stay_good_while_the_gateway_is_away():
    keys = KeySet.of_gateway("http://127.0.0.1:1")
    keys.replace(jwks_of({"k1": FIRST}))

    assert await keys.key("k2") is None
    assert await keys.key("k1") is not None


async def test_without_any_key_nothing_can_be_said():
    with pytest.raises(KeysUnknown):
        await KeySet.of_gateway("http://127.0.0.1:1").key("k1")


async def test_a_silent_gateway_holds_nobody_for_long():
    async with Gateway().up() as gateway:
        gateway.silent = True

        async with asyncio.timeout(5):
            with pytest.raises(KeysUnknown):
                await KeySet.of_gateway(gateway.url).key("k1")


async def test_the_background_keeps_the_set_fresh():
    async with Gateway().up() as gateway:
        keys = KeySet.of_gateway(gateway.url)
        background = asyncio.create_task(keys.run())
        async with asyncio.timeout(5):
            while keys.known("k1") is None:
                await asyncio.sleep(0.01)
        background.cancel()
        await asyncio.gather(background, return_exceptions=True)


@pytest.mark.parametrize(
    "document",
    [{}, [], {"keys": {}}, {"keys": []}, {"keys": [{"kty": "RSA", "kid": "a"}]}, {"keys": [None]},
     {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "short"}]},
     {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "ö"}]}],
)  # fmt: skip
def test_a_document_without_usable_keys_is_refused(document):
    with pytest.raises(ValueError, match=r".+"):
        keys_of(document)


def test_the_published_set_reads_back():
    assert keys_of(jwks_of({"k1": FIRST}))["k1"].public_bytes_raw() == FIRST.public_bytes_raw()
