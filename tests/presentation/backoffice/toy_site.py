"""A back office over a toy table, to test the base views without payorch's own data."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from flask import Flask
from flask_admin.base import expose
from flask_admin.contrib.sqla.filters import FilterEqual
from flask_babel import Babel
from flask_login import LoginManager, UserMixin
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import StaticPool

from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.paths import STATIC, TEMPLATES
from payorch.presentation import page_context, security_headers
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.admin_site import create_admin_site
from payorch.presentation.backoffice.shell.base_view import (
    BackofficeModelView,
    BackofficeView,
    shown_as,
)
from payorch.presentation.backoffice.shell.exact_filters import (
    AmountFilter,
    ChoiceFilter,
    TimeFilter,
)
from payorch.presentation.backoffice.shell.exact_search import keys_found
from payorch.presentation.backoffice.shell.keyset_list import KeysetListView

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Base(DeclarativeBase):
    pass


class ParcelRow(Base):
    __tablename__ = "parcels"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40), unique=True)
    label: Mapped[str]
    color: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    is_hidden: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class NoteRow(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


class ParcelsView(KeysetListView):
    required_permission = Permission.READ_PAYMENTS
    column_list = ("created_at", "public_id", "label", "amount_minor")
    column_kinds: ClassVar = {"created_at": "time", "public_id": "id", "amount_minor": "amount"}
    column_formatters: ClassVar = {
        "created_at": shown_as(lambda row: page_context.utc_time(row.created_at)),
        "amount_minor": shown_as(lambda row: page_context.money(row.amount_minor, row.currency)),
    }
    search_hint = "Parcel id or label"
    page_size = 10
    exact_filters = (
        ChoiceFilter(
            name="color",
            label="Color",
            choices=lambda: [("red", "Red"), ("blue", "Blue")],
            where=lambda value: ParcelRow.color == value,
        ),
        ChoiceFilter(
            name="currency",
            label="Currency",
            choices=lambda: [("EUR", "EUR"), ("JPY", "JPY")],
            where=lambda value: ParcelRow.currency == value,
        ),
        TimeFilter(
            name="since", label="Since", column=ParcelRow.created_at, bound="from", is_extra=True
        ),
        TimeFilter(
            name="until", label="Until", column=ParcelRow.created_at, bound="to", is_extra=True
        ),
        AmountFilter(
            name="least",
            label="At least",
            column=ParcelRow.amount_minor,
            bound="from",
            is_extra=True,
        ),
    )

    def get_query(self):
        return super().get_query().filter(ParcelRow.is_hidden.is_(False))

    def search_condition(self, text):
        keys = select(ParcelRow.id)
        return ParcelRow.id.in_(
            keys_found(text, [(keys, ParcelRow.public_id), (keys, ParcelRow.label)])
        )


class StockView(BackofficeModelView):
    """Flask-Admin's own list, filters and detail page."""

    required_permission = Permission.READ_JOURNAL
    column_list = ("public_id", "label", "color")
    column_filters = (
        FilterEqual(ParcelRow.color, "Color", options=[("red", "Red"), ("blue", "Blue")]),
    )
    column_searchable_list = ("label",)
    can_view_details = True
    column_details_list = ("public_id", "label")

    def get_query(self):
        return super().get_query().filter(ParcelRow.is_hidden.is_(False))


class NotesView(BackofficeModelView):
    required_permission = Permission.READ_JOURNAL
    column_list = ("id", "text")
    can_view_details = True


class ForgetfulView(BackofficeView):
    """A view whose author forgot to say who may see it."""

    @expose("/")
    def index(self):
        return "open to all"


class Person(UserMixin):
    def __init__(self, permissions, *, is_active=True):
        self.permissions = permissions
        self.active = is_active
        self.email = "olga@example.com"

    @property
    def is_active(self):
        return self.active

    def has_permission(self, permission):
        return permission in self.permissions


CAST = {
    "olga": Person({"payments.read", "journal.read"}),
    "finn": Person({"payments.read"}),
    "gone": Person({"payments.read", "journal.read"}, is_active=False),
    "nobody": Person(set()),
}
STAFF_HEADER = "X-Staff"


def toy_app(*, parcels=25):
    app = Flask("toy", template_folder=str(TEMPLATES), static_folder=str(STATIC))
    app.config.update(
        SECRET_KEY="toy",
        SQLALCHEMY_DATABASE_URI="sqlite://",
        SQLALCHEMY_ENGINE_OPTIONS={
            "poolclass": StaticPool,
            "connect_args": {"check_same_thread": False},
        },
    )
    db = SQLAlchemy(app, model_class=Base)
    Babel(app)
    CSRFProtect(app)
    security_headers.init_app(app)
    page_context.init_app(app)
    LoginManager(app).request_loader(lambda request: CAST.get(request.headers.get(STAFF_HEADER)))
    app.add_url_rule("/login", "security.login", lambda: "Log in")
    app.add_url_rule("/logout", "security.logout", lambda: "Bye", methods=["POST"])
    admin = create_admin_site(app)
    admin.add_view(ParcelsView(ParcelRow, db, name="Parcels", endpoint="parcels"))
    admin.add_view(StockView(ParcelRow, db, name="Stock", endpoint="stock", category="Records"))
    admin.add_view(NotesView(NoteRow, db, name="Notes", endpoint="notes", category="Records"))
    with app.app_context():
        db.create_all()
        db.session.add_all(a_parcel(number) for number in range(1, parcels + 1))
        db.session.add(NoteRow(id=1, text="First"))
        db.session.commit()
    return app


def a_parcel(number, **changes):
    values = {
        "id": number,
        "public_id": f"pc_{number:03}",
        "label": f"label {number}",
        "color": "red" if number % 2 else "blue",
        "amount_minor": number * 100,
        "currency": "EUR",
        # Several rows share a moment, as they do in life.
        "created_at": START + timedelta(minutes=number // 3),
        "is_hidden": number == 7,
    }
    return ParcelRow(**(values | changes))
