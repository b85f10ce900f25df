"""Which Canvas site is talked to, and with whose token. Called by `push` before anything is asked.

The token is read from the environment (CANVAS_API_TOKEN) or the system's keyring, and from nowhere else: on a command
line other users of the machine could read it, in a course's file it would be committed. It is never shown: `Token`
prints as stars, also in a traceback.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import keyring
from keyring.errors import KeyringError

from autograder.errors import AutograderError

VARIABLE = "CANVAS_API_TOKEN"
SERVICE = "autograder"  # the keyring's name for us; its user is the site's address
# What a header may hold. The HTTP library's own refusal of anything else would quote the token.
PRINTABLE = re.compile(r"[\x21-\x7e]+")


class Token:
    """An access token that no message shows."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The token itself, for the request's header alone."""
        return self._text

    def hidden_in(self, text: str) -> str:
        """`text` with stars where it quotes the token."""
        return text.replace(self._text, "****")

    def __repr__(self) -> str:
        return "Token(****)"


def site_address(url: str) -> str:
    """A site's address as "https://host[:port]". Raises AutograderError for what is none, or in clear.

    Only a server on this machine may be talked to without TLS (RFC 6761 has "localhost" resolve to it).
    """
    wanted = 'give the site alone, such as "https://canvas.example.edu"'
    try:
        parts = urlsplit(url.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise AutograderError(f'Canvas: "{url}" is no address ({error}); {wanted}.') from None
    if "@" in parts.netloc:
        raise AutograderError(f"Canvas: the address holds a user name or password; {wanted}.")
    host = (parts.hostname or "").lower()
    if parts.scheme not in ("https", "http") or not host:
        raise AutograderError(f'Canvas: "{url}" is no address of a site; {wanted}.')
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise AutograderError(f'Canvas: "{url}" says more than the site; {wanted}, and course and assignment apart.')
    if parts.scheme == "http" and not _loopback(host):
        raise AutograderError(f'Canvas: "{url}" would send the token unencrypted; use https://.')
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def access_token(site: str, environment: Mapping[str, str] = os.environ) -> Token:
    """The token for a site. Raises AutograderError that says how to give one, and never quotes it."""
    text = environment.get(VARIABLE, "").strip()
    where = f"in {VARIABLE}"
    if not text:
        text, where = _from_keyring(site).strip(), "in the keyring"
    if not text:
        raise AutograderError(
            f"No token for {site}. Make one on Canvas (Account, Settings, New Access Token), then put it into the "
            f"environment as {VARIABLE}, or into the keyring: keyring set {SERVICE} {site}"
        )
    if not PRINTABLE.fullmatch(text):
        raise AutograderError(f"The token {where} has blanks or characters that no token has; copy it again.")
    return Token(text)


def _from_keyring(site: str) -> str:
    try:
        return keyring.get_password(SERVICE, site) or ""
    except KeyringError:  # there is none here, or it is locked: the same to us as one without an entry
        return ""
