"""A notebook is read however it was saved; what cannot be read gets one sentence that says why."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.intake.names import bound_names
from autograder.intake.notebook import MOST_BYTES, Cell, Notebook, Unreadable, read_notebook

NAMES = ("alpha", "MyNetwork")


def cell(source: Any = "alpha = 1", **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None, **more}


def saved(*cells: Any, **more: Any) -> bytes:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more}).encode()


def read(content: bytes) -> Notebook:
    found = read_notebook(content, NAMES)
    assert isinstance(found, Notebook), found
    return found


def reason(content: bytes) -> str:
    found = read_notebook(content, NAMES)
    assert isinstance(found, Unreadable), found
    return found.reason


def test_cells_keep_their_order_and_kind() -> None:
    content = saved({"cell_type": "markdown", "source": "# Hi"}, cell(), {"cell_type": "raw", "source": ["a\n", "b"]})
    assert read(content) == Notebook(
        (Cell("markdown", "# Hi"), Cell("code", "alpha = 1"), Cell("raw", "a\nb")), "python", ()
    )


@pytest.mark.parametrize("version", [3, 4])
def test_what_nbformat_writes_is_read_as_nbformat_reads_it(version: int) -> None:
    cells = [nbformat.v4.new_markdown_cell("Some words."), nbformat.v4.new_code_cell("alpha = 1\nbeta = 2")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    content = nbformat.writes(notebook, version=version)
    again = nbformat.reads(content, as_version=4)
    assert [(each.kind, each.source) for each in read(content.encode()).cells] == [
        (each.cell_type, each.source) for each in again.cells
    ]


def test_outputs_are_dropped() -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "secret"}
    assert "secret" not in repr(read(saved(cell(outputs=[output]))))


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({}, "python"),
        ({"kernelspec": {"name": "python3", "language": "python"}}, "python"),
        ({"kernelspec": {"name": "ir"}}, "ir"),
        ({"language_info": {"name": "R"}}, "r"),
        ({"language_info": {"name": "ipython"}, "kernelspec": {"name": "python3"}}, "ipython"),
        ([], "python"),
        ({"kernelspec": 3}, "python"),
    ],
)
def test_the_language_is_what_the_metadata_say(metadata: Any, language: str) -> None:
    assert read(saved(cell(), metadata=metadata)).language == language


# Repairs


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_any_unicode_encoding_is_read(encoding: str) -> None:
    text = json.dumps(json.loads(saved(cell("alpha = 'é'"))), ensure_ascii=False)
    assert read(text.encode(encoding)).code == ("alpha = 'é'",)


def test_a_notebook_saved_in_a_windows_encoding_is_read_with_a_note() -> None:
    found = read(saved(cell("alpha = 'X'")).replace(b"X", b"\xe9"))
    assert found.code == ("alpha = 'é'",)
    assert "not saved as UTF-8" in found.notes[0]


@pytest.mark.parametrize(
    ("given_cell", "kept", "note"),
    [
        (cell(["alpha = 1\n", "beta = 2"]), "alpha = 1\nbeta = 2", None),
        (cell(["alpha = 1", "beta = 2"]), "alpha = 1\nbeta = 2", "lost its line ends"),
        (cell(["alpha = 1\n", None, "b = 2"]), "alpha = 1\nb = 2", "lines that are no text"),
        (cell("alpha = 1\r\nb = 2\r"), "alpha = 1\nb = 2\n", None),
        (cell("alpha = '\ud800\x00'"), "alpha = '\ufffd\ufffd'", "characters that are no text"),
        (cell(5), "", "holds no text"),
        (cell(cell_type="Code"), "alpha = 1", None),
        (cell(cell_type=None), "alpha = 1", "does not say what it is; it was taken as code"),
        ({"input": "alpha = 1"}, "alpha = 1", "taken as code"),
    ],
)
def test_a_damaged_cell_is_repaired_with_a_note(given_cell: Any, kept: str, note: str | None) -> None:
    found = read(saved(given_cell, cell("alpha = 0")))
    assert found.code[0] == kept
    assert len(found.notes) == (note is not None)
    assert note is None or (note in found.notes[0] and found.notes[0].startswith("Cell 1 "))


def test_what_is_no_cell_is_left_out_with_a_note() -> None:
    found = read(saved(None, cell(), "x"))
    assert found.code == ("alpha = 1",)
    assert [note[:7] for note in found.notes] == ["Cell 1 ", "Cell 3 "]


def test_what_befell_many_cells_alike_is_said_once() -> None:
    notes = read(saved(*[None] * 1000, cell(), "x")).notes
    assert [note[:7] for note in notes] == ["Cell 1 ", "Cell 10"]
    assert notes[0].endswith("and was left out. The same in 999 more cells.")
    assert read(saved(None, None, cell())).notes[0].endswith("The same in 1 more cell.")


def test_of_very_many_repairs_only_the_first_are_told() -> None:
    torn = "<<<<<<< a\nx = 1\n=======\nx = 2\n>>>>>>> b"
    notes = read(saved(*[cell("\n" * number + torn) for number in range(100)], cell())).notes  # line 1, line 2, ...
    assert (len(notes), notes[-1]) == (21, "80 more repairs like these were made.")


def test_huge_numbers_cost_nothing() -> None:
    assert read(saved(cell(execution_count=0)).replace(b": 0", b": " + b"9" * 100_000)).code == ("alpha = 1",)


# Refusals


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b" \n", "it is blank"),
        (b"\xef\xbb\xbf", "it is blank"),
        (b"<!DOCTYPE html>\n<title>Sign in</title>", "it is an HTML page"),
        (b"PK\x03\x04rest", "it is a zip archive"),
        (b"%PDF-1.7\n\xff\xff", "it is a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "it is a PNG picture"),
        (b"See my other file.", "it is plain text"),
        (b"\xff\x01\x02\x03\x04", "it is binary data"),
        (b"null", "it holds null where an object belongs"),
        (b"[1, 2]", "it holds a list where an object belongs"),
        (b'"text"', "no notebook"),
        (b"{}", "The notebook has no cells."),
        (b'{"a": 1}', "it has no cells, but a"),
        (saved(), "The notebook has no cells."),
        (b'{"cells": {"a": 1}}', "The notebook has no cells."),
        (saved(cell())[:20], "saved in part: it breaks off in line 1, before its first cell is whole"),
        (b'{"cells": [}', "The file is no valid JSON: Expecting value in line 1, column 12"),
        (b'{\n<<<<<<< HEAD\n"cells": []}', "marks of a merge conflict, the first in line 2"),
        (b'{"a":' * 100_000, "nested without end"),
        (saved({"cell_type": "markdown", "source": "x"}), "it holds text alone"),
        (saved(cell(" \n"), cell("")), "its code cells are all empty"),
        (b"{" + b" " * MOST_BYTES, "more than the 200 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_told_in_a_sentence(content: bytes, said: str) -> None:
    sentence = reason(content)
    assert said in sentence
    assert sentence.endswith((".", "cleared."))
    assert "\n" not in sentence


def test_of_a_file_that_breaks_off_the_whole_cells_are_read() -> None:
    whole = saved(cell("alpha = 1"), cell("beta = '\u00e9\u4e16'"), cell("gamma = 3"))
    for end in range(whole.index(b"gamma"), whole.rindex(b"}]") + 1):
        found = read(whole[:end])
        assert found.code[:2] == ("alpha = 1", "beta = '\u00e9\u4e16'"), end
        assert "2 whole cells were read" in found.notes[0]
    closed = read(whole[:-3])
    assert len(closed.code) == 3 and "3 whole cells were read" in closed.notes[0]
    raw = json.dumps(json.loads(whole), ensure_ascii=False).encode()
    cut = read(raw[: raw.index("\u4e16".encode()) + 1])
    assert cut.code == ("alpha = 1",) and "its one whole cell" in cut.notes[0]


def test_a_cell_with_conflict_marks_is_named_with_its_line() -> None:
    source = "alpha = 1\n<<<<<<< HEAD\nbeta = 1\n=======\nbeta = 2\n>>>>>>> theirs\n"
    assert "Cell 1 has the marks of a merge conflict, the first in line 2" in read(saved(cell(source))).notes[0]


def test_a_script_is_run_as_a_notebook() -> None:
    found = read(b"import torch\nalpha = 1\n# %% part 2\nbeta = alpha\n# In[3]:\n\ngamma = 2\n")
    assert found.code == ("import torch\nalpha = 1", "beta = alpha", "gamma = 2")
    assert found.notes == ("A Python script was handed in, no notebook; it was run as one.",)


def test_a_future_format_is_read_with_a_note() -> None:
    future = {"nbformat": 6, "cells": [cell()], "metadata": {"new": []}, "blocks": {}}
    assert "nbformat 6" in read(json.dumps(future).encode()).notes[0]


def test_a_hundred_megabytes_of_outputs_are_dropped() -> None:
    found = read(saved(cell(outputs=[{"output_type": "stream", "name": "stdout", "text": "x" * 100_000_000}])))
    assert found.code == ("alpha = 1",) and not found.notes


def test_the_notebook_of_another_assignment_is_told_with_the_names_on_both_sides() -> None:
    assert reason(saved(cell("import numpy as np\ndata = 1"), cell("def clean(x): pass"))) == (
        "This seems to be the notebook of another assignment: none of its cells defines alpha, MyNetwork; "
        "what it defines is np, data, clean."
    )


def test_another_language_is_named() -> None:
    assert reason(saved(cell("x <- 1"), metadata={"kernelspec": {"language": "R"}})).endswith("its language is r.")


def test_a_notebook_of_another_language_that_defines_a_name_is_run_with_a_note() -> None:
    found = read(saved(cell("alpha = 1"), metadata={"kernelspec": {"language": "julia"}}))
    assert found.notes == ("The notebook says that its language is julia; it was run as Python.",)


@pytest.mark.parametrize(
    "source",
    [
        "alpha = ...",
        "if True:\n    for alpha in range(3): pass",
        "Alpha = 1",
        "my_network = 1",
        "class MyNetwork: pass",
        "from lab import *\nimport x as alpha",
        "%matplotlib inline\nalpha = 1",
        "!pip install torch\nalpha?\nalpha = 1",
        "alpha = !ls",
        "%%time\nalpha = 1",
        "alpha = 1\nprint 'old'",
        "x, alpha = 1, 2\n(",
        "def train(:\nclass MyNetwork(nn.Module):",
        "alpha: int = 3 3",
    ],
)
def test_a_notebook_that_binds_one_name_somehow_is_of_this_assignment(source: str) -> None:
    assert read(saved(cell("import os"), cell(source))).code[1] == source


@pytest.mark.parametrize("source", ["print(alpha)", "alpha == 1", "# alpha = 1", "%%bash\nalpha=1", "x = 'alpha'"])
def test_using_a_name_is_not_binding_it(source: str) -> None:
    assert "alpha" not in list(bound_names(source))


def test_a_very_large_notebook_is_looked_through_by_pattern() -> None:
    assert read(saved(cell("x = 1\n" * 200_000), cell("alpha = 1"))).code[1] == "alpha = 1"


def test_without_names_any_notebook_with_code_will_do() -> None:
    assert isinstance(read_notebook(saved(cell("x = 1")), ()), Notebook)


# Whatever the bytes


@given(st.binary(max_size=200))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_arbitrary_bytes_never_raise(content: bytes) -> None:
    assert isinstance(read_notebook(content, NAMES), Notebook | Unreadable)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cell_type", "source", "input", "metadata", "kernelspec", "cells", "name"]), inner
        )
    ),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "cells": anything | st.lists(anything | st.fixed_dictionaries({"cell_type": anything, "source": anything})),
            "worksheets": anything | st.lists(st.fixed_dictionaries({"cells": st.lists(anything)})),
            "metadata": anything,
        },
    )
)
@settings(derandomize=True, deadline=None, max_examples=80)
def test_arbitrary_json_never_raises(data: Any) -> None:
    assert isinstance(read_notebook(json.dumps(data).encode(), NAMES), Notebook | Unreadable)


@given(st.text(max_size=60) | st.text("alph=:()\n\t '\"%!?\\{}0", max_size=60))
@settings(derandomize=True, deadline=None, max_examples=300)
def test_arbitrary_source_never_raises_and_is_kept(source: str) -> None:
    found = read_notebook(saved(cell(source), cell()), NAMES)
    assert isinstance(found, Notebook)
    assert len(found.code) == 2
