"""Grades a class of PyTorch notebooks; see README.md and docs/ for what each room does."""

__version__ = "0.1.0"
