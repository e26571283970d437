import re

import pytest

PROBLEM = "#/components/schemas/Problem"


@pytest.fixture(scope="module")
def document(app):
    return app.test_client().get("/api/v1/openapi.json").json


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_it_describes_every_operation_of_the_api_and_nothing_else(app, document):
    rules = {
        f"{method} {rule.rule}".replace("<", "{").replace(">", "}")
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and not rule.rule.endswith(("/docs", "/openapi.json"))
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert document["openapi"].startswith("3.1")
    assert {name for name, _ in operations(document)} == rules


def test_every_reference_leads_somewhere(document):
    references = set(re.findall(r"#/components/schemas/([\w.]+)", str(document)))

    assert references <= set(document["components"]["schemas"])


def test_every_operation_documents_its_problems(document):
    for name, operation in operations(document):
        problems = {
            status: answer["content"]["application/problem+json"]["schema"]["$ref"]
            for status, answer in operation["responses"].items()
            if status[0] in "45"
        }
        assert {"401", "500", "503"} <= set(problems), name
        assert set(problems.values()) == {PROBLEM}, name


def test_paying_requires_the_idempotency_key_header(document):
    required = {
        name: parameter["required"]
        for name, operation in operations(document)
        for parameter in operation.get("parameters", [])
        if parameter["name"] == "Idempotency-Key"
    }

    assert required == {
        "POST /api/v1/orders": False,
        "POST /api/v1/payments": True,
        "POST /api/v1/orders/{order_id}/pay": True,
        "POST /api/v1/orders/{order_id}/refunds": True,
    }


def test_the_readable_page_shows_every_operation_schema_and_problem_without_scripts(app, document):
    answer = app.test_client().get("/api/v1/docs")

    assert answer.status_code == 200
    for _, operation in operations(document):
        assert f'id="{operation["operationId"]}"' in answer.text
    for name in document["components"]["schemas"]:
        assert f'id="schema-{name}"' in answer.text
    assert 'id="problem-idempotency_key_reused"' in answer.text
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    assert "//" not in re.sub(r'"/[^"]*"|http://www.w3.org/\S+', "", answer.text)


def test_every_link_inside_the_page_leads_somewhere(app):
    html = app.test_client().get("/api/v1/docs").text

    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(re.findall(r'id="([^"]+)"', html))
