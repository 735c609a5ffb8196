"""The rule that the handbook shows works as it says."""

import json
import re
from pathlib import Path

from loyalty_svc.earning.documents import RuleDocument
from moat.kit.documents.model import CODE

from .builders import TODAY
from .rulebook import Asked, an_order, judge

PAGE = Path(__file__).parents[3] / "docs" / "handbook" / "earning-rules.md"


def test_the_worked_example_of_the_handbook_gives_what_it_says():
    shown = json.loads(re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.S)[0])
    rule = RuleDocument.model_validate(shown["document"])
    asked = Asked(judge(tea_week=shown["document"]))
    lines = [{"category": "tea", "amount_minor": 2_933}, {"category": "cup", "amount_minor": 9_900}]
    order = an_order(12_833, channel="app", tier="gold", lines=lines)
    assert rule.begins_at is not None
    day = (rule.begins_at - TODAY).days + 100 + 1

    given = [asked.points(order, day=day).get("tea-week", 0) for _ in range(7)]

    assert re.fullmatch(CODE, shown["code"])
    assert given == [87, 87, 87, 87, 87, 65, 0]
    assert asked.points(order, day=day + 10) == {}
