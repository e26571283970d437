"""Going from one page to the next in a browser."""


def follow(page, selector: str) -> None:
    """Clicks what leads to another page, and is back when that page is there.

    A bare click comes back while the old page is being taken down: whoever reads then may find
    no document at all.
    """
    with page.expect_navigation():
        page.click(selector)
