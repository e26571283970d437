import pytest
from flask import Flask, jsonify
from flask_babel import get_locale

from payorch.presentation import localization


@pytest.fixture
def client():
    app = Flask(__name__)
    localization.init_app(app)

    @app.route("/page", methods=["GET", "POST"])
    @app.route("/admin/page")
    def page():
        links = [(link.code, link.url, link.is_current) for link in localization.language_links()]
        return jsonify(language=str(get_locale()), links=links)

    return app.test_client()


def language(answer):
    return answer.json["language"]


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("es-AR,es;q=0.9", "es"), ("de,fr;q=0.5", "en"), ("", "en"), ("de,es;q=0.1", "es")],
)
def test_browser_says_the_language_first(client, accepted, expected):
    assert language(client.get("/page", headers={"Accept-Language": accepted})) == expected


def test_language_of_the_address_wins_and_is_remembered(client):
    assert language(client.get("/page?lang=es")) == "es"
    assert language(client.get("/page", headers={"Accept-Language": "en"})) == "es"


def test_language_sent_with_a_form_is_remembered(client):
    assert language(client.post("/page", data={"lang": "es"})) == "es"
    assert language(client.get("/page")) == "es"


def test_unknown_language_is_ignored(client):
    answer = client.get("/page?lang=xx")

    assert language(answer) == "en"
    assert "Set-Cookie" not in answer.headers


def test_back_office_is_english(client):
    assert language(client.get("/admin/page?lang=es", headers={"Accept-Language": "es"})) == "en"


def test_links_keep_the_rest_of_the_address(client):
    links = client.get("/page?amount=5&lang=es").json["links"]

    assert links == [
        ["en", "/page?amount=5&lang=en", False],
        ["es", "/page?amount=5&lang=es", True],
    ]
