import hashlib
import re
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs_version

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "payorch/presentation/static/vendor"
DOCUMENTED = dict(
    re.findall(
        r"^\| (\S+) \|.*\| `([0-9a-f]{64})` \|$",
        (ROOT / "docs/vendored.md").read_text(),
        flags=re.MULTILINE,
    )
)


def test_every_vendored_file_is_documented_and_nothing_else():
    built = {path.name for path in VENDOR.iterdir()} - {"BUILD.md", "build.mjs"}

    assert set(DOCUMENTED) == built


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_vendored_file_is_the_one_that_was_documented(name):
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == DOCUMENTED[name]


def test_browser_draws_with_the_version_that_the_wheel_validates_with():
    head = (VENDOR / "plotly.min.js").read_text()[:200]

    assert head.startswith(f"/*! plotly.js v{get_plotlyjs_version()} ")


@pytest.mark.parametrize("name", ["plotly.min.js", "sortable.min.js"])
def test_vendored_scripts_run_under_a_policy_without_unsafe_eval(name):
    assert not re.search(r"\beval\(|new Function\b", (VENDOR / name).read_text())


@pytest.mark.parametrize("name", ["plotly.min.js", "sortable.min.js", "tabler.min.css"])
def test_vendored_files_keep_their_license_header(name):
    assert re.search(r"MIT", (VENDOR / name).read_text()[:400])


@pytest.mark.parametrize("name", ["plotly.css", "tabler.min.css"])
def test_vendored_styles_load_nothing_else(name):
    text = (VENDOR / name).read_text()

    assert "sourceMappingURL" not in text
    assert "@import" not in text
    assert not re.search(r"url\((?![\"']?(data:|#))", text)
