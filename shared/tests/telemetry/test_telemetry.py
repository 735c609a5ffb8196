"""Logs are JSON lines without secrets; the trace of a request goes on to whatever it causes."""

import json
import logging
import subprocess
import sys

import pytest

from moat.kit.telemetry import current_traceparent, joined, metric

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_every_line_is_json_whoever_writes_it():
    script = """
import logging, structlog
from moat.kit.telemetry import set_up_logs
set_up_logs("thing-svc", "info")
log = structlog.get_logger("moat.web")
log.debug("quiet")
log.info("request.done", route="/v1/things/{id}", odd=object)
logging.getLogger("library").warning("it said %s", "this")
secret = "hunter2"
try:
    1 / 0
except ZeroDivisionError as error:
    log.error("failed", exc_info=error)
from sqlalchemy.exc import IntegrityError
log.error("failed again", exc_info=IntegrityError("INSERT", {"phone": secret}, Exception("taken\\nDETAIL:  (hunter2)")))
"""
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["event"] for line in lines] == ["request.done", "it said this", "failed", "failed again"]
    assert {line["service"] for line in lines} == {"thing-svc"}
    assert lines[2]["exception"][0]["exc_type"] == "ZeroDivisionError"
    assert "hunter2" not in out


def test_a_trace_goes_on_under_a_span_of_its_own():
    with joined(CALLER, "work"):
        here = current_traceparent()

    version, trace_id, span_id, flags = here.split("-")
    assert (version, trace_id, flags) == ("00", CALLER.split("-")[1], "01")
    assert span_id != CALLER.split("-")[2]
    assert current_traceparent() is None


@pytest.mark.parametrize("given", [None, "", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_without_a_caller_a_trace_begins(given):
    with joined(given, "work"):
        assert current_traceparent() is not None


def test_a_metric_is_made_once():
    from prometheus_client import Counter

    first = metric(Counter, "moat_test_things", "Things.", ("kind",))

    assert metric(Counter, "moat_test_things", "Things.", ("kind",)) is first


def test_logging_of_libraries_is_left_alone_until_set_up():
    assert logging.getLogger().level == logging.WARNING


def test_spans_are_sent_to_the_collector_that_the_settings_name():
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    received = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    script = f"""
import sys
from moat.kit.telemetry import joined, set_up_tracing, shut_down_tracing
set_up_tracing("thing-svc", sys.argv[1])
with joined({CALLER!r}, "one order"):
    pass
shut_down_tracing()
"""
    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        thread = Thread(target=collector.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{collector.server_port}/v1/traces"
        subprocess.run([sys.executable, "-c", script, url], check=True)
        collector.shutdown()
        thread.join()

    [(path, body)] = received
    assert path == "/v1/traces"
    assert b"one order" in body
    assert bytes.fromhex(CALLER.split("-")[1]) in body
