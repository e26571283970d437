import re

import pytest
from flask import Flask, abort, render_template_string

from payorch.presentation import security_headers


def an_app(**options):
    app = Flask(__name__)
    security_headers.init_app(app, **options)

    @app.get("/")
    def page():
        return render_template_string("{{ csp_nonce() }} {{ csp_nonce() }}")

    @app.get("/broken")
    def broken():
        abort(500)

    @app.get("/cached")
    def cached():
        return "x", {"Cache-Control": "private, max-age=5"}

    return app


def policy(response):
    return {
        directive.split()[0]: directive.split()[1:]
        for directive in response.headers["Content-Security-Policy"].split("; ")
    }


@pytest.mark.parametrize("path", ["/", "/broken", "/no-such-page", "/static/nothing.css"])
def test_every_response_carries_the_headers_errors_included(path):
    response = an_app().test_client().get(path)

    assert policy(response)["default-src"] == ["'none'"]
    assert policy(response)["frame-ancestors"] == ["'none'"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in response.headers["Permissions-Policy"]


def test_page_and_header_share_one_nonce_and_each_request_has_its_own():
    client = an_app().test_client()

    first, second = client.get("/"), client.get("/")

    in_page = re.fullmatch(r"(\S{20,}) (\S{20,})", first.text)
    assert in_page
    assert in_page[1] == in_page[2]
    assert policy(first)["script-src"] == ["'self'", f"'nonce-{in_page[1]}'"]
    assert policy(first)["style-src"] == ["'self'", f"'nonce-{in_page[1]}'"]
    assert in_page[1] not in second.text


def test_nothing_inline_or_evaluated_is_allowed():
    assert "unsafe" not in an_app().test_client().get("/").headers["Content-Security-Policy"]


def test_pay_form_may_end_at_a_providers_page():
    app = an_app(form_action_origins=["http://localhost:4400", "https://pay.example"])

    allowed = policy(app.test_client().get("/"))["form-action"]

    assert allowed == ["'self'", "http://localhost:4400", "https://pay.example"]


@pytest.mark.parametrize("origin", ["https://a.example; script-src *", "https://a b", "'none'"])
def test_setting_cannot_smuggle_a_directive_into_the_policy(origin):
    with pytest.raises(ValueError, match="not an origin"):
        an_app(form_action_origins=[origin])


def test_pages_are_not_stored_but_static_files_may_be():
    client = an_app().test_client()

    assert client.get("/").headers["Cache-Control"] == "no-store"
    assert client.get("/cached").headers["Cache-Control"] == "private, max-age=5"
    assert client.get("/static/nothing.css").headers.get("Cache-Control") != "no-store"


def test_browsers_are_told_to_insist_on_https_only_where_it_is_served():
    assert "Strict-Transport-Security" not in an_app().test_client().get("/").headers

    told = an_app(https=True).test_client().get("/").headers["Strict-Transport-Security"]
    assert told.startswith("max-age=31536000")
