"""Where torch is listened to: the one choke point of Backprop, the optimizers' global hooks, the two `zero_grad`s.

`student.recorder` subscribes here. Some of these are private to torch, so `self_test` proves each of them once a
process; one that is gone is named in the account, and the others have to do. Torch and the standard library only.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

CHOKE = "_engine_run_backward"
MOST_NODES = 4000  # of one graph; a larger one is not walked


class Listener(Protocol):
    """What a recorder answers to. None of these may raise.

    `loud`: it wants to hear everything; `counts_backprops`: it wants to know of every Backprop that there was one.
    """

    loud: bool
    counts_backprops: bool

    def backprop_counted(self) -> None: ...
    def before_backprop(self, walk: Walk | None, roots: Any, call: tuple[Any, ...]) -> None: ...
    def after_backprop(self, result: Any, error: BaseException | None) -> None: ...
    def before_step(self, optimizer: Any) -> None: ...
    def after_step(self, optimizer: Any) -> None: ...
    def before_reset(self) -> None: ...
    def after_reset(self) -> None: ...


class Walk:
    """A loss's graph: which leaves it reaches, and the sequence number of each one's first consumers.

    Autograd numbers its nodes as they are made, a count for each thread; so a number tells when a tensor was used.
    """

    def __init__(self, roots: Any) -> None:
        self.key: tuple[Any, ...] = ()
        self.consumers: dict[int, list[int]] = {}  # id of leaf -> sequence numbers
        self.learnable: set[int] = set()  # ids of leaves that are some network's parameters
        self.compiled = False
        self.complete = True
        waiting = []
        for root in roots:
            node = getattr(root, "grad_fn", None)
            if node is None:
                node = getattr(root, "node", None)  # a GradientEdge
            self.key += (("leaf", id(root)) if node is None else (node._sequence_nr(), getattr(root, "output_nr", 0)),)
            if node is None:
                self.consumers.setdefault(id(root), []).append(sys.maxsize)
            else:
                waiting.append(node)
        seen = set()
        while waiting:
            node = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            if len(seen) > MOST_NODES:
                self.complete = False
                return
            for following, _ in node.next_functions:
                if following is None:
                    continue
                leaf = getattr(following, "variable", None)
                if leaf is not None:
                    self.consumers.setdefault(id(leaf), []).append(node._sequence_nr())
                    if isinstance(leaf, torch.nn.Parameter):
                        self.learnable.add(id(leaf))
                else:
                    waiting.append(following)
            self.compiled = self.compiled or "CompiledFunction" in node.name()


def below_zero(roots: Any) -> bool:
    """Whether every loss is one number below 0."""
    try:
        return all(root.numel() == 1 and bool(root.detach() < 0) for root in roots)
    except Exception:  # a root that is no plain tensor has no sign to tell
        return False


def sequence_number() -> int:
    """How many graph nodes this thread has made so far; -1 if torch no longer tells."""
    count = getattr(getattr(torch._C, "_autograd", None), "_get_sequence_nr", None)
    return int(count()) if count is not None else -1


class Taps:
    """Puts into torch what is needed for those who listen now, and takes it out again.

    While every listener only counts, a small hook on the optimizers is all that is there: the rest would cost a small
    loop 5 % of its time even if it did nothing.
    """

    def __init__(self) -> None:
        self.listeners: list[Any] = []
        self.loud: list[Any] = []  # those that want to hear everything now; the others only count
        self._counting: list[Any] = []  # those that count Backprops
        self._undo: dict[str, list[Callable[[], None]]] = {}

    def add(self, listener: Any) -> None:
        self.listeners.append(listener)
        self.tune()

    def remove(self, listener: Any) -> None:
        if listener in self.listeners:
            self.listeners.remove(listener)
            self.tune()

    def tune(self) -> None:
        """Ask every listener anew what it wants to hear, and put in or take out accordingly."""
        self.loud = [one for one in self.listeners if one.loud]
        self._counting = [one for one in self.listeners if one.counts_backprops]
        self._want("steps", bool(self.listeners), self._tap_steps)
        self._want("backprop", bool(self.loud or self._counting), self._tap_backprop)
        self._want("the rest", bool(self.loud), self._tap_the_rest)

    def _want(self, name: str, wanted: bool, put_in: Callable[[], list[Callable[[], None]]]) -> None:
        if wanted and name not in self._undo:
            self._undo[name] = put_in()
        elif not wanted:
            for undo in self._undo.pop(name, []):
                undo()

    def _tap_steps(self) -> list[Callable[[], None]]:
        return [register_optimizer_step_pre_hook(self._before_step).remove]

    def _tap_backprop(self) -> list[Callable[[], None]]:
        real = getattr(torch.autograd, CHOKE, None)
        return [swapped(torch.autograd, CHOKE, self._backprop(real))] if callable(real) else []

    def _tap_the_rest(self) -> list[Callable[[], None]]:
        return [
            register_optimizer_step_post_hook(self._after_step).remove,
            *(
                swapped(kind, "zero_grad", self._reset(kind.zero_grad))
                for kind in (torch.optim.Optimizer, torch.nn.Module)
            ),
        ]

    def _backprop(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def run(roots: Any, *args: Any, **kwargs: Any) -> Any:
            for one in tuple(self._counting):
                one.backprop_counted()
            loud = self.loud
            if not loud:
                return real(roots, *args, **kwargs)
            walk = None
            with contextlib.suppress(Exception):  # a graph that cannot be walked is only explained less well
                walk = Walk(roots)
            call = (args, kwargs)
            for one in loud:
                one.before_backprop(walk, roots, call)
            try:
                result = real(roots, *args, **kwargs)
            except BaseException as error:
                for one in loud:
                    one.after_backprop(None, error)
                raise
            for one in loud:
                one.after_backprop(result, None)
            return result

        return run

    def _reset(self, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def zero_grad(owner: Any, *args: Any, **kwargs: Any) -> Any:
            loud = self.loud
            for one in loud:
                one.before_reset()
            result = real(owner, *args, **kwargs)
            for one in loud:
                one.after_reset()
            return result

        return zero_grad

    def _before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        for one in tuple(self.listeners):
            one.before_step(optimizer)

    def _after_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        for one in self.loud:
            one.after_step(optimizer)


def swapped(owner: Any, name: str, new: Any) -> Callable[[], None]:
    """Put `new` in place of owner.name; what is given back undoes it, unless somebody has changed it since."""
    old = getattr(owner, name)
    setattr(owner, name, new)

    def put_back() -> None:
        if getattr(owner, name, None) is new:
            setattr(owner, name, old)

    return put_back


TAPS = Taps()


class _Probe:
    """Counts what reaches it, for the self-test."""

    loud = True
    counts_backprops = False

    def __init__(self) -> None:
        self.heard: set[str] = set()
        self.reached: set[int] = set()
        self.numbers: list[int] = []

    def before_backprop(self, walk: Walk | None, roots: Any, call: tuple[Any, ...]) -> None:
        self.heard.add("backprop")
        if walk is not None:
            self.reached |= set(walk.consumers)
            self.numbers += [number for numbers in walk.consumers.values() for number in numbers]

    def after_backprop(self, result: Any, error: BaseException | None) -> None:
        self.heard.add("backprop's end")

    def before_step(self, optimizer: Any) -> None:
        self.heard.add("step")

    def after_step(self, optimizer: Any) -> None:
        self.heard.add("step's end")

    def before_reset(self) -> None:
        self.heard.add("reset")

    def after_reset(self) -> None:
        self.heard.add("reset's end")


@functools.cache
def self_test() -> tuple[str, ...]:
    """Which of the mechanisms that a recorder leans on do not work with this torch; () if all do.

    Each is tried for its effect on two numbers of our own. Run once a process; the student's random numbers and
    tensors are not touched.
    """
    missing = []
    probe, taps = _Probe(), Taps()
    with torch.enable_grad(), torch.inference_mode(False):
        one = torch.tensor([1.0, 2.0], requires_grad=True)
        kept: list[Any] = []
        with contextlib.suppress(Exception):
            kept.append(one.register_post_accumulate_grad_hook(lambda tensor: probe.heard.add("accumulate")))
        taps.add(probe)
        try:
            optimizer = torch.optim.SGD([one], lr=0.1)
            before = sequence_number()
            loss = (one * one).sum()
            after = sequence_number()
            probe.heard.discard("backprop")
            loss.backward()
            by_method = "backprop" in probe.heard
            probe.heard.discard("backprop")
            torch.autograd.grad((one * one).sum(), [one])
            by_grad = "backprop" in probe.heard
            optimizer.step()
            optimizer.zero_grad()
        finally:
            taps.remove(probe)
            for handle in kept:
                handle.remove()
    if not (by_method and by_grad):
        missing.append("the choke point of Backprop")
    if id(one) not in probe.reached:
        missing.append("the walk from a loss to the tensors it reaches")
    if not (0 <= before < after and all(before <= number < after for number in probe.numbers[:1])):
        missing.append("autograd's sequence numbers")
    if not {"step", "step's end"} <= probe.heard:
        missing.append("the optimizers' global hooks")
    if "accumulate" not in probe.heard:
        missing.append("the hook after a gradient is added up")
    if "reset" not in probe.heard:
        missing.append("the call of zero_grad")
    return tuple(missing)


def _inside() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    own = Path(__file__).resolve().parent.parent
    found = {str(own), str(Path(torch.__file__).parent), *(paths[name] for name in ("stdlib", "platstdlib", "purelib"))}
    return tuple(sorted(found))


INSIDE = _inside()


@functools.lru_cache(4096)
def is_users(filename: str) -> bool:
    """Whether code of this file is the student's, not torch's, a library's or ours."""
    return not filename.startswith((*INSIDE, "<frozen", "<__array", "<eval_with"))


def users_line() -> tuple[str, int] | None:
    """File name and line of the innermost caller that is the student's."""
    for frame in _frames():
        if is_users(frame.f_code.co_filename):
            return frame.f_code.co_filename, frame.f_lineno
    return None


def _frames() -> Iterator[Any]:
    frame: Any = sys._getframe(2)
    while frame is not None:
        yield frame
        frame = frame.f_back
