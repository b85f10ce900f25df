"""From what a course collected (folders, zips, files) to submissions that can be run.

Used by the engine and the command line. Reads everything in memory and unpacks nothing to disk. What is wrong with one
hand-in is a value with a sentence, so that it never stops the others; what is wrong with the command is an IntakeError.
"""
