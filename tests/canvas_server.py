"""A Canvas for the tests, on 127.0.0.1: speaks what Canvas's API reference and instructure/canvas-lms say of the parts
that a push uses. Knows nothing of the program under test.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

TOKEN = "7~aVerySecretTokenOfNobody"
COURSE, ASSIGNMENT = 7, 12
PAGE = 3  # most elements of one page, so that small classes have several
API = f"/api/v1/courses/{COURSE}"
UPDATE = f"{API}/assignments/{ASSIGNMENT}/submissions/update_grades"
FIELD = re.compile(r"grade_data\[([^\]]+)\]\[(\w+)\]")

Answer = tuple[int, dict[str, str], Any]
Fault = Callable[["FakeCanvas"], Answer | None]  # None: hang up without a word


def status(code: int, body: Any = None, **headers: str) -> Fault:
    """A fault that answers so; underscores in a header's name stand for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda canvas: (code, named, body if body is not None else {"errors": [{"message": "It broke."}]})


def throttled(canvas: FakeCanvas) -> Answer:
    return 403, {"X-Rate-Limit-Remaining": "0.0"}, "403 Forbidden (Rate Limit Exceeded)\n"


def hang_up(canvas: FakeCanvas) -> None:
    return None


@dataclass
class Submission:
    score: float | None = None
    excused: bool = False
    comments: list[str] = field(default_factory=list)
    deducted: float = 0.0


