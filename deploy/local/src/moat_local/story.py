"""What a person sees while things happen: one line a step, alive on a terminal, plain in a log."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Output(Console):
    """The terminal. When whoever read our output is gone, the story falls silent and Moat stays up."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        # What is still buffered would fail again at the exit of the interpreter.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@dataclass(frozen=True, slots=True)
class Bar:
    """A progress bar that can be moved."""

    progress: Progress
    console: Console
    label: str

    def at(self, done: int, total: int) -> None:
        """Show how far it is."""
        self.progress.update(self.progress.task_ids[0], completed=done, total=total)

    def say(self, text: str) -> None:
        """Change the words beside the bar."""
        self.progress.update(self.progress.task_ids[0], description=text)


@dataclass(frozen=True, slots=True)
class Story:
    """Tells the steps of a start and a stop."""

    console: Console = field(default_factory=lambda: Output(highlight=False, soft_wrap=True))

    @contextmanager
    def step(self, doing: str) -> Iterator[None]:
        """A step that takes a while: a spinner on a terminal, then a line with its seconds."""
        begin = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(doing):
                yield
        else:
            self.console.print(f"… {doing}")
            yield
        self.console.print(f"[green]✓[/] {doing} [dim]{time.monotonic() - begin:.1f} s[/]")

    @contextmanager
    def bar(self, doing: str, total: int) -> Iterator[Bar]:
        """A step whose progress can be counted."""
        begin = time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        if not self.console.is_terminal:
            self.console.print(f"… {doing}")
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as progress:
            progress.add_task(doing, total=total)
            yield Bar(progress, self.console, doing)
        self.console.print(f"[green]✓[/] {doing} [dim]{time.monotonic() - begin:.1f} s[/]")

    def say(self, text: str) -> None:
        """A line."""
        self.console.print(text)

    def trouble(self, text: str) -> None:
        """A line about what is wrong."""
        self.console.print("[bold red]✗[/] " + text.replace("[", r"\["))
