import asyncio
import socket
from dataclasses import replace

import asyncpg
import pytest
from aiosmtpd.controller import Controller

from moat.contracts.scoring import RiskRaised
from moat.kit.ids import uuid7
from moat.kit.testing.batches import deliver, published
from moat.kit.testing.events import an_event
from notify_svc.channels.contacts import ContactsAway
from notify_svc.channels.email import SmtpServer
from notify_svc.channels.usecases import Dispatcher, backoff_seconds, send_waiting
from notify_svc.features import SERVICE
from notify_svc.policy.decisions import Contact

RISK = RiskRaised(score=85, band="high", value_minor=12_000, value_currency="CNY")


class Mailbox:
    """A real SMTP server's door: keeps what it accepts, refuses recipients as told."""

    def __init__(self):
        self.mails = []
        self.refusal = {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refusal:
            return self.refusal[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


class AddressBook:
    """What customer-svc would answer."""

    def __init__(self):
        self.contacts = {}
        self.away = False

    async def lookup(self, ids):
        if self.away:
            raise ContactsAway("away")
        return {id_: self.contacts[id_] for id_ in ids if id_ in self.contacts}


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def smtp(mailbox):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield SmtpServer.at(f"smtp://127.0.0.1:{port}", sender="care@shop.example", timeout_seconds=5)
    controller.stop()


@pytest.fixture
def book():
    return AddressBook()


@pytest.fixture
def dispatcher(database, clock, book, smtp):
    return Dispatcher(database.db, clock, book, smtp)


async def statuses(db):
    async with db.transaction() as tx:
        rows = await tx.all("SELECT status, reason FROM message WHERE channel = 'email' ORDER BY id")
    return [(row.status, row.reason) for row in rows]


def reachable(address, *purposes, locale="en"):
    return Contact(email=address, locale=locale, consents=frozenset((purpose, "email") for purpose in purposes))


async def test_a_receipt_arrives_in_the_customers_language(dispatcher, database, clock, book, mailbox, an_order):
    customer = uuid7()
    book.contacts[customer] = reachable("a@b.example")
    await deliver(SERVICE, database.db, [an_order("o-7", about=customer)], clock)

    assert await send_waiting(dispatcher) == 1

    ((to, content),) = mailbox.mails
    assert to == ["a@b.example"]
    assert "Subject: Receipt for order o-7" in content
    assert await statuses(database.db) == [("sent", None)]
    assert (await published(database.db))[-1].type == "moat.message.sent.v1"
    assert await send_waiting(dispatcher) == 0


async def test_care_without_consent_is_refused_at_the_moment_of_sending(dispatcher, database, clock, book, mailbox):
    willing, unwilling = uuid7(), uuid7()
    book.contacts = {willing: reachable("w@b.example", "care"), unwilling: reachable("u@b.example", "marketing")}
    await deliver(SERVICE, database.db, [an_event(RISK, about=willing), an_event(RISK, about=unwilling)], clock)

    await send_waiting(dispatcher)

    assert [to for to, _ in mailbox.mails] == [["w@b.example"]]
    assert sorted(await statuses(database.db)) == [("sent", None), ("suppressed", "no_consent")]


async def test_messages_wait_while_addresses_cannot_be_had(dispatcher, database, clock, book, mailbox, an_order):
    customer = uuid7()
    book.contacts[customer] = reachable("a@b.example")
    book.away = True
    await deliver(SERVICE, database.db, [an_order(about=customer)], clock)

    assert await send_waiting(dispatcher) == 1
    assert await statuses(database.db) == [("deferred", None)]

    book.away = False
    async with database.db.transaction() as tx:
        await tx.execute("UPDATE message SET next_attempt_at = now() WHERE status = 'deferred'")
    assert await send_waiting(dispatcher) == 1
    assert await statuses(database.db) == [("sent", None)]


async def test_a_refused_recipient_fails_alone(dispatcher, database, clock, book, mailbox, an_order):
    good, bad, later = uuid7(), uuid7(), uuid7()
    book.contacts = {good: reachable("g@b.example"), bad: reachable("x@b.example"), later: reachable("l@b.example")}
    mailbox.refusal = {"x@b.example": "550 no such mailbox", "l@b.example": "451 come back later"}
    await deliver(
        SERVICE, database.db, [an_order(str(n), about=who) for n, who in enumerate((bad, later, good))], clock
    )

    await send_waiting(dispatcher)

    assert [to for to, _ in mailbox.mails] == [["g@b.example"]]
    assert await statuses(database.db) == [("failed", "smtp_550"), ("deferred", None), ("sent", None)]


async def test_a_server_that_is_away_loses_nothing(database, clock, book, an_order):
    customer = uuid7()
    book.contacts[customer] = reachable("a@b.example")
    nowhere = SmtpServer.at("smtp://127.0.0.1:1", sender="care@shop.example", timeout_seconds=1)
    await deliver(SERVICE, database.db, [an_order(about=customer)], clock)

    await send_waiting(Dispatcher(database.db, clock, book, nowhere))

    assert await statuses(database.db) == [("deferred", None)]


async def test_an_outcome_that_cannot_be_kept_yet_is_kept_later_and_the_mail_is_not_sent_again(
    dispatcher, database, clock, book, mailbox, an_order
):
    order = an_order()
    await deliver(SERVICE, database.db, [order], clock)
    book.contacts[order.about] = Contact("li@mail.example", "en", frozenset())
    holder, watcher = await asyncpg.connect(database.app_url), await asyncpg.connect(database.app_url)
    holding = holder.transaction()

    async def waiters() -> int:
        return await watcher.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")

    async def until(wanted: int) -> None:
        while await waiters() != wanted:
            await asyncio.sleep(0.01)

    class Holding(AddressBook):
        async def lookup(self, ids):
            await holding.start()
            await holder.execute("SELECT FROM message FOR UPDATE")
            return await book.lookup(ids)

    async with asyncio.timeout(20):
        sending = asyncio.create_task(send_waiting(replace(dispatcher, contacts=Holding())))
        await until(1)  # the outcome waits for the row
        await until(0)  # and has given up: its statement has a bound
        await holding.rollback()
        await sending

    assert await statuses(database.db) == [("sent", None)]
    assert len(mailbox.mails) == 1
    await holder.close()
    await watcher.close()


async def test_two_dispatchers_never_send_the_same_mail(dispatcher, database, clock, book, mailbox, an_order):
    customers = [uuid7() for _ in range(20)]
    book.contacts = {who: reachable(f"{n}@b.example") for n, who in enumerate(customers)}
    await deliver(SERVICE, database.db, [an_order(str(n), about=who) for n, who in enumerate(customers)], clock)

    await asyncio.gather(*(send_waiting(dispatcher) for _ in range(4)))

    assert len(mailbox.mails) == len({to[0] for to, _ in mailbox.mails}) == 20


async def test_a_subject_cannot_bring_headers_of_its_own(dispatcher, database, clock, book, mailbox, an_order):
    customer = uuid7()
    book.contacts[customer] = reachable("a@b.example")
    await deliver(SERVICE, database.db, [an_order("1\r\nBcc: all@b.example", about=customer)], clock)

    await send_waiting(dispatcher)

    ((to, content),) = mailbox.mails
    assert to == ["a@b.example"]
    headers = content.replace("\r\n", "\n").partition("\n\n")[0]
    assert "Subject: Receipt for order 1 Bcc: all@b.example" in headers
    assert "\nBcc:" not in headers


def test_attempts_are_spaced_ever_wider_up_to_a_bound():
    assert [backoff_seconds(n) for n in (1, 2, 3, 20)] == [2.0, 4.0, 8.0, 900.0]
