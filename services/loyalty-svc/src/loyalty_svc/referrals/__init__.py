"""Referrals: a member brings a friend, and both are rewarded once the friend can return nothing any more."""
