"""From the record to tables of scores: scores.csv here; each LMS's own file takes its place beside it."""
