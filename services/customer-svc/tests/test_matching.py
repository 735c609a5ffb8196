"""Who is who: the heart of identity, without a database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from customer_svc.identity.matching import Merged, Resolution, in_question, resolve
from customer_svc.identity.merging import Person
from customer_svc.identity.normalising import ONE_SPACE, Identifier, e164, identifier_of
from moat.contracts import intake

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)


class Register:
    """What the tables would hold between batches."""

    def __init__(self) -> None:
        self.owners: dict[Identifier, UUID] = {}
        self.living: set[UUID] = set()
        self.numbers = count(1)

    def take(self, *facts: Sequence[Identifier]) -> Resolution:
        named = {i: self.owners[i] for fact in facts for i in fact if i in self.owners}
        concerned = in_question(facts, named)
        persons = {id_: Person(id_, AT) for id_ in named.values()}
        for identifier, id_ in self.owners.items():
            if identifier.is_strong and id_ in concerned:
                persons[id_].strong[identifier.slot] = identifier.value
        found = resolve(facts, named, persons, at=AT, new_id=lambda: UUID(int=next(self.numbers)))
        into = {merged.from_id: merged.into_id for merged in found.merged}
        self.owners = {i: into.get(id_, id_) for i, id_ in self.owners.items()}
        self.owners.update({added.identifier: added.customer_id for added in found.added})
        self.living |= {created.customer_id for created in found.created}
        self.living -= into.keys()
        return found

    def groups(self) -> set[frozenset[Identifier]]:
        return {frozenset(i for i, owner in self.owners.items() if owner == id_) for id_ in self.living}


def ids(*names: str) -> list[Identifier]:
    found = [identifier_of(*name.split("/")) for name in names]
    return [i for i in found if i is not None]


def test_one_space_is_the_same_here_and_in_the_contract():
    assert ONE_SPACE == intake.ONE_SPACE_KINDS


def test_identifiers_are_compared_in_one_form():
    assert identifier_of("a", "phone", " 138 0013 8000 ") == identifier_of("b", "phone", "+8613800138000")
    assert identifier_of("a", "email", " Li@Example.CN ") == Identifier("", "email", "li@example.cn")
    assert identifier_of(" a ", "customer_id", " 00004 ") == Identifier("a", "customer_id", "00004")
    assert e164("+1 415 555 2671") == "+14155552671"
    assert e164("not a phone") == "not a phone"


def test_blocked_values_name_nobody():
    for value in ("0", "-1", "null", "NULL", " anonymous ", "", "  "):
        assert identifier_of("a", "customer_id", value) is None
        assert identifier_of("a", "phone", value) is None


def test_a_fact_creates_then_extends():
    register = Register()

    first = register.take(ids("main/customer_id/1"))
    second = register.take(ids("main/customer_id/1", "x/phone/13800138000"))

    assert first.customers == second.customers
    assert not second.created
    assert register.groups() == {frozenset(ids("main/customer_id/1", "x/phone/13800138000"))}


def test_the_older_customer_survives_a_join():
    register = Register()
    (old,) = register.take(ids("x/phone/13800138000")).customers
    (young,) = register.take(ids("main/customer_id/1")).customers

    found = register.take(ids("main/customer_id/1", "x/phone/13800138000"))

    assert found.merged == [Merged(young, old, 0)]
    assert found.customers == [old]


def test_two_values_of_one_system_are_never_joined():
    register = Register()
    register.take(ids("main/customer_id/1", "x/phone/13800138000"))

    found = register.take(ids("x/phone/13800138000", "main/customer_id/2"))

    assert not found.merged
    assert len(found.created) == 1
    assert found.customers == [found.created[0].customer_id]
    assert register.groups() == {
        frozenset(ids("main/customer_id/1", "x/phone/13800138000")),
        frozenset(ids("main/customer_id/2")),
    }


def test_the_fact_that_joins_nobody_leaves_a_proposal():
    register = Register()
    register.take(ids("main/customer_id/1", "x/phone/13800138000"), ids("main/customer_id/2"))

    found = register.take(ids("main/customer_id/2", "x/phone/13800138000"))

    assert len(found.proposals) == 1
    assert register.owners[ids("main/customer_id/2")[0]] == found.customers[0]


def test_values_of_two_systems_may_be_one_customer():
    register = Register()
    register.take(ids("main/customer_id/1", "x/phone/13800138000"))

    register.take(ids("erp/customer_id/77", "x/phone/13800138000"))

    assert len(register.living) == 1


def test_who_is_created_and_joined_in_one_batch_never_was():
    register = Register()

    found = register.take(ids("main/customer_id/1"), ids("x/email/a@b.cn"), ids("x/email/a@b.cn", "main/customer_id/1"))

    assert len(found.created) == 1
    assert not found.merged
    assert len(set(found.customers)) == 1


def splits(draw, facts):
    """The facts in some order, cut into batches."""
    shuffled = draw(st.permutations(facts))
    cuts = sorted(draw(st.sets(st.integers(1, len(facts)), max_size=4)))
    return [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(facts)], strict=True) if a < b]


@st.composite
def facts_of_distinct_people(draw):
    """Facts that each name some of one person's identifiers, and two ways to send them."""
    people = [
        ids(f"main/customer_id/{n + 1}", f"erp/openid/{n + 1}", f"x/phone/1380013800{n}", f"x/email/p{n}@b.cn")
        for n in range(3)
    ]
    one = st.sampled_from(people).flatmap(
        lambda own: st.lists(st.sampled_from(own), min_size=1, max_size=3, unique=True)
    )
    facts = draw(st.lists(one, min_size=1, max_size=12))
    return splits(draw, facts), splits(draw, facts)


