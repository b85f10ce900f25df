"""The record of a run: every outcome as it happens, in SQLite; all that is written later is made from it."""
