"""The tests of the house. They run alone, in any order and side by side, and leave nothing behind."""
