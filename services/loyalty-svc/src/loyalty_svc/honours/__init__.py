"""Honours: star customer, co-creator, advocate; given by rule or by hand, and taken back, each with its reason."""
