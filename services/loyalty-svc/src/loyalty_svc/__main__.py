"""`python -m loyalty_svc --role all|web|worker|migrate`."""

from loyalty_svc.features import SERVICE
from loyalty_svc.main import create_app
from loyalty_svc.settings import Settings
from loyalty_svc.worker import run_worker
from moat.kit.run import run

if __name__ == "__main__":
    run(SERVICE, Settings, create_app, run_worker, package="loyalty_svc")
