"""The last screen of a start: what is there, where to look, how to sign in, one command to paste."""

from typing import Any

from rich.table import Table

from moat_local.calling import Gateway
from moat_local.figures import figures_of
from moat_local.plan import GATEWAY, Layout
from moat_local.rewarding import rewarding_of
from moat_local.secrets import ADMIN_EMAIL, Secrets
from moat_local.story import Story
from moat_local.troubles import Trouble


async def last_screen(story: Story, gateway: Gateway, layout: Layout, secrets: Secrets) -> None:
    """Read the figures from the API and show everything a newcomer needs next."""
    figures: dict[str, str] = {}
    customer: str | None = None
    try:
        with story.step("Reading the figures from the API"):
            customer = await _somebody(gateway)
            figures = await figures_of(gateway) | await rewarding_of(gateway, customer)
    except Trouble as trouble:
        # A house that cannot count at this moment is still up.
        story.trouble(str(trouble))
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in figures.items():
        table.add_row(name, f"[bold]{value}[/]")
    url = layout.url_of(GATEWAY)
    story.console.print()
    story.console.print(table)
    story.say(f"\nAPI documents  [link={url}/docs]{url}/docs[/]")
    story.say(f"Sign in        {ADMIN_EMAIL} · {secrets.admin_password}   (POST /v1/auth/tokens)")
    story.say(f"Everything     {layout.home / 'ready.json'}")
    story.say(f"Logs, mails    {layout.home / 'logs'} · {layout.home / 'mail'}")
    if customer:
        story.say("\nOne customer, all at once; paste this:\n")
        story.say(f'curl -s -H "Authorization: Bearer {secrets.admin_api_key}" {url}/v1/customers/{customer}/overview')
    story.say("\nCtrl-C stops everything in order.")


async def _somebody(gateway: Gateway) -> str | None:
    """The customer at risk with the most at stake, or anyone, or nobody."""
    for path in ("/v1/risks", "/v1/customers"):
        items: list[dict[str, Any]] = (await gateway.get(path, limit=1))["items"]
        if items:
            return str(items[0].get("customer_id") or items[0]["id"])
    return None
