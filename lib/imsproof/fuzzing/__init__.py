"""Fuzzing: systematic anomalies, a seeded mutator, campaigns with oracles, findings that are small and repeatable."""