@dataclass
class FakeCanvas:
    """`faults` are (method, path) -> what happens instead, each once, in order; `heard` is every request."""

    users: dict[int, dict[str, str]]
    submissions: dict[int, Submission]
    assignment: dict[str, Any] = field(default_factory=dict)
    late_policy: dict[str, Any] | None = None
    faults: list[tuple[str, str, Fault]] = field(default_factory=list)
    looks: int = 1  # at a job before it is over
    stuck: bool = False  # jobs stay queued for ever
    refuses: set[int] = field(default_factory=set)  # users whom a job does not find
    works: bool = True  # False: a job is "completed" and did nothing
    heard: list[tuple[str, str]] = field(default_factory=list)
    sent: list[dict[str, dict[str, str]]] = field(default_factory=list)
    jobs: dict[int, dict[str, Any]] = field(default_factory=dict)
    url: str = ""

    def posts(self) -> int:
        return sum(method != "GET" for method, _ in self.heard)

    def answer(self, method: str, path: str, query: dict[str, str], body: str, authorized: bool) -> Answer | None:
        self.heard.append((method, path))
        for number, (wanted, place, fault) in enumerate(self.faults):
            if (wanted, place) == (method, path):
                del self.faults[number]
                return fault(self)
        if not authorized:
            return 401, {"WWW-Authenticate": 'Bearer realm="canvas-lms"'}, {
                "errors": [{"message": "Invalid access token."}]
            }  # fmt: skip
        return self._post(body) if (method, path) == ("POST", UPDATE) else self._get(method, path, query)

    def _get(self, method: str, path: str, query: dict[str, str]) -> Answer:
        if path == API:
            return 200, {}, {"id": COURSE, "name": "Applied ML", "course_code": "AML"}
        if path == f"{API}/late_policy" and self.late_policy is not None:
            return 200, {}, {"late_policy": self.late_policy}
        if path == f"{API}/assignments/{ASSIGNMENT}":
            return 200, {}, {
                "id": ASSIGNMENT, "course_id": COURSE, "name": "Dipping into PyTorch", "points_possible": 20.0,
                "published": True, "grading_type": "points", "submission_types": ["online_upload"],
                "moderated_grading": False, "anonymize_students": False, "group_category_id": None,
                "grade_group_students_individually": False, "post_manually": False, **self.assignment,
            }  # fmt: skip
        if path == f"{API}/search_users":
            return self._page(path, query, [{"id": user, **about} for user, about in sorted(self.users.items())])
        if path.startswith(f"{API}/users/sis_user_id:"):
            value = path.partition("sis_user_id:")[2]
            for user in self.users:
                if f"S{user}" == value:
                    return 200, {}, {"id": user, "name": "Somebody"}
        if path == f"{API}/assignments/{ASSIGNMENT}/submissions":
            return self._page(path, query, [self._submission(user) for user in sorted(self.submissions)])
        if path.startswith("/api/v1/progress/"):
            return 200, {}, self._look(int(path.rpartition("/")[2]))
        return 404, {}, {"errors": [{"message": "The specified resource does not exist."}]}

    def _submission(self, user: int) -> dict[str, Any]:
        one = self.submissions[user]
        left = None if one.score is None else one.score - one.deducted
        return {
            "user_id": user, "assignment_id": ASSIGNMENT, "score": left, "entered_score": one.score,
            "grade": None if left is None else str(left), "excused": one.excused, "points_deducted": one.deducted,
            "workflow_state": "graded" if one.score is not None or one.excused else "unsubmitted",
            "submission_comments": [{"id": place, "comment": text} for place, text in enumerate(one.comments)],
        }  # fmt: skip

    def _page(self, path: str, query: dict[str, str], everything: list[dict[str, Any]]) -> Answer:
        size, page = min(int(query.get("per_page", "10")), PAGE), int(query.get("page", "1"))
        last = max(1, -(-len(everything) // size))

        def link(number: int, relation: str) -> str:
            return f'<{self.url}{path}?{urlencode({**query, "page": number, "per_page": size})}>; rel="{relation}"'

        links = [link(page, "current"), link(1, "first"), link(last, "last")]
        links += [link(page + 1, "next")] if page < last else []
        return 200, {"Link": ",".join(links)}, everything[(page - 1) * size : page * size]

    def _post(self, body: str) -> Answer:
        data: dict[str, dict[str, str]] = {}
        for name, value in parse_qsl(body, keep_blank_values=True):
            found = FIELD.fullmatch(name)
            assert found, name
            data.setdefault(found[1], {})[found[2]] = value
        if not data:
            return 400, {}, {"error": "'grade_data' parameter required"}
        self.sent.append(data)
        number = len(self.jobs) + 1
        self.jobs[number] = {"id": number, "looks": 0, "message": None, "failed": False, "tag": "submissions_update"}
        if self.works and not self.stuck:
            self._work(self.jobs[number], data)
        return 200, {}, self._shown(number)

    def _work(self, job: dict[str, Any], data: dict[str, dict[str, str]]) -> None:
        """As process_bulk_update: what can be done is done, and who is not found is named."""
        missing = [user for user in data if int(user) in self.refuses or int(user) not in self.submissions]
        for user, wanted in data.items():
            if user in missing:
                continue
            one = self.submissions[int(user)]
            assert not ("posted_grade" in wanted and wanted.get("excuse") == "true"), "refused by Canvas"
            if wanted.get("excuse") == "true":
                one.score, one.excused = None, True
            elif "posted_grade" in wanted:
                one.score, one.excused = float(wanted["posted_grade"]), False
            if "text_comment" in wanted:
                one.comments.append(wanted["text_comment"])
        if missing:
            listed = ", ".join(f"'{user}'" for user in missing)
            job.update(failed=True, message=f"Couldn't find User(s) with API ids {listed}")

    def _look(self, number: int) -> dict[str, Any]:
        self.jobs[number]["looks"] += 1
        return self._shown(number)

    def _shown(self, number: int) -> dict[str, Any]:
        job = self.jobs[number]
        over = job["looks"] >= self.looks and not self.stuck
        state = ("failed" if job["failed"] else "completed") if over else "running" if job["looks"] else "queued"
        return {
            "id": number, "context_id": COURSE, "context_type": "Course", "user_id": 1, "tag": job["tag"],
            "completion": 100 if over else 10, "workflow_state": state, "message": job["message"] if over else None,
            "url": f"{self.url}/api/v1/progress/{number}",
        }  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for its headers to be acknowledged
    canvas: FakeCanvas

    def do_GET(self) -> None:
        self._answer("GET", "")

    def do_POST(self) -> None:
        self._answer("POST", self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, method: str, body: str) -> None:
        where = urlsplit(self.path)
        authorized = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        found = self.canvas.answer(method, where.path, dict(parse_qsl(where.query)), body, authorized)
        if found is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        code, headers, content = found
        data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *message: object) -> None:
        """Nothing: the tests read what the program says."""


class Server(ThreadingHTTPServer):
    """Serves a FakeCanvas on a port of its own until it is left."""

    daemon_threads = True

    def __init__(self, canvas: FakeCanvas) -> None:
        super().__init__(("127.0.0.1", 0), type("Bound", (Handler,), {"canvas": canvas}))
        canvas.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Server:
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.shutdown()
        self.server_close()
        self.thread.join()
