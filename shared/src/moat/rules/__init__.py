"""The no-code condition language, in react-querybuilder's JSON form.

    {"combinator": "and", "not": false, "rules": [{"field": "city", "operator": "=", "value": "上海"}, …]}

`parse` reads a condition against a `Catalogue` of fields; the `Condition` it returns asks rows in memory, becomes SQL
with the same answers, and says which rules decided. Operators are react-querybuilder's own. A list of lines is tested
by `{"field": "lines", "match": {"mode": "some"}, "value": group}` with the modes all, some (or any), none, atLeast,
atMost and exactly (with a `threshold`); of an empty list `all` and `none` are true. Relative dates:
see `moat.rules.periods`.

Nulls have one rule: a comparison with null is false, whatever its operator; only `null` and `notNull` ask about it, and
`not` turns true and false around.
"""

from moat.rules.catalogue import Boolean, Catalogue, Choice, Date, Field, Instant, Lines, Money, Number, Text, Texts
from moat.rules.condition import Condition, parse
from moat.rules.explaining import Decided, Explanation
from moat.rules.problems import RuleError

__all__ = [
    "Boolean",
    "Catalogue",
    "Choice",
    "Condition",
    "Date",
    "Decided",
    "Explanation",
    "Field",
    "Instant",
    "Lines",
    "Money",
    "Number",
    "RuleError",
    "Text",
    "Texts",
    "parse",
]
