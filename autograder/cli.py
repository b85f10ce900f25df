"""The commands: thin, typer; each asks one room to do its work and says what came of it.

`autograder --help` is the manual.

Exit codes: 0 it ran (low scores are no errors), 1 it ran but some submissions could not be graded, 2 usage or
configuration error and nothing done. Progress goes to stderr, data to stdout.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from autograder import __version__
from autograder.course import Assignment, Course, check_graders, find_course, load_course
from autograder.course.faults import did_you_mean
from autograder.errors import AutograderError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
CourseOption = Annotated[
    Path | None, typer.Option("--course", help="Folder with the course's grading.yml (default: this one or a parent).")
]
AssignmentOption = Annotated[str | None, typer.Option("--assignment", "-a", help="Which assignment of the course.")]
SeedOption = Annotated[int | None, typer.Option("--seed", help="The run's seed (default: grading.yml's).", min=0)]
WorkersOption = Annotated[int, typer.Option("--workers", min=0, help="Notebooks at a time (default: one a core).")]
LevelOption = Annotated[
    str | None, typer.Option("--level", help="Confinement: strong, restricted or basic (default: the best).")
]


def refusals(command: Callable[..., Any]) -> Callable[..., Any]:
    """Errors that a user can mend are one paragraph on stderr and exit code 2; bugs keep their traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        from autograder.record.store import RecordFullError

        try:
            return command(*args, **kwargs)
        except RecordFullError as error:  # something was done before that
            typer.echo(f"autograder: {error}", err=True)
            raise typer.Exit(1) from None
        except AutograderError as error:
            typer.echo(f"autograder: {error}", err=True)
            raise typer.Exit(2) from None

    return run


def chosen(course: Path | None, assignment: str | None) -> tuple[Course, Assignment]:
    """The course and assignment that a command is about, its graders looked over."""
    from autograder.judge.submission import WORDS

    loaded = load_course(course if course is not None else find_course(Path.cwd()))
    wanted = loaded.assignment(assignment)
    check_graders(loaded, wanted, WORDS)
    return loaded, wanted


