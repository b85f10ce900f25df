"""What watching costs: the lab's loop of 50,000 steps with and without the recorder, in alternating pairs.

    python benchmarks/recorder.py [--steps 50000] [--pairs 7]

Prints the CPU seconds of each and the ratios; the goal is a median of at most 1.05. `recorder` is what runs beside a
submission, `watch` what a student puts around a loop. A pair is four runs, ABBA or BAAB, since a
process's later runs are not as fast as its first.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import nn

from autograder.student import watch
from autograder.student.recorder import Recorder


class Network(nn.Module):
    """The lab's 3 -> 2 -> 5."""

    def __init__(self) -> None:
        super().__init__()
        self.m1, self.m2 = nn.Linear(3, 2), nn.Linear(2, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.m2(self.m1(x))


@contextlib.contextmanager
def recorded(network: nn.Module):
    """The bare recorder around a block."""
    recorder = Recorder(dict(network.named_parameters()), module=network).start()
    yield
    recorder.stop()
    recorder.account()


def loop(steps: int, around: Callable[[nn.Module], AbstractContextManager[object]]) -> tuple[float, torch.Tensor]:
    """CPU seconds of the lab's loop, and where it ended."""
    torch.manual_seed(1)
    network = Network()
    x, target = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    started = time.process_time()
    with around(network):
        optimizer = torch.optim.SGD(network.parameters(), lr=1e-6)
        for _ in range(steps):
            loss = torch.sum((network(x) - target) ** 2)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return time.process_time() - started, network(x).detach()


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--pairs", type=int, default=5)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    ways = {"recorder": recorded, "watch": lambda network: watch(network, show=False)}
    for around in (*ways.values(), lambda network: contextlib.nullcontext()):
        loop(500, around)  # first uses
    for name, around in ways.items():
        ratios = []
        for pair in range(wanted.pairs):
            seconds = {True: 0.0, False: 0.0}
            ends = []
            for bare in (True, False, False, True) if pair % 2 else (False, True, True, False):
                used, end = loop(wanted.steps, (lambda network: contextlib.nullcontext()) if bare else around)
                seconds[bare] += used
                ends.append(end)
            assert all(torch.equal(ends[0], end) for end in ends), "the recorder changed what the loop computes"
            ratios.append(seconds[False] / seconds[True])
            print(
                f"{name:9} {seconds[False]:6.2f} s   without {seconds[True]:6.2f} s   ratio {ratios[-1]:.3f}",
                flush=True,
            )
        print(f"{name:9} ratio: median {statistics.median(ratios):.3f}, from {min(ratios):.3f} to {max(ratios):.3f}")


if __name__ == "__main__":
    main()
