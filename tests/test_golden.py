"""Four classes come out as they did: every score, page, result and gradebook, byte for byte (tests/golden)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from golden.classes import CLASSES
from golden.files import DIGESTS, digests, outputs


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_comes_out_as_it_did(name: str, tmp_path: Path) -> None:
    CLASSES[name](tmp_path)
    now, before = digests(outputs(tmp_path)), json.loads(DIGESTS.read_text())[name]
    differ = {file for file in {*now, *before} if now.get(file) != before.get(file)}
    readable = {file: (before.get(file), now.get(file)) for file in differ if file.endswith(".csv")}
    assert not differ, f"{sorted(differ)}: see golden/__main__.py\n{readable}"
