"""Fresh logs for tests: an own database for the embedded one, emptied topics on the one local Kafka."""

from aiokafka.admin import AIOKafkaAdminClient


async def remove_topics(bootstrap: str) -> None:
    """Remove Moat's topics, and with them the offsets of every group; the next user makes them anew."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        topics = [topic for topic in await admin.list_topics() if not topic.startswith("__")]
        if topics:
            await admin.delete_topics(topics, timeout_ms=20_000)
    finally:
        await admin.close()
