"""What a session sees of this program, listed from inside it."""
