"""The warm process from which every student's session is forked: `python -m autograder.sandbox.zygote FD`.

Exec'd with a clean environment before any grader is loaded, so it holds no secret that a student could find. It has
torch, its optimizers, matplotlib and IPython imported and used once, runs no parallel region and starts no thread.
It obeys the supervisor over one channel:

    fork   {id, plan}            -> {forked: id, pid} and a descriptor of the channel to the new session
    try    {plan}                -> {tried: text, layers}: "" if that confinement works here, else what is amiss
    exited {pid, signal}         sent by itself when a session ends; signal 0 if it ended by itself

and ends, with all sessions and their folders, when that channel closes.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import selectors
import signal
import socket
import sys
import sysconfig
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from autograder import wire
from autograder.sandbox import confinement, hugepages, kernel, walls
from autograder.sandbox.clearing import clear
from autograder.sandbox.confinement import Plan

FOLDER = "autograder-"
KEEPER_CODE = 128  # a keeper ends with this plus the signal that ended its session, as shells do
WARM_MODULES = (
    "torch", "torch._dynamo", "torch.utils.data", "torch.nn.functional", "matplotlib.pyplot",
    "matplotlib.backends.backend_agg", "tqdm", "tqdm.auto",
    "autograder.student.session",
)  # fmt: skip
WARM_CELLS = (
    "warm = 1\nwarm",
    "1/0",
    "display(1)",
    "%%time\nprint(1)",
    "await __import__('asyncio').sleep(0)",
    "def (",
)


def main() -> None:
    os.setsid()
    channel = wire.Channel(socket.socket(fileno=int(sys.argv[1])))
    if os.environ.get("HOME"):
        os.chdir(os.environ["HOME"])
    readable = walls.readable_paths(os.environ["HOME"])
    walls.around(readable, walls.own_folders(readable)[0])  # both are kept for the sessions
    shell = warm()
    Zygote(channel, shell).serve()


def warm() -> Any:
    """Import and use once whatever a notebook of the lab would pay for; returns the shell that sessions use."""
    import matplotlib

    matplotlib.use("Agg")
    for module in WARM_MODULES:
        importlib.import_module(module)
    import torch
    from IPython.core.async_helpers import get_asyncio_loop

    from autograder.student.shell import make_shell

    torch.set_num_threads(1)
    for kind in (torch.optim.SGD, torch.optim.Adam):
        parameter = torch.zeros(1, requires_grad=True)
        optimizer = kind([parameter], lr=0.1)
        (parameter * 2).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    shell = make_shell()
    for source in WARM_CELLS:
        shell.run(0, source)
    shell.reset(new_session=True, aggressive=False)
    shell.execution_count = 1
    get_asyncio_loop().close()  # its descriptors would be closed in a session; there IPython makes a new one
    forget_project()
    gc.collect()
    gc.freeze()
    hugepages.gather()
    return shell


def forget_project() -> None:
    """Take our own source tree off sys.path: nothing a notebook imports may come from the course's folders.

    Installed in the ordinary way we lie among the packages that a notebook may import late; these stay.
    """
    import autograder

    paths = sysconfig.get_paths()
    root = os.path.dirname(os.path.dirname(os.path.abspath(autograder.__file__)))  # noqa: PTH100, PTH120
    here = {root, os.getcwd(), ""} - {paths["purelib"], paths["platlib"]}  # noqa: PTH109
    sys.path[:] = [entry for entry in sys.path if entry not in here and os.path.abspath(entry) not in here]  # noqa: PTH100


def forget_walls() -> None:
    """In a session: what has confined it is no longer to be had by name.

    The frames below the notebook's still hold it; it is the code of these walls and the paths of this session's own
    files, and answers nothing.
    """
    import autograder

    for name in [name for name in sys.modules if name.startswith("autograder.sandbox")]:
        del sys.modules[name]
    vars(autograder).pop("sandbox", None)


class Zygote:
    """The serving loop; single-threaded, so that its forks are safe."""

    def __init__(self, channel: wire.Channel, shell: Any) -> None:
        self.channel = channel
        self.shell = shell
        self.sessions: dict[int, int] = {}  # our child -> the session's pid
        self.own_pids = confinement.own_pid_namespace()
        self.alive = os.pidfd_open(os.getpid()) if hasattr(os, "pidfd_open") else -1  # readable when we are gone
        kernel.adopt_orphans()
        self.wake, wake_end = socket.socketpair()
        self.wake.setblocking(False)
        wake_end.setblocking(False)
        signal.set_wakeup_fd(wake_end.fileno(), warn_on_full_buffer=False)
        self.wake_end = wake_end
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's to handle

    def serve(self) -> None:
        import torch

        selector = selectors.DefaultSelector()
        selector.register(self.channel, selectors.EVENT_READ)
        selector.register(self.wake, selectors.EVENT_READ)
        self.channel.send({"ready": {"torch": torch.__version__, "cpu": torch.backends.cpu.get_cpu_capability()}})
        while True:
            ready = [key.fileobj for key, _ in selector.select()]
            if self.wake in ready:
                with contextlib.suppress(BlockingIOError):
                    self.wake.recv(4096)
                self.reap()
            if self.channel in ready:
                try:
                    header, _ = self.channel.receive()
                except wire.ClosedError:
                    break
                self.obey(header)
        self.end_all()

    def end_all(self) -> None:
        """The supervisor is gone, perhaps without a word: end every session and remove what it has made."""
        for pid in self.sessions.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while self.sessions:
                self.sessions.pop(os.waitpid(-1, 0)[0], None)
        self.clear_orphans()
        folder = os.path.dirname(os.environ["HOME"])  # noqa: PTH120
        if os.path.basename(folder).startswith(FOLDER):  # noqa: PTH119
            clear(Path(folder))

    def obey(self, header: dict[str, Any]) -> None:
        plan = Plan(**{**header["plan"], "hidden": tuple(header["plan"]["hidden"])})
        if header["do"] == "try":
            self.channel.send(self.try_out(plan))
            return
        ours, theirs = socket.socketpair()
        try:
            pid, child = self.fork(plan, ours)
        except OSError as error:
            self.channel.send({"failed": header["id"], "why": str(error)})
            return
        finally:
            ours.close()
        self.sessions[child] = pid
        self.channel.send({"forked": header["id"], "pid": pid}, fds=(theirs.fileno(),))
        theirs.close()

    def fork(self, plan: Plan, session_end: socket.socket) -> tuple[int, int]:
        """Fork a session: (its pid, the pid of our child that ends with it).

        With namespaces it is the first process of a pid namespace of its own. Root may send a child there and stay;
        an ordinary user cannot come back, so there a keeper goes first, forks the session and waits for it. Either way
        the session dies with the zygote and takes its own namespace along: a kill of any of them leaves nothing.
        """
        apart = plan.level == "strong"
        if apart and os.getuid() != 0:
            return self.fork_by_keeper(plan, session_end)
        if apart:
            confinement.children_apart()
        try:
            pid = os.fork()
            if pid == 0:
                self.become_session(plan, session_end)
        finally:
            if apart:
                confinement.children_here(self.own_pids)
        return pid, pid

    def fork_by_keeper(self, plan: Plan, session_end: socket.socket) -> tuple[int, int]:
        reader, writer = os.pipe()
        keeper = os.fork()
        if keeper == 0:
            self.keep(plan, session_end, writer)
        os.close(writer)
        with os.fdopen(reader, "rb") as file:
            answer = file.read().decode()
        if not answer.isdecimal():
            os.waitpid(keeper, 0)
            raise OSError(answer[1:] or "the process ended while it was being confined")
        return int(answer), keeper

    def keep(self, plan: Plan, session_end: socket.socket, writer: int) -> None:
        """In the keeper: fork the session into a pid namespace, wait for its end; never returns."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            confinement.die_with_parent()
            confinement.children_apart()
            pid = os.fork()
            if pid == 0:
                os.close(writer)
                self.become_session(plan, session_end)
            os.write(writer, str(pid).encode())
            os.close(writer)
            os.closerange(3, 4096)
            _, status = os.waitpid(pid, 0)
            os._exit(KEEPER_CODE + os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)
        except OSError as error:
            os.write(writer, f"!{error}".encode())
        finally:
            os._exit(0)

    def become_session(self, plan: Plan, session_end: socket.socket) -> None:
        """In the child: confine, drop everything inherited, serve; never returns."""
        code, channel = 1, None
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            confinement.die_with_parent()
            alive = os.dup(self.alive) if self.alive >= 0 else -1
            fd = os.dup(session_end.fileno())
            os.dup2(fd, 3, inheritable=False)
            channel = wire.Channel(socket.socket(fileno=3))
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            if alive >= 0:
                os.dup2(alive, 4, inheritable=False)
            os.closerange(4 + (alive >= 0), 4096)
            if plan.level != "strong":  # the first process of a pid namespace has no need of these
                os.setsid()  # a group to be ended by
                kernel.adopt_orphans()  # whoever loses its parent is counted with the session still
            readable = walls.readable_paths(os.environ["HOME"])
            os.environ.update(HOME=plan.work, TMPDIR=plan.work, PWD=plan.work)
            tempfile.tempdir = None  # what the zygote found is not the session's
            confinement.confine(plan, readable)
            if alive >= 0:  # a new user id clears the wish to die with one's parent, who may be gone meanwhile
                if select.select([4], [], [], 0)[0]:
                    os._exit(1)
                os.close(4)
            if plan.canary:
                channel.receive()
                channel.send({"layers": confinement.effects(plan)})
                return
            forget_walls()
            from autograder.student.session import Session

            Session(channel, self.shell).serve()
            code = 0
        except BaseException as error:
            report_fault(error, channel)
        finally:
            os._exit(code)

    def try_out(self, plan: Plan) -> dict[str, Any]:
        """Fork a throw-away session under `plan` and let it try what the level forbids, from inside its walls."""
        ours, theirs = socket.socketpair()
        try:
            pid, child = self.fork(plan, ours)
        except OSError as error:
            theirs.close()
            return {"tried": str(error), "layers": {}}
        finally:
            ours.close()
        channel = wire.Channel(theirs)
        layers: dict[str, str] = {}
        try:
            channel.send({"do": "try"})
            header, _ = channel.receive(time.monotonic() + 20)
            layers = header.get("layers", {})
            verdict = str(header["fault"]).strip().splitlines()[-1] if "fault" in header else ""
        except wire.WireError:
            verdict = "the session did not start under it"
        finally:
            channel.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)
        return {"tried": verdict, "layers": layers}

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.sessions:
                code = os.waitstatus_to_exitcode(status)
                killed = -code if code < 0 else max(0, code - KEEPER_CODE)
                self.channel.send({"exited": self.sessions.pop(pid), "signal": killed})
                self.clear_orphans()

    def clear_orphans(self) -> None:
        """Kill what an ended session has left behind: without a pid namespace its children come to us."""
        for _ in range(20):
            try:
                with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123
                    children = [int(word) for word in file.read().split()]
            except OSError:
                return
            orphans = [pid for pid in children if pid not in self.sessions]
            if not orphans:
                return
            for pid in orphans:
                with contextlib.suppress(ProcessLookupError, ChildProcessError):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)


def report_fault(error: BaseException, channel: wire.Channel | None) -> None:
    """A fault of ours while a session starts or serves is told to whoever holds its channel, as text."""
    text = "".join(traceback.format_exception(error))[-2000:]
    if channel is not None:
        with contextlib.suppress(wire.WireError):
            channel.send({"fault": text})


if __name__ == "__main__":
    main()
