"""Points that other services ask for, by requests on the log."""
