"""What the last screen tells of loyalty: when points expire, what they buy, a task that runs, a code for a friend.

Read from the API as a front end would; a part that nobody has published is not shown.
"""

from typing import Any, Final

from moat_local.calling import Gateway

MONTHS_SHOWN: Final = 3
"""The next ones in which points expire."""
REWARDS_SHOWN: Final = 3


async def rewarding_of(gateway: Gateway, customer_id: str | None) -> dict[str, str]:
    """Words → what is there, in the order in which they are shown; `customer_id` has the task and the code."""
    rows = {"expiring": await _expiring(gateway), "rewards": await _rewards(gateway)}
    if customer_id is not None:
        rows |= {"task": await _task(gateway, customer_id), "referral": await _referral(gateway, customer_id)}
    return {name: text for name, text in rows.items() if text}


async def _expiring(gateway: Gateway) -> str:
    types = (await gateway.get("/v1/loyalty/liability"))["account_types"]
    months = [month for kind in types if kind["account_type"] == "points" for month in kind["by_month"]]
    next_ones = [month for month in months if month["month"] and month["points"]][:MONTHS_SHOWN]
    return " · ".join(f"{month['points']:,} points in {month['month']}" for month in next_ones)


async def _rewards(gateway: Gateway) -> str:
    page = await gateway.get("/v1/loyalty/rewards", status="published", limit=REWARDS_SHOWN)
    told = [_reward(one["document"]) for one in page["items"]]
    return " · ".join(told + ["…"] * bool(page["next_cursor"]))


def _reward(document: dict[str, Any]) -> str:
    return f"{document['names']['en']} for {document['price']['points']:,}"


async def _task(gateway: Gateway, customer_id: str) -> str:
    items = (await gateway.get(f"/v1/customers/{customer_id}/loyalty/tasks", limit=1))["items"]
    if not items:
        return ""
    task = items[0]
    points = (task["reward"] or {}).get("points")
    worth = f" for {points:,}" if points else ""
    return f"{task['name']}{worth} · {'; '.join(step['missing'] for step in task['steps'])}"


async def _referral(gateway: Gateway, customer_id: str) -> str:
    """The code of the customer whose overview is to be pasted. Without a programme nobody has one."""
    if not (await gateway.get("/v1/loyalty/referral-programmes", limit=1))["items"]:
        return ""
    own = await gateway.get(f"/v1/customers/{customer_id}/loyalty/referral-code")
    terms = own["programme"]
    friend = f", {terms['friend']['points']:,} for the friend" if terms["friend"] else ""
    return f"{own['code']} · {terms['name']}: {terms['referrer']['points']:,} points{friend}"
