"""The no-code condition language: parse, check, evaluate in memory, compile to SQL, explain."""
