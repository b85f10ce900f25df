"""The `autograder` command, also as `python -m autograder`."""

import sys


def main() -> None:
    """Run the command; where only the student's part is installed, say what grading needs and exit with 2."""
    try:
        from autograder.cli import app

        app(prog_name="autograder")
    except ModuleNotFoundError as missing:
        if (missing.name or "autograder").partition(".")[0] == "autograder":
            raise
        sys.stderr.write(
            f"autograder: {missing.name} is not installed. The plain package is the student's part (watch); "
            "grading needs the extra: pip install 'autograder[grader]', or in a checkout pip install -e '.[grader]'.\n"
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
