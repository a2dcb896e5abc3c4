import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from backend.web.origin import from_elsewhere, from_our_page

HERE = ("host", "localhost:9090")


def headers(*more: tuple[str, str]) -> Headers:
    return Headers(raw=[(k.encode(), v.encode()) for k, v in (HERE, *more)])


def site(value: str) -> tuple[str, str]:
    return ("sec-fetch-site", value)


def origin(value: str) -> tuple[str, str]:
    return ("origin", value)


LINK = (site("cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"))


@pytest.mark.parametrize(
    "more",
    [
        [site("cross-site")], [site("same-site")], [site("")], [site("same-origin"), site("cross-site")],
        [origin("http://evil.example")], [origin("null")], [origin("")], [origin("http://localhost:8080")],
        [origin("http://localhost:9090.evil.example")], [origin("http://localhost:9090@evil.example")],
        [origin("http://[")], [origin("http://localhost:9090"), origin("http://evil.example")],
        [site("same-origin"), origin("http://evil.example")], [site("same-site"), origin("http://localhost:9090")],
        [site("cross-site"), ("sec-fetch-mode", "cors")], [site("cross-site"), ("sec-fetch-mode", "no-cors")],
        [site("cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
        [site("cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "object")],
        [*LINK, origin("http://evil.example")],
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
def test_what_another_sites_page_asks_for(method: str, more: list[tuple[str, str]]) -> None:
    assert from_elsewhere(method, headers(*more))
    assert not from_our_page(headers(*more)) or more[0] == site("same-origin") or len(more) == 2


@pytest.mark.parametrize(
    "more",
    [
        [], [site("same-origin")], [site("none")], [origin("http://localhost:9090")], [origin("https://LOCALHOST:9090")],
        [site("same-origin"), origin("http://localhost:9090")],
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_programs_and_our_own_pages(method: str, more: list[tuple[str, str]]) -> None:
    assert not from_elsewhere(method, headers(*more))


def test_a_link_leads_a_person_here_and_a_form_does_not() -> None:
    assert not from_elsewhere("GET", headers(*LINK))
    assert from_elsewhere("POST", headers(*LINK))


def test_a_proxy_may_give_us_another_name_than_the_browser_knows() -> None:
    asked = headers(site("same-origin"), origin("https://models.example"))
    assert from_elsewhere("POST", asked)
    assert not from_elsewhere("POST", asked, {"models.example"})
    assert from_elsewhere("POST", headers(origin("https://models.example")), {"models.example"}), (
        "nothing vouches for it"
    )


def test_an_order_needs_a_word_of_the_browser() -> None:
    assert not from_our_page(headers())
    assert not from_our_page(headers(site("none")))
    assert not from_our_page(Headers({"origin": ""}))
    assert not from_our_page(Headers({"host": "", "origin": ""}))
    assert from_our_page(headers(site("same-origin")))


@given(st.text(max_size=40))
def test_no_origin_breaks_it(value: str) -> None:
    asked = Headers(raw=[(b"host", b"localhost:9090"), (b"origin", value.encode(errors="replace"))])
    assert from_elsewhere("GET", asked) or "localhost:9090" in value.lower()
