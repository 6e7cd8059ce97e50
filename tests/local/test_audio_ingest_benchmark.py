"""benchmarks/audio_ingest.py on the shared cloud; its figures are not checked."""

from benchmarks.audio_ingest import measured, table
from local.cloud import LocalCloud


def test_the_benchmark_prints_its_table_and_leaves_no_function(cloud: LocalCloud) -> None:
    before = function_names(cloud)
    [_, empty, ingest] = table(measured(cloud, chunks=2)).splitlines()
    assert empty.startswith("empty ")
    assert ingest.startswith("audio_ingest ")
    assert function_names(cloud) == before


def function_names(cloud: LocalCloud) -> list[str]:
    pages = cloud.client("lambda").get_paginator("list_functions").paginate()
    return sorted(each["FunctionName"] for page in pages for each in page["Functions"])
