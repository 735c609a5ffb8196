"""Rewards: what points buy, how many there are, and what becomes of each redemption until the customer has it."""
