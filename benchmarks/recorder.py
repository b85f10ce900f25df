"""What watching costs: the lab's loop of 50,000 steps with and without the recorder, side by side, and that of a
network of a million parameters with Adam and mini-batches.

    python benchmarks/recorder.py [--steps 50000] [--large 5000] [--runs 5]

Prints the CPU seconds of each and the ratios; the goal is a median of at most 1.05. `recorder` is what runs beside a
submission, `watch` what a student puts around a loop.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import nn

from autograder.student import watch
from autograder.student.recorder import Recorder
from autograder.student.taps import TAPS


class Network(nn.Module):
    """The lab's 3 -> 2 -> 5."""

    def __init__(self) -> None:
        super().__init__()
        self.m1, self.m2 = nn.Linear(3, 2), nn.Linear(2, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.m2(self.m1(x))


BLOCK = 250  # steps


class Loop:
    """The lab's loop on one example, run a block at a time."""

    def __init__(self) -> None:
        torch.manual_seed(1)
        self.network = Network()
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=1e-6)
        self.seconds = 0.0

    def run(self, steps: int) -> None:
        network, optimizer = self.network, self.optimizer
        x, target = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
        started = time.process_time()
        for _ in range(steps):
            loss = torch.sum((network(x) - target) ** 2)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        self.seconds += time.process_time() - started


class LargeLoop(Loop):
    """An MLP of a million parameters, Adam, mini-batches of 64."""

    def __init__(self) -> None:
        torch.manual_seed(1)
        self.network = nn.Sequential(
            nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 700), nn.ReLU(), nn.Linear(700, 10)
        )  # fmt: skip
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-4)
        self.seconds = 0.0

    def run(self, steps: int) -> None:
        network, optimizer = self.network, self.optimizer
        inputs, classes = torch.randn(64, 256, generator=torch.Generator().manual_seed(2)), torch.arange(64) % 10
        started = time.process_time()
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(inputs), classes).backward()
            optimizer.step()
        self.seconds += time.process_time() - started


def begun(name: str, network: nn.Module) -> Recorder:
    """A recorder that has begun, bare or inside a `watch`."""
    if name == "recorder":
        return Recorder(dict(network.named_parameters()), module=network).start()
    around = watch(network, show=False).__enter__()
    assert around._recorder is not None
    return around._recorder


def compared(name: str, steps: int, kind: type[Loop] = Loop) -> float:
    """The ratio of one run: both loops go side by side in turns of a block, so that a slow second hits both."""
    seen, bare = kind(), kind()
    started = time.process_time()
    recorder = begun(name, seen.network)
    seen.seconds += time.process_time() - started
    TAPS.remove(recorder)
    for block in range(steps // BLOCK):
        for loop in (seen, bare) if block % 2 else (bare, seen):
            if loop is seen:
                TAPS.add(recorder)
                loop.run(BLOCK)
                TAPS.remove(recorder)
            else:
                loop.run(BLOCK)
    TAPS.add(recorder)
    started = time.process_time()
    recorder.stop()
    recorder.account()
    seen.seconds += time.process_time() - started
    pairs = zip(seen.network.parameters(), bare.network.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs), "the recorder changed what the loop computes"
    assert recorder.updates == steps // BLOCK * BLOCK, "the recorder lost count"
    ratio = seen.seconds / bare.seconds
    print(f"{name:9} {seen.seconds:6.2f} s   without {bare.seconds:6.2f} s   ratio {ratio:.3f}", flush=True)
    return ratio


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--large", type=int, default=5000, help="steps of the large network's loop")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    compared("recorder", 1000)  # first uses
    for name, kind, steps in (
        ("recorder", Loop, wanted.steps), ("watch", Loop, wanted.steps),
        ("recorder", LargeLoop, wanted.large), ("watch", LargeLoop, wanted.large),
    ):  # fmt: skip
        if not steps:
            continue
        ratios = [compared(name, steps, kind) for _ in range(wanted.runs)]
        print(
            f"{kind.__name__} {name:9} ratio: median {statistics.median(ratios):.3f}, "
            f"from {min(ratios):.3f} to {max(ratios):.3f}"
        )


if __name__ == "__main__":
    main()