@given(facts_of_distinct_people())
def test_any_order_and_split_gives_the_same_customers(ways):
    one, other = Register(), Register()

    for register, batches in zip((one, other), ways, strict=True):
        for batch in batches:
            register.take(*batch)

    assert one.groups() == other.groups()


SHARED = st.one_of(
    st.lists(st.sampled_from(ids("x/phone/13800138000", "x/email/a@b.cn", "x/wecom/w")), max_size=3, unique=True),
)


@st.composite
def facts_with_shared_addresses(draw):
    """Facts of one system's customers who use each other's phones and mailboxes."""
    strong = st.sampled_from([ids(f"main/customer_id/{n}") for n in (1, 2, 3)] + [[]])
    fact = st.tuples(strong, SHARED).map(lambda parts: parts[0] + parts[1]).filter(bool)
    facts = draw(st.lists(fact, min_size=1, max_size=10))
    return splits(draw, facts), splits(draw, facts)


@given(facts_with_shared_addresses())
def test_who_came_first_decides_only_with_whom_a_weak_identifier_is(ways):
    one, other = Register(), Register()

    for register, batches in zip((one, other), ways, strict=True):
        for batch in batches:
            register.take(*batch)

    def strong_groups(register):
        return sorted(sorted(i for i in group if i.is_strong) for group in register.groups())

    assert strong_groups(one) == strong_groups(other)
    assert one.owners.keys() == other.owners.keys()


@given(
    st.lists(
        st.lists(
            st.sampled_from(
                ids(
                    "a/customer_id/1",
                    "a/customer_id/2",
                    "b/openid/1",
                    "b/openid/2",
                    "x/phone/13800138000",
                    "x/email/a@b.cn",
                )
            ),
            min_size=1,
            max_size=4,
            unique=True,
        ),
        max_size=12,
    )
)
def test_no_system_ever_has_two_strong_values_of_one_customer(facts):
    register = Register()

    for fact in facts:
        register.take(fact)

        for group in register.groups():
            slots = [i.slot for i in group if i.is_strong]
            assert len(slots) == len(set(slots))


def test_whom_staff_have_parted_no_fact_joins_not_even_by_way_of_a_third():
    (wang, li, zhao), at = [UUID(int=n) for n in (1, 2, 3)], AT
    owners = dict(zip(ids("main/customer_id/1", "west/user_id/2", "east/openid/3"), (wang, li, zhao), strict=True))
    persons = {wang: Person(wang, at, apart={li}), li: Person(li, at, apart={wang}), zhao: Person(zhao, at)}
    facts = [
        ids("main/customer_id/1", "west/user_id/2"),
        ids("east/openid/3", "main/customer_id/1"),
        ids("west/user_id/2", "east/openid/3"),
    ]

    found = resolve(facts, owners, persons, at=at, new_id=lambda: UUID(int=9))

    assert [(one.from_id, one.into_id) for one in found.merged] == [(zhao, wang)]
    assert list(found.customers) == [wang, wang, li]
    assert [(one.first_id, one.second_id) for one in found.proposals] == [(wang, li)]
