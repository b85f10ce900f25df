"""What a person at the terminal sees, drawn with rich. The rooms below hand on values and draw nothing."""
