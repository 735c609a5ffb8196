"""Who is who: outside identifiers, the customers behind them, and customers who turn out to be one."""
