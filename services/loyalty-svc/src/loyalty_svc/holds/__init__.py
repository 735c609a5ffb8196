"""Points held for a while: confirmed in whole or in part, released, or given back when their time is over."""
