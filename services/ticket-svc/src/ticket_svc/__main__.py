"""`python -m ticket_svc --role all|web|worker|migrate`."""

from moat.kit.run import run
from ticket_svc.features import SERVICE
from ticket_svc.main import create_app
from ticket_svc.settings import Settings
from ticket_svc.worker import run_worker

if __name__ == "__main__":
    run(SERVICE, Settings, create_app, run_worker, package="ticket_svc")
