"""The commands behind `make run`, `make kafka` and a second load of the demo."""

import asyncio
import contextlib
import errno
import fcntl
import json
import logging
import signal
import traceback
from collections.abc import Coroutine
from typing import Any

import typer
from pydantic import ValidationError

from moat.kit.clock import SystemClock
from moat.kit.embedded.guarded import ServerFailed
from moat.kit.embedded.kafka import LocalKafka
from moat.kit.embedded.places import is_free
from moat_local.calling import Gateway, client_of
from moat_local.demo import load_demo
from moat_local.home import Home
from moat_local.run import log_of_surprise, run
from moat_local.settings import LocalSettings
from moat_local.story import Story
from moat_local.troubles import Trouble

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.command("run")
def run_command() -> None:
    """Start everything, load the demo at the first start, stay until Ctrl-C."""
    settings, story = _settings(), Story()
    _tell(run(settings, story, SystemClock()), settings, story)


@app.command()
def demo() -> None:
    """Send the demo's orders once more to the running Moat; the same facts change nothing."""
    settings, story = _settings(), Story()
    _tell(_again(settings, story), settings, story)


@app.command()
def kafka() -> None:
    """Start the local Kafka alone, print its address, stay until Ctrl-C."""
    settings, story = _settings(), Story()
    _tell(_kafka(settings, story), settings, story)


async def _again(settings: LocalSettings, story: Story) -> None:
    home = Home(settings.home.absolute())
    if not home.ready.exists():
        raise Trouble(f"No Moat is ready on {home.path}; start it with `make run`.")
    ready = json.loads(home.ready.read_text())
    async with client_of(ready["gateway_url"]) as client:
        gateway = Gateway(client, ready["api_keys"]["admin"], ready["api_keys"]["intake"])
        await load_demo(home, gateway, story, SystemClock(), again=True)


async def _kafka(settings: LocalSettings, story: Story) -> None:
    home = settings.home.absolute() / "kafka-alone"
    home.mkdir(parents=True, exist_ok=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with (home / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Trouble(f"Another Kafka runs on {home}. Stop it, or set MOAT_HOME to another directory.") from None
        with story.step("Starting Kafka (the first time its 43 MB are fetched)"):
            broker = await asyncio.to_thread(LocalKafka.start, home, port=9092 if is_free(9092) else 0)
        story.say(f"\nKafka listens on [bold]{broker.bootstrap}[/]. A Moat on it:")
        story.say(f"EVENTS=kafka MOAT_KAFKA_BOOTSTRAP={broker.bootstrap} make run\n")
        story.say("Ctrl-C stops it.")
        await stop.wait()
        with story.step("Stopping Kafka"):
            await asyncio.to_thread(broker.stop)


def _settings() -> LocalSettings:
    try:
        return LocalSettings()
    except ValidationError as wrong:
        first = wrong.errors()[0]
        name = f"MOAT_{str(first['loc'][0]).upper()}" if first["loc"] else "A setting"
        Story().trouble(f"{name} is {first['input']!r}: {first['msg']}.")
        raise typer.Exit(2) from None


def _tell(work: Coroutine[Any, Any, None], settings: LocalSettings, story: Story) -> None:
    """Run the story; troubles become a sentence and exit code 1, surprises a sentence and a file with the details."""
    try:
        asyncio.run(work)
    except Exception as failure:
        story.trouble(_sentence(failure, settings))
        raise typer.Exit(1) from None


def _sentence(failure: Exception, settings: LocalSettings) -> str:
    """What to say about a failure; the details of one that nobody foresaw are kept in a file."""
    while isinstance(failure, ExceptionGroup):
        failure = failure.exceptions[0]
    if isinstance(failure, Trouble | ServerFailed):
        return str(failure)
    if isinstance(failure, OSError) and failure.errno == errno.ENOSPC:
        return f"The disk of {settings.home} is full. Free some space and start again; nothing is lost."
    path = log_of_surprise(settings.home)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(failure)))
    return f"Something went wrong that nobody foresaw: {failure or type(failure).__name__}. The details are in {path}."


def main() -> None:
    """The entry point. What libraries log is not for the terminal: troubles are told as sentences."""
    logging.getLogger().addHandler(logging.NullHandler())
    app()
