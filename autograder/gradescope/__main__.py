"""`python -m autograder.gradescope`: what run_autograder calls for each hand-in."""

import sys

from autograder.gradescope.watching import main

if __name__ == "__main__":
    sys.exit(main())