def console() -> Console:
    """Standard output; where that is no terminal, wide enough for the tables."""
    found = Console()
    return found if found.is_terminal else Console(width=140)


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Say which version this is.")] = False) -> None:
    """Grade a class of PyTorch notebooks."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
@refusals
def grade(
    submissions: Annotated[list[Path], typer.Argument(help="Folders, zips or notebooks.")],
    assignment: AssignmentOption = None,
    roster: Annotated[
        Path | None, typer.Option("--roster", help="The class list that an LMS exported, or a CSV: key, name, email.")
    ] = None,
    match: Annotated[
        Path | None, typer.Option("--match", help="CSV hand_in, student: your word on whose hand-ins are; it is kept.")
    ] = None,
    groups: Annotated[Path | None, typer.Option("--groups", help="CSV group, student: who is in which team.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the run (default: runs/ASSIGNMENT).")] = None,
    workers: WorkersOption = 0,
    student: Annotated[
        list[str] | None, typer.Option("--student", help="Only this student (or hand-in); may be repeated.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Grade again what the run has graded already.")] = False,
    seed: SeedOption = None,
    level: LevelOption = None,
    layout: Annotated[
        str | None, typer.Option("--layout", help="Read names as this LMS's (it is recognised without).")
    ] = None,
    extensions: Annotated[
        Path | None,
        typer.Option("--extensions", help="CSV: student and any of due, extra, excused, handed_in, why; kept."),
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Made-up keys instead of names in all outputs but gradebooks.")
    ] = False,
    course: CourseOption = None,
) -> None:
    """Grade a folder, a zip or some notebooks: scores.csv, a page per student, results/*.json."""
    from autograder.engine.options import Options
    from autograder.engine.running import grade_class
    from autograder.intake.layouts import LAYOUTS, PLAIN

    known_level(level)
    loaded, wanted = chosen(course, assignment)
    options = Options(
        out=out if out is not None else Path("runs") / wanted.id,
        seed=loaded.seed if seed is None else seed,
        workers=workers,
        level=level,
        only=tuple(student or ()),
        fresh=fresh,
        layout=one_of("--layout", layout, [*LAYOUTS, PLAIN]) if layout else None,
        anonymous=anonymous,
        paths=tuple(submissions),
        roster=roster,
        match=match,
        groups=groups,
        extensions=extensions,
    )
    raise typer.Exit(grade_class(loaded, wanted, options, console(), Console(stderr=True)))


@app.command()
@refusals
def demo(
    students: Annotated[int, typer.Option("--students", min=1, max=500, help="How many to make up.")] = 24,
    seed: SeedOption = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the class and its run.")] = Path("runs/demo"),
    workers: WorkersOption = 0,
    level: LevelOption = None,
    assignment: AssignmentOption = None,
    course: CourseOption = None,
) -> None:
    """Make up a class with known mistakes, grade it end to end, and hold the marks against the expected ones."""
    from autograder.engine.demo import run_demo
    from autograder.engine.options import Options

    known_level(level)
    loaded, wanted = chosen(course, assignment)
    options = Options(
        out=out, seed=loaded.seed if seed is None else seed, workers=workers, level=level, fresh=True, trusted=True
    )
    raise typer.Exit(run_demo(loaded, wanted, students, options, console(), Console(stderr=True)))


@app.command()
@refusals
def assign(
    assignment: Annotated[str | None, typer.Argument(help="Which assignment (default: the only one).")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if the committed stub differs.")] = False,
    course: CourseOption = None,
) -> None:
    """Make the student's notebook from the solved one (needs the extra [author])."""
    from autograder.authoring.assign import build_stub, stub_difference
    from autograder.authoring.grader_lint import lint

    loaded = load_course(course if course is not None else find_course(Path.cwd()))
    wanted = loaded.assignment(assignment)
    master, stub = loaded.master_path(wanted), loaded.stub_path(wanted)
    if not check:
        typer.echo(str(build_stub(loaded, wanted)))
        for remark in lint(loaded, wanted):
            typer.echo(f"Look at {remark}", err=True)
        return
    difference = stub_difference(loaded, wanted)
    if difference is not None:
        typer.echo(f"{stub} is not what {master} gives; run `autograder assign {wanted.id}`.\n{difference}")
        raise typer.Exit(1)
    typer.echo(f"{stub} is what {master} gives.")


@app.command()
@refusals
def new(
    name: Annotated[str, typer.Argument(help="The assignment's id: small letters, digits, _.")],
    title: Annotated[str | None, typer.Option("--title", help="What students see (default: from the name).")] = None,
    course: Annotated[
        Path | None, typer.Option("--course", help="The course's folder (default: this one, or a parent's course).")
    ] = None,
) -> None:
    """Begin an assignment: a small solved notebook, hidden graders, a catalogue, an entry in grading.yml; it works."""
    from autograder.authoring.new import scaffold

    for path in scaffold(course or course_or_here(), name, title):
        typer.echo(str(path))
    typer.echo(
        f"Now change them to yours; `autograder verify {name}` proves the graders, `autograder assign {name}` makes"
    )
    typer.echo("the students' notebook (docs/tutorial.md).")


def course_or_here() -> Path:
    """The course around the current folder, else that folder itself."""
    try:
        return find_course(Path.cwd())
    except AutograderError:
        return Path.cwd()


@app.command()
@refusals
def verify(
    assignment: Annotated[str | None, typer.Argument(help="Which assignment (default: the only one).")] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=100, help="With how many seeds to grade it all.")] = 3,
    mutants: Annotated[
        int, typer.Option("--mutants", min=-1, help="How many slips to make in the solution (-1: every one).")
    ] = 40,
    only: Annotated[list[str] | None, typer.Option("--only", help="Only this entry; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
    seed: SeedOption = None,
    workers: WorkersOption = 0,
    level: LevelOption = None,
    course: CourseOption = None,
) -> None:
    """Prove the hidden graders: the solution and right answers earn all, the stub nothing, each mistake what it should.

    The catalogue of right answers and mistakes is catalogue.py beside the graders. Exit code 1 if a grader is
    blind, unfair or flaky.
    """
    import json

    from autograder.engine.trying import verified
    from autograder.terminal.verified import shown

    known_level(level)
    loaded, wanted = chosen(course, assignment)
    first = loaded.seed if seed is None else seed
    asked = (range(first, first + seeds), mutants, tuple(only or ()))
    found = verified(loaded, wanted, *asked, workers, level, Console(stderr=True))
    if as_json:
        typer.echo(json.dumps(found.plain(), ensure_ascii=False, allow_nan=False))
    else:
        console().print(shown(found))
    raise typer.Exit(0 if found.sound else 1)


@app.command()
@refusals
def diagnose(
    files: Annotated[
        list[Path], typer.Argument(help="Notebooks or .py files with MyNetwork and train.", exists=True, dir_okay=False)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
    pictures: Annotated[
        Path | None, typer.Option("--svg", help="Folder for a timeline picture of each file.", file_okay=False)
    ] = None,
    assignment: AssignmentOption = None,
    seed: SeedOption = None,
    level: LevelOption = None,
    course: CourseOption = None,
) -> None:
    """Say what a training loop does: Backprop, Optimize, Reset, or which mistake, and where."""
    import json

    from autograder.engine.diagnosing import course_here, diagnose_files
    from autograder.terminal.diagnosis import picture_of, shown

    known_level(level)
    loaded, wanted = course_here(course, assignment)
    for number, found in enumerate(diagnose_files(files, loaded, wanted, seed, level)):
        if as_json:
            typer.echo(json.dumps(found.plain(), ensure_ascii=False, allow_nan=False))
        else:
            console().print(shown(found))
        if pictures is not None:
            picture_of(found, pictures, number)


@app.command()
@refusals
def doctor() -> None:
    """Say which confinement of student code works here, layer by layer, and what is not prevented."""
    from autograder.sandbox.doctor import examine
    from autograder.terminal.doctor import shown

    found = examine()
    console().print(shown(found))
    raise typer.Exit(0 if found.level else 1)


@app.command()
@refusals
def report(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    student: Annotated[str | None, typer.Option("--student", help="Only the page and the results of this key.")] = None,
    look: Annotated[bool, typer.Option("--open", help="Open the class page (with --student, theirs).")] = False,
) -> None:
    """Write scores.csv, report.html, results/ and feedback/ of a run anew from its record; print where."""
    from autograder.engine.changing import write_again
    from autograder.report.outputs import CLASS_PAGE

    written = write_again(run, student)
    for path in written:
        typer.echo(str(path))
    if look:
        typer.launch(str(written[0] if student is not None else run / CLASS_PAGE))


@app.command()
@refusals
def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    to: Annotated[str, typer.Option("--to", help="canvas, moodle, moodle-worksheet, blackboard, brightspace, sakai.")],
    template: Annotated[Path, typer.Option("--template", help="The file that the LMS exported, untouched.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="The file to upload (default: RUN/gradebook-LMS, with its ending)."),
    ] = None,
    column: Annotated[
        str | None, typer.Option("--column", help="The column's title, if it is not the assignment's.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the changes and write nothing.")] = False,
    erase: Annotated[
        bool, typer.Option("--erase", help="Take old grades away from who is missing or could not be graded.")
    ] = False,
    part: Annotated[bool, typer.Option("--part", help="The file is meant to be of a part of the class.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace also grades that this run did not put there.")
    ] = False,
) -> None:
    """Fill the gradebook file that an LMS exported: this assignment's column, students with a result, nothing else."""
    from autograder.engine.exporting import export_run
    from autograder.gradebook.export import KINDS, Filling

    kind = one_of("--to", to, list(KINDS))
    to_write = out or run / f"gradebook-{kind}{template.suffix or '.csv'}"
    filling = Filling(column, erase, part, overwrite)
    raise typer.Exit(export_run(run, kind, template, to_write, console(), filling, dry_run))


@app.command()
@refusals
def feedback(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    to: Annotated[str, typer.Option("--to", help="canvas or moodle.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The zip to upload.")],
) -> None:
    """Pack the students' pages into the zip that an LMS takes for returning files."""
    from autograder.engine.exporting import return_feedback
    from autograder.gradebook.returning import WAYS

    kind = one_of("--to", to, list(WAYS))
    raise typer.Exit(return_feedback(run, kind, out, console()))


@app.command()
@refusals
def push(
    to: Annotated[str, typer.Argument(metavar="canvas", help="The system to send to.")],
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    send: Annotated[bool, typer.Option("--send", help="Send; without it, what would be sent is only shown.")] = False,
    comments: Annotated[bool, typer.Option("--comments/--no-comments", help="Feedback in words as a comment.")] = True,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace also grades that this run did not put there.")
    ] = False,
    url: Annotated[
        str | None, typer.Option("--url", help="The site (default: grading.yml's gradebook.canvas).")
    ] = None,
    course: Annotated[
        int | None, typer.Option("--canvas-course", min=1, help="The number after /courses/ in its address.")
    ] = None,
    assignment: Annotated[
        int | None, typer.Option("--canvas-assignment", min=1, help="The number after /assignments/ in its address.")
    ] = None,
) -> None:
    """Send grades and comments to Canvas, what changed only (needs the extra [canvas]). Shows it first: see --send.

    The token comes from the environment (CANVAS_API_TOKEN) or the keyring (keyring set autograder SITE).
    """
    from autograder.canvas.push import Push
    from autograder.terminal.push import push_run

    one_of("push", to, ["canvas"])
    asked = Push(send, comments, overwrite, url, course, assignment)
    raise typer.Exit(push_run(run, asked, console(), Console(stderr=True)))


@app.command()
@refusals
def adjust(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    student: Annotated[str | None, typer.Argument(help="The student's key.")] = None,
    question: Annotated[str | None, typer.Argument(help="The question, such as q3.")] = None,
    points: Annotated[float | None, typer.Argument(help="Its points from now on; not with --undo.")] = None,
    why: Annotated[str, typer.Option("--why", help="The reason; the student reads it.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take the adjustment back.")] = False,
    table: Annotated[
        Path | None, typer.Option("--from", help="CSV with student, question, points, why: all of them or none.")
    ] = None,
) -> None:
    """Set a question's points by hand, with a reason that the student reads; regrading keeps it."""
    from autograder.engine.changing import adjust_from, adjust_run

    if table is not None:
        if student is not None or why or undo:
            raise AutograderError("Give --from FILE alone: the file says who, what and why.")
        for line in adjust_from(run, table):
            typer.echo(line)
        return
    if student is None or question is None:
        raise AutograderError("Say whose points of which question, or give a table with --from FILE.")
    if (points is None) is not undo:
        raise AutograderError("Give the points, or --undo to take an adjustment back.")
    typer.echo(adjust_run(run, student, question, points, why))


@app.command()
@refusals
def forget(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    student: Annotated[str, typer.Argument(help="The student's key.")],
) -> None:
    """Wipe a student from a run: outcome, hand-in, executed cells, adjustments, pages."""
    from autograder.engine.changing import forget_student

    typer.echo(forget_student(run, student))


@app.command()
@refusals
def package(
    platform: Annotated[str, typer.Argument(help="gradescope.")],
    assignment: Annotated[str | None, typer.Argument(help="Which assignment (default: the only one).")] = None,
    *,
    out: Annotated[Path, typer.Option("-o", "--out", help="The zip to upload.")],
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, max=1440, help="The platform's time limit.")] = 10,
    torch_index: Annotated[
        str | None, typer.Option("--torch-index", envvar="TORCH_INDEX", help="Package index of torch for CPUs.")
    ] = None,
    level: LevelOption = None,
    course: CourseOption = None,
) -> None:
    """Pack one assignment for a platform that grades by itself: this program and the graders, no other assignment."""
    from autograder.gradescope.packing import pack, write_package

    one_of("PLATFORM", platform, ["gradescope"])
    known_level(level)
    loaded, wanted = chosen(course, assignment)
    packed = pack(loaded, wanted, level, minutes, torch_index)
    write_package(packed, out)
    typer.echo(f"{out}: {wanted.title}, {len(packed.content) / 1e6:.2f} MB")
    for note in packed.notes:
        typer.echo(note, err=True)


def known_level(level: str | None) -> None:
    """Raises AutograderError, before anything is started, if there is no such confinement."""
    from autograder.sandbox.confinement import LEVELS

    if level is not None:
        one_of("--level", level, list(LEVELS))


def one_of(option: str, value: str, there: list[str]) -> str:
    """The value of an option if it is one of those there are. Raises AutograderError with the nearest one."""
    if value not in there:
        raise AutograderError(
            f'{option}: there is no "{value}"{did_you_mean(value, there) or "."} Known are {", ".join(there)}.'
        )
    return value
