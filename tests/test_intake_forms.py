"""A notebook that was damaged, wrapped, packed or exported on its way is read as it was, with a note on the page."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import quopri
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import nbformat
import pytest

from autograder.intake.collecting import collect
from autograder.intake.notebook import Notebook, Unreadable, read_notebook

NAMES = ("alpha", "MyNetwork")
CODE = (
    "import torch\nfrom torch import nn",
    "alpha = torch.tensor(2.2)\nprint('a < b', alpha)  # \"quoted\" & more",
    "class MyNetwork(nn.Module):\n    def __init__(self):\n        super().__init__()\n\n    def forward(self, x):\n"
    "        return x if x.sum() < 3 else -x",
    '%matplotlib inline\nprint("tab\\tand line\\n")',
)


def notebook(*code: str, **more: Any) -> dict[str, Any]:
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Lab\n", "Some words, ‘so’."]}
    ]
    for source in code or CODE:
        lines = source.splitlines(keepends=True)
        cells.append({"cell_type": "code", "metadata": {}, "source": lines, "outputs": [], "execution_count": 1})
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4, **more}


def saved(data: Any = None, indent: int | None = 1) -> str:
    return json.dumps(notebook() if data is None else data, indent=indent)


def read(content: str | bytes, names: tuple[str, ...] = NAMES) -> Notebook:
    found = read_notebook(content.encode() if isinstance(content, str) else content, names)
    assert isinstance(found, Notebook), found
    return found


def reason(content: str | bytes) -> str:
    found = read_notebook(content.encode() if isinstance(content, str) else content, NAMES)
    assert isinstance(found, Unreadable), found
    return found.reason


def same_as_typed(content: str | bytes, note: str) -> None:
    found = read(content)
    assert tuple(source.rstrip() for source in found.code) == CODE
    assert any(note in each for each in found.notes), found.notes


# Followed, preceded, doubled


@pytest.mark.parametrize(
    "junk", ["\x1a", "\0" * 512, "}", "]}", "junk \u2013 and more", "\n</body>", '{"cells": [', ","]
)
def test_what_follows_a_notebook_is_left_out(junk: str) -> None:
    note = "Something else follows the notebook"
    if junk.strip("\0"):
        same_as_typed(saved() + junk, note)
    else:
        assert read(saved() + junk).code == CODE


def test_bytes_after_a_notebook_do_not_change_its_letters() -> None:
    found = read(saved(notebook("alpha = 'é'")).encode() + b"\xff\xfe\x80")
    assert found.code == ("alpha = 'é'",)
    assert not any("UTF-8" in note for note in found.notes)


def test_of_a_notebook_twice_in_a_file_the_first_is_read() -> None:
    same_as_typed(saved() + saved(), "the same notebook more than once")
    same_as_typed(saved() + "\n" + saved(notebook("alpha = 0")), "a second notebook after the first, which differs")


@pytest.mark.parametrize("before", [")]}',\n", "Here is my notebook:\n\n", "\0\0\0\0"])
def test_what_stands_before_a_notebook_is_left_out(before: str) -> None:
    assert read(before + saved()).code == CODE


# JSON that is not quite JSON


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("\n ],\n", ",\n ],\n", 1),
        lambda text: text[:-1] + ",}",
        lambda text: text.replace("},\n  {", "},,\n  {"),
        lambda text: text.replace("},\n  {", "}\n  {", 1),
        lambda text: text.replace('\\n",\n', '\\n"\n', 1),
        lambda text: text.replace('"outputs": [],', '"outputs": [],,'),
        lambda text: text.replace(" {", "\u00a0{", 1),
        lambda text: text.replace("# Lab", "\\d# Lab"),
    ],
)
def test_a_comma_or_an_escape_too_many_or_too_few_is_mended(damage: Callable[[str], str]) -> None:
    assert damage(saved()) != saved()
    same_as_typed(damage(saved()), "it was mended")


def test_typographic_quotes_of_a_mail_are_made_plain() -> None:
    mailed = saved()
    for number in range(mailed.count('"')):
        mailed = mailed.replace('"', "\u201c" if number % 2 else "\u201d", 1)
    same_as_typed(mailed, "typographic ones")


def test_line_ends_within_strings_are_taken() -> None:
    assert read(saved(notebook("alpha = 1\nbeta = 2")).replace("1\\n", "1\n")).code[0] == "alpha = 1\nbeta = 2"


def test_of_a_file_that_is_broken_within_the_whole_cells_are_read() -> None:
    text = saved(notebook("alpha = 1", "beta = 2", "gamma = 3")).replace('"beta = 2"', '"beta" = 2"')
    found = read(text)
    assert found.code == ("alpha = 1", "gamma = 3")
    assert "3 whole cells of it were read; 1 could not be" in found.notes[0]


def test_of_a_key_that_stands_twice_the_last_counts_as_in_jupyter() -> None:
    text = saved(notebook("alpha = 1")).replace('"alpha = 1"', '"alpha = 0"\n],"source": [\n"alpha = 1"')
    assert read(text).code == ("alpha = 1",)


# Wrapped in other JSON


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda data: json.dumps(data),
        lambda data: {"name": "lab.ipynb", "path": "lab.ipynb", "type": "notebook", "content": data, "format": "json"},
        lambda data: {"type": "file", "format": "text", "content": json.dumps(data)},
        lambda data: {"encoding": "base64", "content": base64.encodebytes(json.dumps(data).encode()).decode()},
        lambda data: {"files": {"lab.ipynb": {"content": json.dumps(data)}}, "public": True},
        lambda data: {"metadata": {"id": 1}, "blob": {"kernelType": "notebook", "source": json.dumps(data)}},
        lambda data: json.dumps(json.dumps(data)),
        lambda data: [data],
        lambda data: data["cells"],
    ],
)  # fmt: skip
def test_a_notebook_within_other_json_is_taken_out(wrapped: Callable[[Any], Any]) -> None:
    same_as_typed(saved(wrapped(notebook())), "lay within other JSON")


def test_of_two_notebooks_within_other_json_none_is_taken() -> None:
    assert "2 different notebooks" in reason(saved({"a": notebook(), "b": notebook("alpha = 1")}))


# A merge that git could not make


def conflict(ours: str, theirs: str, base: str | None = None) -> str:
    middle = "" if base is None else f"||||||| merged common ancestors\n{base}"
    return f"<<<<<<< HEAD\n{ours}{middle}=======\n{theirs}>>>>>>> theirs\n"


COUNT = '   "execution_count": 1,\n'


@pytest.mark.parametrize("base", [None, COUNT.replace("1", "null")])
def test_a_conflict_in_what_is_no_code_is_read(base: str | None) -> None:
    text = saved()
    assert COUNT not in text  # it stands last in its cell
    last = '   "execution_count": 1\n'
    same_as_typed(
        text.replace(last, conflict(last, last.replace("1", "7"), base and base.replace(",", "")), 2),
        "both sides hold the same work",
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("print('one')", "print('another')", True),
        ("beta = 1  # old", "beta = 1", True),
        ("beta = 1", "beta = 2", False),
        ("alpha.add_(1)", "alpha.add_(2)", False),
        ("import numpy", "import scipy", False),
    ],
)
def test_a_conflict_counts_where_the_code_differs_that_matters(ours: str, theirs: str, same: bool) -> None:
    text = conflict(saved(notebook("alpha = 1", ours)) + "\n", saved(notebook("alpha = 1", theirs)) + "\n")
    if same:
        assert read(text).code == ("alpha = 1", ours)
    else:
        assert "its two sides differ in their code" in reason(text)


def test_a_conflict_within_a_cell_is_read_if_both_sides_say_the_same() -> None:
    marked = conflict("beta = 1\n", "beta = 1   # theirs\n")
    found = read(saved(notebook("alpha = 1\n" + marked)))
    assert found.code == ("alpha = 1\nbeta = 1\n",)
    assert "both sides say the same" in found.notes[0]


# Line ends and other losses in a cell


@pytest.mark.parametrize("keeps", [(), (0,), (1, 2), (0, 2, 3), (0, 1, 3, 4)])
def test_lost_line_ends_are_put_back_however_many(keeps: tuple[int, ...]) -> None:
    lines = CODE[2].split("\n")
    given = [line + ("\n" if number in keeps else "") for number, line in enumerate(lines)]
    data = notebook("alpha = 1", "")
    data["cells"][2]["source"] = given
    found = read(saved(data))
    assert found.code[1].rstrip() == CODE[2]
    assert "lost its line ends" in found.notes[0]


def test_a_line_in_pieces_is_no_lost_line_end() -> None:
    data = notebook("", "x")
    data["cells"][1]["source"] = ["alpha = ", "1\n", "beta = (alpha +", " 2)"]
    found = read(saved(data))
    assert (found.code[0], found.notes) == ("alpha = 1\nbeta = (alpha + 2)", ())


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda text: json.dumps(text)[1:-1], "written out"),
        (lambda text: text.replace("\n", "\\n"), "written out"),
        (lambda text: text.replace("\n", "\u2028"), "that Python does not know"),
        (lambda text: html.escape(text), "escaped as for a web page"),
    ],
)
def test_what_became_of_a_cell_on_its_way_is_undone(change: Callable[[str], str], note: str) -> None:
    source = "alpha = 1\nif alpha < 2:\n    print('x')"
    found = read(saved(notebook(change(source))))
    assert found.code == (source,)
    assert note in found.notes[0]


@pytest.mark.parametrize(
    "source", ["alpha = 1\nbeta = (", "alpha = '&lt;' +", "alpha = 'a\\nb", "alpha = 1\nprint(“x”)"]
)
def test_a_students_own_slip_stays_as_it_is(source: str) -> None:
    assert read(saved(notebook(source))).code == (source,)


# Packed


def zipped(**files: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_DOT_", "."), text)
    return stream.getvalue()


MAIL = "MIME-Version: 1.0\nContent-Type: {kind}; name=lab.ipynb\nContent-Transfer-Encoding: {how}\n\n{body}"
PARTS = (
    'From: a\nContent-Type: multipart/mixed; boundary="xyz"\n\n'
    "--xyz\nContent-Type: text/plain\n\nHi\n--xyz\n{part}\n--xyz--"
)


@pytest.mark.parametrize(
    ("packed", "note"),
    [
        (lambda text: gzip.compress(text.encode()), "a gzip file"),
        (lambda text: zipped(lab_DOT_ipynb=text), "an archive"),
        (lambda text: base64.encodebytes(text.encode()), "Base64"),
        (lambda text: b"data:application/json;base64," + base64.b64encode(text.encode()), "a data URL"),
        (lambda text: quote(text).encode(), "text for a URL"),
        (lambda text: quote_plus(text).encode(), "text for a URL"),
        (lambda text: quopri.encodestring(text.encode()), "quoted-printable"),
        (
            lambda text: MAIL.format(
                kind="application/json", how="base64", body=base64.encodebytes(text.encode()).decode()
            ).encode(),
            "a mail",
        ),
        (
            lambda text: PARTS.format(
                part=MAIL.format(
                    kind="application/json", how="quoted-printable", body=quopri.encodestring(text.encode()).decode()
                )
            ).encode(),
            "a mail",
        ),
        (lambda text: html.escape(text).encode(), "escaped as for a web page"),
        (lambda text: gzip.compress(base64.b64encode(text.encode())), "Base64"),
    ],
)
def test_a_packed_notebook_is_unpacked(packed: Callable[[str], bytes], note: str) -> None:
    same_as_typed(packed(saved()), note)


def test_an_archive_of_several_notebooks_is_not_guessed_about() -> None:
    assert "2 notebooks in it" in reason(zipped(a_DOT_ipynb=saved(), b_DOT_ipynb=saved()))


def test_an_office_document_is_still_told_as_one() -> None:
    assert "Office document" in reason(zipped(word_DOT_xml="<w>"))


def test_a_gzip_bomb_is_refused() -> None:
    assert "more than the 200 MB" in reason(gzip.compress(bytes(200_000_100)))


# Exported


MARKDOWN = {
    "jupytext": "---\njupyter:\n  kernelspec:\n    language: python\n---\n\n# Lab\n\n{}",
    "plain": "# Lab\n\nWords with `code`.\n\n{}\n\nMore words.\n",
}


def fenced(info: str, fence: str = "```") -> str:
    return "\n\n".join(f"{fence}{info}\n{source}\n{fence}" for source in CODE)


@pytest.mark.parametrize(
    "info", ["python", "python tags=['a']", "py", "{python}", "{.python .numberLines}", "", "python3"]
)
@pytest.mark.parametrize("fence", ["```", "~~~~"])
@pytest.mark.parametrize("around", MARKDOWN)
def test_markdown_is_read_by_its_fences(around: str, info: str, fence: str) -> None:
    same_as_typed(MARKDOWN[around].format(fenced(info, fence)), "as Markdown")


def test_a_myst_cell_is_read_without_its_settings() -> None:
    text = "# Lab\n\n```{code-cell} ipython3\n:tags: [a]\n\nalpha = 1\n```\n\n"
    text += "```{code-cell}\n---\ntags: [b]\n---\nbeta = 2\n```\n"
    assert read(text).code == ("alpha = 1", "beta = 2")


def test_only_python_is_taken_of_fences_that_say_what_they_are() -> None:
    text = "```bash\npip install x\n```\n\n```python\nalpha = 1\n```\n\n```\nan output\n```\n"
    assert read(text).code == ("alpha = 1",)


def test_a_script_with_fences_in_a_docstring_is_a_script() -> None:
    text = 'import x\n\ndef alpha():\n    """Use.\n\n```python\nalpha()\n```\n"""\n'
    assert read(text).code == (text.strip(),)


def test_databricks_source_is_read_by_its_cells() -> None:
    parts = ["# Databricks notebook source\n# MAGIC %md Words", "# MAGIC %pip install x", "alpha = 1\n"]
    text = "\n\n# COMMAND ----------\n\n".join(parts)
    assert read(text).code == ("%pip install x", "alpha = 1")


def test_a_text_that_is_python_and_binds_a_name_is_a_script() -> None:
    assert read("alpha = 1\nprint(alpha)\n").code == ("alpha = 1\nprint(alpha)",)


LIT = '<span></span><span class="k">{}</span>\n'
CLASSIC = (
    '<div class="cell border-box-sizing code_cell rendered"><div class="input"><div class="prompt input_prompt">In [1]:'
    '</div><div class="inner_cell"><div class="input_area"><div class=" highlight hl-ipython3"><pre>{}</pre></div>'
    '</div></div></div><div class="output_wrapper"><div class="output_area"><pre>x = 5\n</pre></div></div></div>'
)
LAB = (
    '<div class="jp-Cell jp-CodeCell jp-Notebook-cell"><div class="jp-Cell-inputWrapper"><div class="jp-Collapser">'
    '</div><div class="jp-InputArea jp-Cell-inputArea"><div class="jp-InputPrompt">In [1]:</div><div class="'
    'jp-CodeMirrorEditor jp-Editor jp-InputArea-editor" data-type="inline"><div class="cm-editor cm-s-jupyter"><div '
    'class="highlight hl-ipython3"><pre>{}</pre></div></div></div></div></div><div class="jp-OutputArea-output"><pre>x'
    " = 5\n</pre></div></div>"
)
QUARTO = (
    '<div class="sourceCode cell-code"><pre class="sourceCode python">'
    '<code class="sourceCode python">{}</code></pre></div>'
)
SPHINX = '<div class="highlight-python notranslate"><div class="highlight"><pre>{}</pre></div></div>'
PANDOC = '<pre class="python"><code>{}</code></pre><pre><code>x = 5</code></pre>'


def lines_of(row: str, before: str, after: str) -> Callable[[str], str]:
    def shown(source: str) -> str:
        lines = [
            row.format(html.escape(line).replace(" ", "&nbsp;") or "\u200b", 19 * number)
            for number, line in enumerate(source.split("\n"))
        ]
        return before + "".join(lines) + after

    return shown


def page_of(shown: Callable[[str], str]) -> str:
    markdown = (
        '<div class="jp-RenderedMarkdown"><pre><code class="lang-text">x = 1</code></pre><p>Some & words <br></div>'
    )
    return (
        f"<!DOCTYPE html>\n<html><head><script>var a = '<pre>';</script><style>.a{{}}</style></head>"
        f"<body><!-- x -->{markdown}" + ("\n".join(map(shown, CODE)) + "</body></html>")
    )


def in_block(template: str) -> Callable[[str], str]:
    return lambda source: template.format(LIT.format(html.escape(source)))


PAGES = {
    "classic": in_block(CLASSIC),
    "lab": in_block(LAB),
    "quarto": in_block(QUARTO),
    "sphinx": in_block(SPHINX),
    "pandoc": in_block(PANDOC),
    "jupyter's own page": lines_of(
        '<div style="position: relative;"><div class="CodeMirror-gutter-wrapper">'
        '<div class="CodeMirror-linenumber">1</div></div>'
        '<pre class=" CodeMirror-line " role="presentation"><span>{0}</span></pre></div>',
        '<div class="input_area"><div class="CodeMirror cm-s-ipython">'
        '<div class="CodeMirror-measure"><pre>x</pre></div>',
        "</div></div>",
    ),
    "lab's own page": lines_of(
        '<div class="cm-line"><span>{0}</span></div>',
        '<div class="jp-InputArea-editor"><div class="cm-gutters"><div>1</div></div><div class="cm-content">',
        "</div></div>",
    ),
    "colab's own page": lines_of(
        '<div style="top:{1}px;height:19px;" class="view-line"><span><span class="mtk1">{0}</span></span></div>',
        '<div class="inputarea horizontal layout code"><div class="monaco-editor"><div class="view-lines">',
        "</div></div></div>",
    ),
}


@pytest.mark.parametrize("program", PAGES)
def test_a_page_is_read_by_what_was_typed_in(program: str) -> None:
    same_as_typed(page_of(PAGES[program]), "as a web page (HTML)")


def test_monaco_lines_come_in_the_order_they_are_shown() -> None:
    row = '<div class="view-line" style="top:{}px"><span>{}</span></div>'
    lines = row.format(19, "beta = 2") + row.format(0, "alpha = 1")
    assert read(f'<div class="inputarea">{lines}</div>').code == ("alpha = 1\nbeta = 2",)


def test_json_that_a_browser_saved_as_a_page_is_read() -> None:
    text = f'<html><head></head><body><pre style="white-space: pre-wrap;">{html.escape(saved())}</pre></body></html>'
    same_as_typed(text, "shows its JSON")


def test_a_page_without_a_notebook_is_refused_as_before() -> None:
    assert "it is an HTML page" in reason("<!DOCTYPE html><title>Sign in</title><pre>alpha = 1</pre>")


def as_in_jupyter(data: dict[str, Any]) -> nbformat.NotebookNode:
    """The notebook as programs hold it: sources are one text there."""
    return nbformat.reads(json.dumps(data), as_version=4)


@pytest.mark.parametrize("template", ["classic", "lab", "basic"])
def test_what_nbconvert_writes_is_read(template: str) -> None:
    nbconvert = pytest.importorskip("nbconvert")  # it comes with the packages of authors
    found = as_in_jupyter(notebook(*CODE, metadata={"language_info": {"name": "python"}}))
    page, _ = nbconvert.HTMLExporter(template_name=template).from_notebook_node(found)
    same_as_typed(page, "as a web page (HTML)")


@pytest.mark.parametrize("form", ["md", "md:myst", "py:percent", "py:light", "Rmd"])
def test_what_jupytext_writes_is_read(form: str) -> None:
    jupytext = pytest.importorskip("jupytext")  # likewise
    text = jupytext.writes(as_in_jupyter(notebook("import torch", "alpha = 1\n\nbeta = 2")), fmt=form)
    code = "\n".join(read(text).code)
    assert "import torch" in code and "alpha = 1\n\nbeta = 2" in code


# Whatever the bytes: time in proportion to the size

HOSTILE = {
    "commas": lambda n: '{"cells": [' + "," * n,
    "blank commas": lambda n: '{"cells": [' + ", \n" * n + "x",
    "escaped quotes": lambda n: '{"cells": [' + '\\"' * n,
    "open strings": lambda n: '{"cells": ["' + '"a' * n,
    "cell starts": lambda n: '{"cells": [' + '{"cell_type":[' * n,
    "cell texts": lambda n: '{"cells": [' + '{"cell_type":"' * n,
    "curly": lambda n: "{\u201c" + "\u201d\\" * n,
    "open comments": lambda n: "<html>" + "<!-- >" * n,
    "sections": lambda n: "<html>" + "<![CDATA[ >" * n,
    "tags": lambda n: "<html>" + '<a href="' * n,
    "deep": lambda n: "<html>" + '<div class="input_area"><b>' * n,
    "ends": lambda n: "<html>" + "<i>" * 400 + "</b></i><i>" * n,
    "scripts": lambda n: "<html>" + "<script></s" * n,
    "lines": lambda n: "<html><div class=inputarea>" + "<p class=cm-line>x" * n,
    "quotes": lambda n: "<html>" + "<a b='" * n,
    "blank values": lambda n: "<html>" + "<a b=   " * n,
    "markup": lambda n: "<html>" + "<!a <?b </1" * n,
    "numbers": lambda n: "<html><pre>&#" + "9" * n,
    "numbers in JSON": lambda n: "{&quot;&#" + "9" * n,
    "entities": lambda n: "<html><pre>" + "&lt" * n,
    "fences": lambda n: "import x\n```python\n" + "~~~\n```a\n" * n,
    "ticks": lambda n: "```" * n + "\n```python\nalpha = 1",
    "marks": lambda n: "<<<<<<< a\n=======\n>>>>>>> b\n" * n,
    "half marks": lambda n: "<<<<<<< a\n=======\n" * n,
    "base64": lambda n: "eyJj " * n + "!",
    "parts": lambda n: "From: a\nContent-Type: x; boundary=b\n\n" + "--b\n\n" * n,
    "percent": lambda n: "%7B" * n,
    "before": lambda n: "words {" + ' {"cells" ' * n,
    "cells in script": lambda n: "import x\n" + "# %% a\n" * n,
    "strings within": lambda n: json.dumps([json.dumps({"a": "x"})] * n),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_reading_takes_time_in_proportion_to_the_size(kind: str) -> None:
    def seconds(size: int) -> float:
        content = HOSTILE[kind](size).encode()
        started = time.process_time()
        assert isinstance(read_notebook(content, NAMES), Notebook | Unreadable)
        return time.process_time() - started

    small = min(seconds(2_000) for _ in range(3))
    assert min(seconds(32_000) for _ in range(2)) < 64 * max(small, 0.004)  # a quadratic one takes 256 times as much


def test_the_forms_module_of_each_kind_stands_alone() -> None:
    folder = Path(__file__).parent.parent / "autograder" / "intake" / "forms"
    for module in folder.glob("*.py"):
        assert "autograder.intake.notebook" not in module.read_text(encoding="utf-8"), module.name


# By file name


@pytest.mark.parametrize("ending", ["html", "htm", "md", "json", "txt", "HTML"])
def test_a_page_or_a_text_is_a_hand_in_if_it_defines_some_of_the_names(tmp_path: Path, ending: str) -> None:
    shown = {"html": page_of(PAGES["lab"]), "htm": page_of(PAGES["classic"]), "md": fenced("python")}
    (tmp_path / f"ada.{ending}").write_text(shown.get(ending.lower(), saved()))
    (tmp_path / f"other.{ending}").write_text("Words about `alpha`, no code.")
    found = collect([tmp_path], names=NAMES)
    assert [(one.key, one.filename) for one in found.submissions] == [("ada", f"ada.{ending}")]
    assert [left.source.rpartition("/")[2] for left in found.left_out] == [f"other.{ending}"]


@pytest.mark.parametrize("name", ["lab.html", "other.html", "README.md", "copy.txt"])
def test_a_notebook_is_never_displaced_by_a_page_or_a_text(tmp_path: Path, name: str) -> None:
    content = {"html": page_of(PAGES["lab"]), "md": fenced("python"), "txt": saved()}[name.rpartition(".")[2]]
    ada, ben = zipped(**{"lab.ipynb": saved(notebook("alpha = 1")), name: content}), zipped(**{name: content})
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("ada.zip", ada)
        archive.writestr("ben.zip", ben)
    found = {one.key: one for one in collect([tmp_path / "class.zip"], names=NAMES).submissions}
    assert (found["ada"].filename, found["ben"].filename) == ("lab.ipynb", name)


def test_an_archive_of_texts_alone_is_still_a_hand_in_without_a_notebook(tmp_path: Path) -> None:
    (tmp_path / "ada.zip").write_bytes(zipped(**{"README.md": "# Words", "data.json": "{}"}))
    (tmp_path / "ben.zip").write_bytes(zipped(**{"lab.ipynb": saved()}))
    found = {one.key: one for one in collect([tmp_path], names=NAMES).submissions}
    assert "holds no notebook, but README.md, data.json" in str(found["ada"].problem)
