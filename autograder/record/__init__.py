"""The record of a run: every outcome as it happens, in SQLite; the only source of truth for all that is written later."""
