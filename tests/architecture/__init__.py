"""The rules of the floor plan, from source files to faults; `tests/test_architecture.py` applies them."""
