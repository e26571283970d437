"""What a template and a script must not do under a strict Content-Security-Policy."""

import re

from tests.architecture.source_tree import texts


def _lines_with(pattern: str, files: dict[str, str]) -> list[str]:
    wanted = re.compile(pattern, re.IGNORECASE)
    return [
        f"{path}:{number}"
        for path, text in files.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if wanted.search(line)
    ]


def _templates() -> dict[str, str]:
    return {**texts("templates", ".html"), **texts("payorch/sandbox_provider", ".html")}


def test_templates_never_switch_escaping_off() -> None:
    assert not _lines_with(r"\|\s*safe\b|autoescape\s+false", _templates())


def test_templates_hold_no_inline_handlers() -> None:
    assert not _lines_with(r"<[^>]*\son[a-z]+\s*=|href=[\"']javascript:", _templates())


def test_templates_hold_no_inline_styles() -> None:
    # Plotly looks for its style element by id; it is empty and carries the nonce.
    allowed = 'id="plotly.js-style-global"'

    found = _lines_with(r"\sstyle\s*=|<style\b", _templates())

    assert [place for place in found if allowed not in _line(place)] == []


def test_scripts_come_from_files() -> None:
    found = _lines_with(r"<script\b(?![^>]*\b(src|type=[\"']application/json[\"']))", _templates())

    assert not found


def test_pages_ask_no_other_host() -> None:
    files = {**_templates(), **texts("payorch/presentation/static", ".css", ".js")}

    assert not _lines_with(r"(src|href|url\()\s*=?\s*[\"']?(https?:)?//", files)


def test_own_scripts_build_no_html_from_text() -> None:
    own = texts("payorch/presentation/static", ".js", ".mjs")

    assert not _lines_with(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", own)


def _line(place: str) -> str:
    path, _, number = place.rpartition(":")
    return _templates()[path].splitlines()[int(number) - 1]
