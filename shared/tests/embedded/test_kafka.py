import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from moat.kit.embedded.kafka import LocalKafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


async def send(bootstrap: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait("pears", value)
    finally:
        await producer.stop()


async def test_what_was_acknowledged_is_there_after_a_kill(kafka: LocalKafka):
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("pears", num_partitions=1, replication_factor=1)])
    await admin.close()
    await send(kafka.bootstrap, b"before")

    kafka.kill()
    kafka.restart()
    await send(kafka.bootstrap, b"after")

    consumer = AIOKafkaConsumer("pears", bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    seen = [(await consumer.getone()).value for _ in range(2)]
    await consumer.stop()
    assert seen == [b"before", b"after"]
