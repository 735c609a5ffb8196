"""Account types as configuration: what is counted, whether it can be spent, when it expires, what it costs."""
