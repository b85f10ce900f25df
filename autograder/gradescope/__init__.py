"""Grading on Gradescope: `packing` makes the zip of one assignment, which holds `container/` and our program; what runs
there grades one hand-in into one results.json. Its downloads and rosters belong to `intake`.
"""
