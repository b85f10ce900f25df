"""Packages of one assignment for platforms that grade by themselves; `autograder package` makes them."""
