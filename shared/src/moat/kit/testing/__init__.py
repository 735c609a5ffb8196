"""What tests stand on: real databases, real logs, signed callers, a frozen clock, builders."""
