"""Asks a Canvas site over HTTP: bounded in time, size and tries, repeated only where that can do no harm. Used by
`assignment` alone, which says what is asked.

Canvas throttles with 429 (its API's page on throttling), older ones with 403 and the text "Rate Limit Exceeded" (its
app/middleware/request_throttle.rb); either says that nothing was done, so both are repeated for every request. A
server's error or a connection that broke says nothing about what was done, so that repeats only requests that may
safely happen twice.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import requests
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from autograder.canvas.access import Token
from autograder.errors import AutograderError

API = "/api/v1/"
PASSING = (500, 502, 503, 504)
LARGEST = 64 * 2**20  # bytes of one answer; a page has at most 100 students with their comments
PAGES = 1000  # of one list


class CanvasError(AutograderError):
    """Canvas cannot be used so; the text says what to do. `status` is what HTTP said, 0 without an answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class UnansweredError(CanvasError):
    """A change was sent, and nobody knows whether it was taken."""


class Said(BaseModel):
    """Something in an answer. What Canvas says beside it is passed over."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


Shape = TypeVar("Shape")


@dataclass(frozen=True)
class Pace:
    """How patient we are. All times in seconds."""

    tries: int = 6  # of one request, the first included
    backoff: float = 2.0  # the waits before the tries after the first are 0, 2, 4, 8... times this
    longest: float = 60.0  # of any single wait, also where Retry-After asks for more
    silence: float = 60.0  # of the server, within a request
    poll: float = 1.0  # between two looks at a job; it doubles
    longest_poll: float = 10.0
    polls: int = 64  # looks at one job: about ten minutes

    def wait_to_retry(self, tried: int, retry_after: str = "") -> None:
        """Wait after so many tries; `retry_after` is the header of that name, as seconds or a date."""
        try:
            seconds = Retry().parse_retry_after(retry_after)
        except InvalidHeader:
            seconds = self.backoff * 2 ** (tried - 1) if tried > 1 else 0.0
        time.sleep(min(seconds, self.longest))

    def wait_for_job(self, look: int) -> None:
        """Wait before the look of that number, counted from 0."""
        time.sleep(min(self.poll * 2**look, self.longest_poll))


@dataclass(frozen=True)
class Answer:
    """What came back. `following` is the address of the list's next page, "" after the last."""

    status: int
    headers: Mapping[str, str]
    following: str
    body: bytes

    @property
    def throttled(self) -> bool:
        """Canvas did nothing, because too much was asked of it lately."""
        return self.status == 429 or (self.status == 403 and b"Rate Limit Exceeded" in self.body)


class Client:
    """One site, asked with one token. `what` is what a request is about, in words for a refusal.

    Methods raise CanvasError if Canvas refuses, is out of reach or is no Canvas.
    """

    def __init__(self, site: str, token: Token, pace: Pace) -> None:
        self.site, self.token, self.pace = site, token, pace
        self.session = requests.Session()
        self.session.auth = self._signed  # as a header alone, a line for the host in ~/.netrc would replace the token

    def get(self, path: str, what: str, shape: type[Shape]) -> Shape:
        """What the address says."""
        return self._read(self._ask("GET", self._address(path), what, repeat=True), what, shape)

    def list(self, path: str, what: str, shape: type[Shape], **query: Any) -> list[Shape]:
        """All pages of a list."""
        address, found = self._address(path), []
        content: dict[str, Any] = {"params": {**query, "per_page": 100}}
        for _ in range(PAGES):
            answer = self._ask("GET", address, what, repeat=True, **content)
            found += self._read(answer, what, list[shape])  # type: ignore[valid-type]
            if not answer.following:
                return found
            address, content = answer.following, {}
            if not address.startswith(self._address("")):  # the token stays here
                raise self._elsewhere()
        raise CanvasError(f"{self.site}: {what} have more than {PAGES} pages; that cannot be one course.")

    def post(self, path: str, what: str, shape: type[Shape], form: Mapping[str, str], repeat: bool) -> Shape:
        """Change something; `repeat` says that it may happen twice. Raises UnansweredError if no answer came."""
        answer = self._ask("POST", self._address(path), what, repeat, data=form)
        return self._read(answer, what, shape, UnansweredError)

    def _address(self, path: str) -> str:
        return f"{self.site}{API}{path}"

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token.reveal()}"
        return request

    def _ask(self, method: str, address: str, what: str, repeat: bool, **content: Any) -> Answer:
        unsure = CanvasError if method == "GET" else UnansweredError
        tried = 0
        while True:
            tried += 1
            retry_after = ""
            try:
                answer = self._once(method, address, **content)
            except requests.RequestException as error:
                if tried == self.pace.tries or not repeat:
                    raise unsure(f"{self.site} cannot be reached, or broke off: {self._quoted(str(error))}") from error
            else:
                again = answer.throttled or (repeat and answer.status in PASSING)
                if tried == self.pace.tries or not again:
                    return self._accepted(answer, what, unsure)
                retry_after = answer.headers.get("Retry-After", "")
            self.pace.wait_to_retry(tried, retry_after)

    def _once(self, method: str, address: str, **content: Any) -> Answer:
        body = bytearray()
        with self.session.request(
            method, address, timeout=self.pace.silence, allow_redirects=False, stream=True, **content
        ) as response:
            for piece in response.iter_content(2**16):
                body += piece
                if len(body) > LARGEST:
                    raise CanvasError(
                        f"{self.site} answers with more than {LARGEST:,} bytes; is it the site's address?"
                    )
        following = response.links.get("next", {}).get("url", "")
        return Answer(response.status_code, response.headers, following, bytes(body))

    def _accepted(self, answer: Answer, what: str, unsure: type[CanvasError]) -> Answer:
        """The answer. Raises CanvasError, in words that say what to do, if it is a refusal."""
        site, status = self.site, 429 if answer.throttled else answer.status
        if 200 <= status < 300:
            return answer
        if 300 <= status < 400:
            raise self._elsewhere()
        if status == 429:
            told = f"{site} refuses because too much was asked of it lately; try again in a few minutes."
        elif status == 401 and "WWW-Authenticate" in answer.headers:
            told = f"{site} did not take the token (401): it is mistyped, expired or of another site."
        elif status in (401, 403):
            told = f"{site}: the token's owner may not see or change {what}; a teacher's or TA's role is needed."
        elif status == 404:
            told = f"{site} has no {what}, or the token's owner may not see it (404)."
        elif status in (400, 409, 422):
            told = f"{site} refused {what}: {self._quoted(answer.body.decode('utf-8', 'replace'))}"
        else:
            raise unsure(f"{site} is in trouble, try again later ({what}: status {status}).", status)
        raise CanvasError(told, status)

    def _elsewhere(self) -> CanvasError:
        return CanvasError(f"{self.site} sends us to another address; give that one as the site.")

    def _read(self, answer: Answer, what: str, shape: type[Shape], kind: type[CanvasError] = CanvasError) -> Shape:
        try:
            return TypeAdapter(shape).validate_json(answer.body)
        except ValidationError as error:
            told = f"{self.site} answered about {what} with something that Canvas does not say"
            raise kind(f"{told}; is it the site's address?") from error

    def _quoted(self, text: str) -> str:
        return self.token.hidden_in(" ".join(text.split()).rpartition("Caused by ")[2])[:300]
