"""The load that is measured by hand, in small: several sites in three time zones, every figure counted again."""

from pathlib import Path

import pytest

from benchmarks.decade import load_and_compare


@pytest.mark.timeout(300)  # half a minute, where nothing else is done
def test_each_figure_of_several_sites_is_what_duckdb_counts_in_the_logs(tmp_path: Path) -> None:
    assert load_and_compare(tmp_path, visits=600, sites=4, years=2) == 0
