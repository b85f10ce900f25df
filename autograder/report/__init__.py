"""From the record to what people read: a page for each student, results in Gradescope's schema."""
