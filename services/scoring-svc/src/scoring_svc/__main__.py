"""`python -m scoring_svc --role all|web|worker|migrate`."""

from moat.kit.run import run
from scoring_svc.features import SERVICE
from scoring_svc.main import create_app
from scoring_svc.settings import Settings
from scoring_svc.worker import run_worker

if __name__ == "__main__":
    run(SERVICE, Settings, create_app, run_worker, package="scoring_svc")
