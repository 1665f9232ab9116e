"""`python -m services.intake`: serve it, by the settings of the environment."""

from services.serving import run_service

if __name__ == "__main__":
    run_service("intake")
