"""What every service keeps about customers: which ids are known, and who has become whom."""
