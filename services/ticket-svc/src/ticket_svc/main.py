"""The web process of the ticket service."""

from fastapi import FastAPI

from moat.kit import web
from moat.kit.process import Process


def create_app(process: Process) -> FastAPI:
    """Routes of every feature, health, operations and problems around them."""
    return web.create_app(process)
