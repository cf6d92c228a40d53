"""Fixed labelled sets: their files, their validation, and the split that contains them."""

import numpy as np
import pytest

from ladder import positions_file
from ladder.data.labeled_set import check_fixed, fixed_labelled_set
from ladder.data.splits import split_training_set
from ladder.errors import UserError
from ladder.options import Options
from ladder.positions_file import as_text

#: Of 65 examples, every 13th has no label.
TARGETS = np.insert(np.tile([0, 1, 2], 20), [12, 24, 36, 48, 60], -1)


def test_files_are_read_as_they_are_written(tmp_path):
    path = tmp_path / "labeled.txt"
    path.write_text(as_text(np.array([7, 0, 12]), "three examples"))
    assert path.read_text() == "# three examples\n7\n0\n12\n"
    assert Options.of(labeled_indices=path).labeled_indices == (7, 0, 12)
    path.write_text("\n  3 # a cat\r\n\n4\n#5\n")
    assert Options.of(labeled_indices=str(path)).labeled_indices == (3, 4)
    for array in (np.array([7, 0, 12]), [7, 0, 12], (7, 0, 12)):
        assert Options.of(labeled_indices=array).labeled_indices == (7, 0, 12)


@pytest.mark.parametrize("text", ["3\nfour\n", "3\n-4", "3\n4 5", "3\n4.0", "3\n²", "3\n" + "9" * 18, "3\n\x80"])
def test_lines_that_are_no_position_are_named(tmp_path, text):
    (tmp_path / "a.txt").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"line 2 of .*a.txt is '.*': give one position on each line, a whole number"):
        Options.of(labeled_indices=tmp_path / "a.txt")


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbf3\r\n4\r\n", b"\xef\xbb\xbf# a\r\n3\r\n4", "# a\u20287\n3\n# \x0c8\n4".encode()]
)
def test_lines_end_where_editors_end_them(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    assert Options.of(labeled_indices=tmp_path / "a.txt").labeled_indices == (3, 4)


def test_a_long_file_is_not_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(positions_file, "MOST_BYTES", 10)
    (tmp_path / "a.txt").write_text("# some\n123456\n")
    with pytest.raises(UserError, match="a.txt has more than 10 bytes: give a position on each line, and fewer"):
        Options.of(labeled_indices=tmp_path / "a.txt")


def test_files_that_hold_nothing(tmp_path):
    (tmp_path / "a.txt").write_text("# nothing\n")
    with pytest.raises(UserError, match="a.txt holds no position: give one on each line"):
        Options.of(labeled_indices=tmp_path / "a.txt")
    with pytest.raises(UserError, match="there is no file .*b.txt: give a text file with a position on each line"):
        Options.of(labeled_indices=tmp_path / "b.txt")
    with pytest.raises(UserError, match="--labeled-indices is -1, but must be 0 or more"):
        Options.of(labeled_indices=[-1, 3])


@pytest.mark.parametrize(
    "others, sentence",
    [
        ({"labeled_samples": 30}, "--labeled-samples draws others: give one of them"),
        ({"unsupervised": True}, "--unsupervised uses none: give one of them"),
        ({"labeled_indices": (4, 5, 4)}, "--labeled-indices has position 4 more than once: give each once"),
    ],
)
def test_combinations_without_sense(others, sentence):
    check_fixed(Options(labeled_indices=(4, 5)))
    check_fixed(Options(labeled_samples=30))
    with pytest.raises(UserError, match=sentence):
        check_fixed(Options(**{"labeled_indices": (4, 5), **others}))


def test_positions_are_checked_against_the_data():
    with pytest.raises(UserError, match="has position 65, but the training split of x has 65 examples: give positions"):
        fixed_labelled_set((0, 1, 2, 65), TARGETS, "x")
    with pytest.raises(UserError, match="has position 38, whose example has no label in x, as have 2 of 5: leave them"):
        fixed_labelled_set((0, 1, 2, 38, 25), TARGETS, "x")
    with pytest.raises(UserError, match="has no example of class 1 of x: give at least one of each class"):
        fixed_labelled_set((0, 2, 5), TARGETS, "x")
    with pytest.raises(UserError, match="--labeled-indices with 4 positions is more than the 3 examples to train on"):
        split_training_set(TARGETS, 1, n_unlabeled=3, fixed=(0, 1, 2, 3))


def test_the_same_examples_are_labelled_whatever_the_seed():
    fixed = (60, 1, 3)
    for dseed in range(6):
        split = split_training_set(TARGETS, dseed, n_unlabeled=30, valid_set_size=10, fixed=fixed)
        drawn = split_training_set(TARGETS, dseed, n_unlabeled=30, valid_set_size=10)
        assert split.labeled.tolist() == [60, 1, 3]
        assert set(fixed) <= set(split.train.tolist()) and len(set(split.train.tolist())) == 30
        assert not set(split.train.tolist()) & set(split.valid.tolist()) and len(split.valid) == 10
        assert (np.diff(split.valid) > 0).all() and (TARGETS[split.valid] >= 0).all()
        # At most those three are swapped in, and the others keep their order.
        kept = np.isin(drawn.train, split.train)
        assert kept.sum() >= 27 and (split.train[kept] == drawn.train[kept]).all()
        # They replace the last drawn examples that are not in the set.
        lacking = [i for i in fixed if i not in drawn.train]
        others = [place for place, i in enumerate(drawn.train) if i not in fixed]
        expected = drawn.train.copy()
        expected[others[len(others) - len(lacking) :]] = lacking
        assert (split.train == expected).all()


def test_the_set_of_a_run_gives_its_split_again():
    drawn = split_training_set(TARGETS, 3, n_labeled=9, n_unlabeled=40, valid_set_size=10)
    again = split_training_set(TARGETS, 3, n_unlabeled=40, valid_set_size=10, fixed=tuple(drawn.labeled.tolist()))
    for part in ("train", "labeled", "valid"):
        assert (getattr(again, part) == getattr(drawn, part)).all()
