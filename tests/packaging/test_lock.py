"""The locks: complete, hashed, without addresses, and the small one part of the large one."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOP = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-runtime.lock")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;]+)", re.MULTILINE)


def _pins(name: str) -> dict[str, str]:
    found = _PIN.findall((TOP / name).read_text())
    return {canonicalize_name(package): version for package, version in found}


def _requirements(*, with_extras: bool) -> list[Requirement]:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())
    lines = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    if with_extras:
        for extra in project["project"]["optional-dependencies"].values():
            lines += extra
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_locked_at_an_allowed_version(name: str) -> None:
    pins = _pins(name)

    for requirement in _requirements(with_extras=name == "requirements.lock"):
        version = pins.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is missing; run .ci/lock"
        assert requirement.specifier.contains(version), f"{requirement} but {version} is locked"


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_hashes(name: str) -> None:
    blocks = re.split(r"^(?=[A-Za-z0-9])", (TOP / name).read_text(), flags=re.MULTILINE)[1:]

    # One package may be there twice, for different versions of Python.
    assert {canonicalize_name(_PIN.findall(block)[0][0]) for block in blocks} == set(_pins(name))
    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_address_and_no_folder(name: str) -> None:
    text = (TOP / name).read_text()

    assert "://" not in text
    assert not re.search(r"^--?\w*(index|find-links|trusted|extra)", text, re.MULTILINE)
    assert not re.search(r"(^|\s)/\w", text)


def test_what_runs_is_what_is_tested() -> None:
    everything = _pins("requirements.lock")

    assert _pins("requirements-runtime.lock").items() <= everything.items()
