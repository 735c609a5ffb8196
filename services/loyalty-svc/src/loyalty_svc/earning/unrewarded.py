"""Paid orders that earned nothing, as SQL for whoever asks what customers have bought. Pure text.

Orders that earned something are found by their postings. Those that no rule rewards, that a limit refuses or holds, or
whose currency has no rate have none; an index that holds only them finds them, so that an order that earns pays nothing
for it. An order belongs to whom its customer has become, and a split gives it back.
"""

from typing import Final

UNREWARDED: Final = """SELECT c.root, o.order_uid FROM customer c
  CROSS JOIN LATERAL (SELECT * FROM order_earning o WHERE o.customer_id = c.id AND o.earned = 0 OFFSET 0) AS o"""
"""Those of everybody in the table `customer (root, id)`: his `root` and the order. Some may have earned other types."""
