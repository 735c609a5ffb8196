"""Refusals of changes to account types, named after the broken rule."""

from moat.kit.problems import Conflict


class AccountTypeNamed(Conflict):
    """Documents that judge give or count points of this type; `named_by` lists them as `<kind>/<code>@<version>`."""

    code, title = "points.account-type-named", "Published documents name this account type; change or retire them first"
