"""`python -m notify_svc --role all|web|worker|migrate`."""

from moat.kit.run import run
from notify_svc.features import SERVICE
from notify_svc.main import create_app
from notify_svc.settings import Settings
from notify_svc.worker import run_worker

if __name__ == "__main__":
    run(SERVICE, Settings, create_app, run_worker, package="notify_svc")
