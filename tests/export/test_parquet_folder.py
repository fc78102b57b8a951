import os
from pathlib import Path

import pyarrow.parquet
import pytest
from tests.export.samples import BARS, STUDIES

from brokerwire.events import StudyPoint
from brokerwire.export import read_events
from brokerwire.export.parquet_folder import ParquetFolder
from brokerwire.export.patient_file import Patience
from brokerwire.export.schemas import Kind


def new_folder(path: Path, kind: Kind) -> ParquetFolder:
    return ParquetFolder(path, kind, patience=Patience(lambda _: None), write=os.write)


def test_row_groups_become_a_file_when_it_is_finished(tmp_path: Path) -> None:
    folder = new_folder(tmp_path / "new", "bar")
    folder.append(BARS[:1])
    folder.append(BARS[1:])
    assert (folder.files, folder.rows, folder.unfinished_rows) == ([], 0, 3)
    assert [path.suffix for path in (tmp_path / "new").iterdir()] == [".part"]
    folder.finish()
    folder.finish()
    (path,) = folder.files
    assert list((tmp_path / "new").iterdir()) == [path]
    assert path.name.startswith("bar_btc-usdt-åäö-株_1h_")
    assert pyarrow.parquet.ParquetFile(path).metadata.num_row_groups == 2
    assert read_events(path) == BARS
    assert (folder.rows, folder.unfinished_rows) == (3, 0)


def test_files_of_one_second_have_different_names(tmp_path: Path) -> None:
    folder = new_folder(tmp_path, "bar")
    for bar in BARS:
        folder.append([bar])
        folder.finish()
    assert [read_events(path) for path in folder.files] == [[bar] for bar in BARS]


def test_a_new_plot_begins_another_file(tmp_path: Path) -> None:
    folder = new_folder(tmp_path, "study")
    other: StudyPoint = StudyPoint("tradingview", "X", 1, 2, "MACD", "1d", 30, {"Histogram": 1.0})
    for events in (STUDIES, STUDIES, [other]):
        folder.append(events)
    folder.finish()
    assert [read_events(path) for path in folder.files] == [[*STUDIES, *STUDIES], [other]]


@pytest.mark.parametrize("is_begun", [True, False])
def test_what_is_abandoned_leaves_nothing(tmp_path: Path, is_begun: bool) -> None:
    folder = new_folder(tmp_path, "bar")
    if is_begun:
        folder.append(BARS)
    folder.abandon()
    assert list(tmp_path.iterdir()) == []
