"""A browser of one demo customer: pages over HTTP, cookies, forms. It runs no scripts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3

MOST_REDIRECTS = 5
TIMEOUT_S = 45.0
"""Longer than a submission's deadline: the customer waits for the page."""


class BrowsingError(Exception):
    """The site did not answer, or not with a page that can be used."""


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes and what its hidden fields hold."""

    action: str
    id: str | None = None
    hidden: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    url: str
    status: int
    text: str
    forms: tuple[Form, ...]

    def form(self, form_id: str | None = None) -> Form:
        """The form with this id, or the first one. Raises BrowsingError when there is none."""
        for found in self.forms:
            if form_id is None or found.id == form_id:
                return found
        raise BrowsingError(f"{self.status}: no form {form_id or ''} on the page")


class _FormReader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.forms.append(Form(urljoin(self._url, found.get("action") or ""), found.get("id")))
        elif tag == "input" and found.get("type") == "hidden" and self.forms:
            name = found.get("name")
            if name:
                self.forms[-1].hidden[name] = found.get("value") or ""


class Browser:
    """Cookies are kept per site and live as long as the browser."""

    def __init__(self) -> None:
        self._http = urllib3.PoolManager(num_pools=2, maxsize=1, retries=False)
        self._cookies: dict[str, dict[str, str]] = {}

    def get(self, url: str) -> Page:
        return self._visit("GET", url, None)

    def send(self, form: Form, fields: Mapping[str, str]) -> Page:
        """Post `form` with its hidden fields and `fields`, and follow where that leads."""
        return self._visit("POST", form.action, {**form.hidden, **fields})

    def close(self) -> None:
        self._http.clear()

    def _visit(self, method: str, url: str, fields: Mapping[str, str] | None) -> Page:
        for _ in range(MOST_REDIRECTS + 1):
            response = self._request(method, url, fields)
            target = response.headers.get("Location")
            if response.status not in {301, 302, 303, 307, 308} or target is None:
                return self._page(url, response)
            # Every redirect of the site is one to a page (303), never one that posts again.
            method, url, fields = "GET", urljoin(url, target), None
        raise BrowsingError("too many redirects")

    def _request(
        self, method: str, url: str, fields: Mapping[str, str] | None
    ) -> urllib3.BaseHTTPResponse:
        cookies = self._cookies.setdefault(urlsplit(url).netloc, {})
        headers = {"Accept": "text/html", "Accept-Language": "en"}
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        body = None
        if fields is not None:
            body = urlencode(fields)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            response = self._http.request(
                method, url, body=body, headers=headers, timeout=TIMEOUT_S, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise BrowsingError(type(error).__name__) from None
        for line in response.headers.getlist("Set-Cookie"):
            cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        return response

    def _page(self, url: str, response: urllib3.BaseHTTPResponse) -> Page:
        text = response.data.decode("utf-8", "replace")
        reader = _FormReader(url)
        reader.feed(text)
        return Page(url, response.status, text, tuple(reader.forms))
