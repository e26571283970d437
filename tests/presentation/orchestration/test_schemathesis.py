"""The API against its own document: what it promises holds for whatever a client sends."""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.presentation.orchestration.conftest import APPROVED, BEARER, an_order

OPERATIONS = (
    "createOrder",
    "readOrder",
    "cancelOrder",
    "listMethodsOfOrder",
    "listMethods",
    "payOrder",
    "createPayment",
    "createRefund",
    "listRefundsOfOrder",
    "readRefund",
    "retryRefund",
)
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)

LONG_EXAMPLES = 1000 if "THOROUGH" in os.environ else 250
"""For each operation and mode: 5,500 requests in all."""

# Some schema-valid requests are refused for reasons no schema can say: a wrong check digit, an
# amount that no method takes.
LEFT_OUT = [positive_data_acceptance]


@pytest.fixture(scope="module")
def document(app):
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)


@pytest.fixture
def order_id(api):
    return api.post("/orders", an_order()).json["id"]


def make_plausible(case, order_id):
    """Let a valid request get past what only we know: which orders, cards and providers exist."""
    if "order_id" in case.path_parameters:
        case.path_parameters = {"order_id": order_id}
    if isinstance(case.body, dict) and case.body.get("card"):
        case.body = {**case.body, "provider": "beta"}
        case.body["card"] = {**case.body["card"], "number": APPROVED}


def is_about_the_key(case):
    """Whether what is wrong with it may be its key, which must not be put right then."""
    headers = case.meta.components.get(ParameterLocation.HEADER)
    return headers is not None and headers.mode.is_negative


def keep_promises(document, operation_id, mode, order_id, *, examples):
    operation = document.find_operation_by_id(operation_id)

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    def check(case):
        if mode is GenerationMode.POSITIVE:
            make_plausible(case, order_id)
        headers = {} if is_about_the_key(case) else BEARER
        case.call_and_validate(headers=headers, excluded_checks=LEFT_OUT)

    check()


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_answers_keep_what_the_document_promises(document, order_id, operation_id, mode):
    keep_promises(document, operation_id, mode, order_id, examples=20)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_answers_keep_what_the_document_promises_at_length(document, order_id, operation_id, mode):
    keep_promises(document, operation_id, mode, order_id, examples=LONG_EXAMPLES)


def test_every_operation_is_tried(document):
    known = {result.ok().definition.raw["operationId"] for result in document.get_all_operations()}

    assert known == set(OPERATIONS)
