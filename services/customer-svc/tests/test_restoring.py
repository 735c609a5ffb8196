"""Two files of one again, without a database."""

from datetime import UTC, datetime
from uuid import UUID

from customer_svc.profiles.folding import File, image_of, unite, write
from customer_svc.splits.restoring import Before, Figures, parted_file, restore, restored_consents

AT = datetime(2026, 11, 1, tzinfo=UTC)
WANG, LI = UUID(int=1), UUID(int=2)


def a_file(id_: UUID, stamp: str, **fields: object) -> File:
    file = File(id_, first_seen_at=AT)
    write(file, fields, stamp)
    return file


def merged(stays: File, goes: File) -> Before:
    """What the merge keeps, and the two made one."""
    row = {**goes.fields, "stamps": dict(goes.stamps), "owner_id": goes.owner_id, "version": goes.version}
    before = Before(row, [], [], [], image_of(stays) | {"consents": []})
    unite(stays, goes)
    return before


def test_fields_that_came_by_the_merge_go_back_to_what_they_were():
    wang = a_file(WANG, "1", name="王伟", emails=("wang@example.cn",))
    before = merged(wang, a_file(LI, "2", name="李娜", birthday="1990-05-05", emails=()))

    restored = restore(wang, before, Figures(1, {"CNY": 5}, AT, AT))

    assert (wang.fields.get("name"), wang.fields.get("emails")) == ("王伟", ("wang@example.cn",))
    assert wang.fields.get("birthday") is None
    assert wang.stamps == {"name": "1", "emails": "1"}
    assert set(restored) == {"name", "birthday", "emails"}
    assert (wang.orders_count, wang.spent) == (1, {"CNY": 5})


def test_fields_written_since_and_those_that_were_his_own_stay():
    wang = a_file(WANG, "3", name="王伟")
    before = merged(wang, a_file(LI, "2", name="李娜", gender="female"))
    write(wang, {"gender": "male"}, "4")

    assert restore(wang, before, Figures()) == ()
    assert (wang.fields["name"], wang.fields["gender"]) == ("王伟", "male")


def test_who_parts_has_the_file_he_had():
    before = merged(a_file(WANG, "3", name="王伟"), a_file(LI, "2", name="李娜", phones=("+8613800138000",)))

    his = parted_file(LI, before, Figures(2, {"CNY": 7}, AT, AT), AT)

    assert (his.fields["name"], his.fields["phones"], his.stamps["name"]) == ("李娜", ("+8613800138000",), "2")
    assert (his.is_new, his.orders_count, his.spent) == (True, 2, {"CNY": 7})


def test_consents_that_came_by_the_merge_go_back_and_others_stay():
    def said(channel: str, status: str, at: datetime = AT) -> dict[str, object]:
        return {"purpose": "care", "channel": channel, "status": status, "evidence": None, "at": at}

    def kept(row: dict[str, object]) -> dict[str, object]:
        return row | {"at": AT.isoformat()}

    his = [kept(said("email", "denied")), kept(said("sms", "granted")), kept(said("app", "granted"))]
    before = Before({}, [], his, [], {"consents": [kept(said("email", "granted"))]})
    since = AT.replace(year=2027)

    found = restored_consents(before, [said("email", "denied"), said("sms", "granted"), said("app", "revoked", since)])

    assert [row["channel"] for row in found.written] == ["email"]
    assert found.dropped == [("care", "sms")]
