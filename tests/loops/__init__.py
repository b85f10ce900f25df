"""Training loops to put to the order check: a corpus written by hand, and generated programs."""
