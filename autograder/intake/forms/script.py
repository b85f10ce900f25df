"""Reads a Python script as a notebook: cells as editors, nbconvert, jupytext and Databricks mark them.

Called by `read_notebook`.
"""

from __future__ import annotations

import re
from typing import Any

from autograder.intake.forms.repairs import Repairs

CELL = re.compile(r"^# (?:%%|In\s?\[[ \d]*\]:|\+|-$|COMMAND -{10}|Databricks notebook source).*$", re.MULTILINE)
MAGIC = re.compile(r"^# MAGIC ?", re.MULTILINE)  # Databricks' mark before all that is no Python


def script_cells(text: str, repairs: Repairs) -> dict[str, Any]:
    """A cell where one is marked, else one for all of it."""
    repairs.note("A Python script was handed in, no notebook; it was run as one.")
    cells: list[dict[str, Any]] = []
    for part in CELL.split(text.replace("\r\n", "\n")):
        source = part.strip("\n")
        if source.lstrip().startswith("# MAGIC"):
            source = MAGIC.sub("", source)
            if source.lstrip().startswith("%md"):
                continue
        if source.strip():
            cells.append({"cell_type": "code", "source": source, "outputs": []})
    return {"cells": cells}
