"""Security headers: nothing in an answer runs, is shown inside another site's page, or is taken for something else."""

from starlette.datastructures import MutableHeaders

HEADERS = {
    # No style or script inside pages either: what a label or a file name holds can never run.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers would then send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def complete(headers: MutableHeaders) -> None:
    """Add what an answer does not say itself."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
