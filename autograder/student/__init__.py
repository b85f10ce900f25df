"""The only code of ours that runs beside student code. Imports nothing of ours but `autograder.wire`."""
