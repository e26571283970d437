"""The catalogs are in step with the texts in code and templates, complete and compiled."""

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from payorch import paths
from payorch.presentation.localization import LANGUAGES

ROOT = paths.TEMPLATES.parent
TRANSLATED = sorted(set(LANGUAGES) - {"en"})


@pytest.fixture(scope="module")
def texts():
    """Every text of the customer's pages, as the configuration for pybabel finds them."""
    with (paths.TRANSLATIONS / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    catalog = Catalog()
    for _file, _line, message, _comments, context in extract_from_dir(
        ROOT,
        method_map=methods,
        options_map=options,
        keywords={**DEFAULT_KEYWORDS, "lazy_gettext": None},
        directory_filter=lambda path: ".venv" not in path,
    ):
        catalog.add(message, context=context)
    return {message.id for message in catalog if message.id}


def catalog_of(language):
    path = paths.TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalog_holds_exactly_the_texts_of_the_pages(language, texts):
    ids = {message.id for message in catalog_of(language) if message.id}

    assert len(texts) > 100
    assert ids == texts


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated_and_keeps_its_placeholders(language):
    for message in catalog_of(language):
        if not message.id:
            continue
        forms = message.string if message.pluralizable else (message.string,)
        assert all(forms), message.id
        assert not message.fuzzy, message.id
        wanted = re.findall(r"%\(\w+\)[sd]", str(message.id))
        for form in forms:
            assert set(re.findall(r"%\(\w+\)[sd]", form)) == set(wanted), message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_compiled_catalog_is_the_one_in_the_source(language):
    path = paths.TRANSLATIONS / language / "LC_MESSAGES" / "messages.mo"
    with path.open("rb") as file:
        compiled = texts_of(read_mo(file))

    assert compiled == texts_of(catalog_of(language))


def texts_of(catalog):
    return {_plain(m.id): _plain(m.string) for m in catalog if m.id}


def _plain(text):
    """Plural forms come as a list or as a tuple."""
    return text if isinstance(text, str) else tuple(text)
