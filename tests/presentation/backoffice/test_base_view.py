import re

import pytest

from payorch.presentation.backoffice.permissions import ROLE_PERMISSIONS, Permission
from payorch.presentation.backoffice.shell.base_view import BackofficeModelView
from tests.presentation.backoffice.toy_site import (
    STAFF_HEADER,
    ForgetfulView,
    ParcelRow,
    toy_app,
)


@pytest.fixture(scope="module")
def app():
    return toy_app()


@pytest.fixture
def get(app):
    """Reads a page as one of the cast; `staff=None` is a visitor."""

    def read(path, staff="olga", **query):
        headers = {STAFF_HEADER: staff} if staff else {}
        return app.test_client().get(path, headers=headers, query_string=query or None)

    return read


def test_visitor_is_sent_to_the_login_and_back_to_where_they_came_for(get):
    response = get("/admin/stock/?page=2", staff=None)

    assert response.status_code == 302
    assert response.location == "/login?next=/admin/stock/?page%3D2"


@pytest.mark.parametrize("staff", ["finn", "nobody"])
def test_staff_without_the_permission_get_403(get, staff):
    assert get("/admin/stock/", staff=staff).status_code == 403


def test_account_that_was_closed_opens_nothing(get):
    assert get("/admin/stock/", staff="gone").location.startswith("/login?")


def test_view_that_names_no_permission_is_closed_for_everybody(app):
    view = ForgetfulView(name="Forgetful")

    with app.test_request_context(headers={STAFF_HEADER: "olga"}):
        assert view.is_accessible() is False


def test_menu_shows_only_what_the_person_may_open(get):
    assert "/admin/stock/" in get("/admin/parcels/", staff="olga").text
    assert "/admin/stock/" not in get("/admin/parcels/", staff="finn").text


def test_first_page_leads_to_the_first_open_one(get):
    assert get("/admin/", staff="finn").location == "/admin/parcels/"
    assert get("/admin/", staff="nobody").status_code == 403


@pytest.mark.parametrize(
    "path",
    ["/admin/stock/new/", "/admin/stock/edit/?id=pc_001", "/admin/stock/export/csv/"],
)
def test_read_only_views_have_no_page_to_write_or_export(get, path):
    assert get(path).status_code == 302


def test_nothing_can_be_deleted_or_acted_on_by_posting(app):
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    try:
        for path, form in [
            ("delete/", {"id": "pc_001"}),
            ("action/", {"action": "delete", "rowid": "pc_001"}),
            ("ajax/update/", {"list_form_pk": "pc_001", "label": "changed"}),
            ("edit/?id=pc_001", {"label": "changed"}),
        ]:
            client.post(f"/admin/stock/{path}", data=form, headers={STAFF_HEADER: "olga"})
    finally:
        app.config["WTF_CSRF_ENABLED"] = True

    page = client.get("/admin/stock/details/?id=pc_001", headers={STAFF_HEADER: "olga"})
    assert "label 1" in page.text


@pytest.mark.parametrize("path", ["/admin/stock/delete/", "/admin/stock/action/"])
def test_posting_without_a_token_is_refused(app, path):
    response = app.test_client().post(path, headers={STAFF_HEADER: "olga"})

    assert response.status_code == 400


def test_rows_are_addressed_by_their_public_id(get):
    assert "details/?id=pc_025" in get("/admin/stock/").text
    assert "label 3" in get("/admin/stock/details/", id="pc_003").text


def test_row_that_the_list_does_not_show_cannot_be_reached_by_its_id(get):
    assert "pc_007" not in get("/admin/stock/").text
    assert get("/admin/stock/details/", id="pc_007").status_code == 302


@pytest.mark.parametrize(
    "odd_id",
    ["", "3", "pc_999", "1,2", "\0", "pc_001\0", "x" * 100_000, "' OR 1=1 --", "\u0661"],
)
def test_odd_ids_find_nothing_and_break_nothing(get, odd_id):
    assert get("/admin/stock/details/", id=odd_id).status_code == 302


@pytest.mark.parametrize("odd_id", ["abc", "-1", "1.0", "1e3", "9" * 30, "\u0661", "1,2", "\0"])
def test_odd_integer_keys_find_nothing_and_break_nothing(get, odd_id):
    assert get("/admin/notes/details/", id=odd_id).status_code == 302


def test_integer_key_finds_its_row(get):
    assert "First" in get("/admin/notes/details/", id="1").text


@pytest.mark.parametrize("page", ["-1", "0", "99", "100000000000000000000", "x"])
def test_any_page_number_gives_a_page(get, page):
    assert get("/admin/stock/", page=page).status_code == 200


def test_nul_in_search_and_filters_is_dropped(get):
    response = get("/admin/stock/", search="label\0 2", flt0_color_equals="red\0")

    assert response.status_code == 200
    assert "pc_021" in response.text


def test_stock_filter_is_exact(get):
    rows = set(re.findall(r"pc_\d+", get("/admin/stock/", flt0_color_equals="blue").text))

    assert rows == {f"pc_{number:03}" for number in range(2, 25, 2)}


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "must list its columns"),
        ({"column_list": ("label",), "can_delete": True}, "never deleted"),
        ({"column_list": ("label",), "column_editable_list": ("label",)}, "inline editing"),
        ({"column_list": ("label",), "can_edit": True}, "must list its form_columns"),
        ({"column_list": ("label",), "can_create": True}, "must list its form_columns"),
    ],
)
def test_unsafe_view_cannot_even_be_built(settings, complaint):
    view = type("CarelessView", (BackofficeModelView,), settings)

    with pytest.raises(TypeError, match=complaint):
        view(ParcelRow, None)


def test_each_permission_is_held_by_some_role():
    assert frozenset().union(*ROLE_PERMISSIONS.values()) == set(Permission)


def test_appearance_is_kept_in_a_cookie_of_the_back_office(app):
    client = app.test_client()
    page = client.get("/admin/parcels/?color=red", headers={STAFF_HEADER: "olga"})
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]

    response = client.post(
        "/admin/appearance",
        data={"csrf_token": token, "appearance": "dark", "next": "/admin/parcels/?color=red"},
    )

    assert (response.status_code, response.location) == (303, "/admin/parcels/?color=red")
    assert "HttpOnly" in response.headers["Set-Cookie"]
    dark = client.get("/admin/parcels/", headers={STAFF_HEADER: "olga"})
    assert 'data-bs-theme="dark"' in dark.text


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/admin/", "//evil.example", "/admin/\\evil", "/admin/\r\nX: y", "", "/x"],
)
def test_appearance_leads_nowhere_else(app, target):
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        response = app.test_client().post(
            "/admin/appearance", data={"appearance": "light", "next": target}
        )
    finally:
        app.config["WTF_CSRF_ENABLED"] = True

    assert response.location == "/admin/"


def test_unknown_appearance_is_refused(app):
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        response = app.test_client().post("/admin/appearance", data={"appearance": "pink"})
    finally:
        app.config["WTF_CSRF_ENABLED"] = True

    assert response.status_code == 400
