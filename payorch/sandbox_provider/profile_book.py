"""The profiles in force: read from a file, changed at run time."""

import threading
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from payorch.sandbox_provider.profile_values import ProfileError
from payorch.sandbox_provider.profiles import Profile, parse_profile, with_changes


class ProfileBook:
    """A change replaces a whole profile, so readers need no lock."""

    def __init__(self, path: Path, *, webhook_base_url: str | None = None) -> None:
        """With a base address, an account without `webhook_url` posts to {base}/{account}."""
        self._path = path
        self._webhook_base_url = webhook_base_url
        self._writing = threading.Lock()
        self._profiles = self._load()
        self.first_account = next(iter(self._profiles))

    def find(self, account: str) -> Profile | None:
        return self._profiles.get(account)

    def all(self) -> list[Profile]:
        return list(self._profiles.values())

    def put(self, account: str, raw: Mapping[str, Any]) -> Profile:
        with self._writing:
            profile = self._parse(account, raw)
            self._profiles = {**self._profiles, account: profile}
        return profile

    def patch(self, account: str, raw: Mapping[str, Any]) -> Profile:
        """Null brings back a field's default. Raises KeyError for an unknown account."""
        with self._writing:
            profile = self._parse(account, with_changes(self._profiles[account], raw))
            self._profiles = {**self._profiles, account: profile}
        return profile

    def reset(self) -> None:
        with self._writing:
            self._profiles = self._load()

    def _load(self) -> dict[str, Profile]:
        """Profiles by account, in the file's order; the first one is the demo's troublemaker."""
        with self._path.open("rb") as file:
            accounts = tomllib.load(file).get("accounts", {})
        if not accounts:
            raise ProfileError(f"{self._path.name} holds no [accounts.*] table")
        return {account: self._parse(account, raw) for account, raw in accounts.items()}

    def _parse(self, account: str, raw: Mapping[str, Any]) -> Profile:
        if self._webhook_base_url is not None:
            raw = {"webhook_url": f"{self._webhook_base_url.rstrip('/')}/{account}", **raw}
        return parse_profile(account, raw)
