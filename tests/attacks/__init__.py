"""Notebooks that attack the grader, and the class in which they are graded beside honest ones."""
