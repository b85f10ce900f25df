"""Golden runs: four small classes graded by the real commands, and what every file of theirs looked like before.

A change that is meant to leave outputs alone must leave these alone; one that changes them on purpose writes the
digests anew and says why in its commit.
"""
