"""What every service keeps about customers: which ids are known, and who has become whom."""

from moat.customers.follow import aliases_of, feature, follow_customers, lock_customer

__all__ = ("aliases_of", "feature", "follow_customers", "lock_customer")
