"""The back office as one Flask-Admin site: its address, its look and its first page."""

from collections.abc import Iterator

from flask import Flask, abort, redirect
from flask.typing import ResponseReturnValue
from flask_admin.base import Admin, AdminIndexView, expose
from flask_admin.theme import Bootstrap4Theme

from payorch.presentation.backoffice.shell import appearance
from payorch.presentation.backoffice.shell.access import AccessGuard, is_active_staff

BASE_TEMPLATE = "backoffice/base.html"


class FirstPage(AccessGuard, AdminIndexView):
    """/admin/ itself: leads to the first page of the menu that this person may see."""

    def __init__(self) -> None:
        super().__init__(name="Home", url="/admin")

    def is_visible(self) -> bool:
        return False

    def is_accessible(self) -> bool:
        return is_active_staff()

    @expose("/")
    def index(self) -> ResponseReturnValue:
        address = next(self._addresses_in_menu(), None)
        if address is None:
            abort(403)
        return redirect(address)

    def _addresses_in_menu(self) -> Iterator[str]:
        for item in self.admin.menu() if self.admin else ():
            for page in item.get_children() if item.is_category() else [item]:
                if page.is_accessible() and page.is_visible() and (address := page.get_url()):
                    yield address


def create_admin_site(app: Flask) -> Admin:
    """An empty back office under /admin; the caller adds the views.

    Flask-Babel and CSRFProtect must be initialized on `app` before: Flask-Admin asks for the
    locale on each page, and has no protection against forged requests of its own.
    """
    for extension in ("babel", "csrf"):
        if extension not in app.extensions:
            raise RuntimeError(f"Initialize {extension} before the back office.")
    appearance.init_app(app)
    return Admin(
        app,
        name="payorch",
        index_view=FirstPage(),
        theme=Bootstrap4Theme(base_template=BASE_TEMPLATE),
    )
