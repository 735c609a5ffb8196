"""Whose postings are whose, as SQL for whoever asks what customers were given. Pure text.

A posting stays with whom it was made for, unless a split gave it to another. What a customer has is his own and that of
those who became him.
"""


def owned(columns: str, condition: str) -> str:
    """The postings `p` of everybody in the table `customer (root, id)`: his `root` and these columns, where it holds.

    Two selects: the first is the usual one, the second finds next to nothing. OFFSET 0: each goes from a customer to
    his postings by the index, whatever the planner believes of tables that have grown since they were last looked at.
    """
    return f"""SELECT c.root, {columns} FROM customer c
  CROSS JOIN LATERAL (SELECT * FROM posting p WHERE p.customer_id = c.id AND {condition}
    AND NOT EXISTS (SELECT FROM parted_posting o WHERE o.posting_id = p.id) OFFSET 0) AS p
  UNION ALL SELECT c.root, {columns} FROM customer c
  CROSS JOIN LATERAL (SELECT p.* FROM parted_posting o JOIN posting p ON p.id = o.posting_id
    WHERE o.customer_id = c.id AND {condition} OFFSET 0) AS p"""  # noqa: S608
