"""The whole house for tests: started as `make run` starts it, spoken to as anybody outside would."""
