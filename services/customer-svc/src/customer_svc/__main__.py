"""`python -m customer_svc --role all|web|worker|migrate`."""

from customer_svc.features import SERVICE
from customer_svc.main import create_app
from customer_svc.settings import Settings
from customer_svc.worker import run_worker
from moat.kit.run import run

if __name__ == "__main__":
    run(SERVICE, Settings, create_app, run_worker, package="customer_svc")
