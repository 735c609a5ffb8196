"""What every service keeps about customers: which ids are known, who has become whom, and who has parted again."""

from moat.customers.follow import aliases_of, feature, follow_customers, lock_customer
from moat.customers.splits import Parting, give_back, partings

__all__ = ("Parting", "aliases_of", "feature", "follow_customers", "give_back", "lock_customer", "partings")
