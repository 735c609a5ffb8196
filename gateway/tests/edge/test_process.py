"""The gateway as it is started: `python -m gateway`."""

import asyncio
import os
import sys

import httpx

from gateway.proxy.routing import SERVICES


def environment(urls, tmp_path, **changes):
    services = {f"GATEWAY_{name.removesuffix('-svc').upper()}_URL": "http://127.0.0.1:9" for name in SERVICES}
    return (
        {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "MOAT_"))}
        | services
        | {
            "GATEWAY_DATABASE_URL": urls.app,
            "GATEWAY_OWNER_DATABASE_URL": urls.owner,
            "GATEWAY_SIGNING_KEYS_DIR": str(tmp_path),
            "GATEWAY_API_KEY_PEPPER": "a pepper for tests only",
            "GATEWAY_ADMIN_EMAIL": "admin@moat.example",
            "GATEWAY_ADMIN_PASSWORD": "the first admin's password",
            "GATEWAY_ADMIN_API_KEY": "mk_admintest_0123456789abcdefghij",
            "MOAT_EVENTS_URL": "postgresql://nobody@127.0.0.1:9/none",
            "MOAT_GATEWAY_URL": "http://127.0.0.1:9",
        }
        | changes
    )


async def run(role, env, **options):
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        "--role",
        role,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        **options,
    )


async def test_it_migrates_serves_and_stops(templates, tmp_path, house_of):
    await house_of()  # leaves a signing key in tmp_path
    urls = await templates.bare("gateway")
    env = environment(urls, tmp_path, GATEWAY_PORT="0")
    for _ in range(2):
        migrated = await run("migrate", env)
        assert await migrated.wait() == 0, await migrated.communicate()

    served = await run("all", env)
    port = None
    async with asyncio.timeout(30):
        while port is None:
            line = await served.stdout.readline()
            assert line, await served.communicate()
            if b'"serving"' in line:
                port = int(line.rpartition(b'"port":')[2].split(b",")[0].strip(b" }"))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        me = await client.get("/v1/me", headers={"Authorization": "Bearer mk_admintest_0123456789abcdefghij"})
    served.terminate()
    output = await served.communicate()

    assert me.json()["name"] == "admin"
    assert served.returncode == 0, output
    assert b"0123456789abcdefghij" not in output[0] + output[1]
    await templates.drop(urls.owner)


async def test_without_a_key_to_sign_with_it_says_so_in_a_sentence(templates, tmp_path):
    urls = await templates.bare("gateway")

    process = await run("web", environment(urls, tmp_path))
    _, errors = await process.communicate()

    assert process.returncode == 2
    assert b"GATEWAY_SIGNING_KEYS_DIR" in errors
    assert b"Traceback" not in errors
    await templates.drop(urls.owner)
