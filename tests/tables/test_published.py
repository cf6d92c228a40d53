"""Published numbers: those of the reference file, with the misprints that it lists."""

import json
import statistics

import pytest

from ladder.errors import UserError
from ladder.tables import published
from ladder.tables.preset import load_preset, preset_names
from ladder.tables.published import load_published, published_rows

MISPRINTED_MEANS = {"thesis_table_12": (0.56, 0.566)}


@pytest.fixture(scope="session")
def reference(shared_dir):
    return json.loads((shared_dir / "reference" / "thesis_tables.json").read_text())


def numbers(value):
    """All numbers of a nested structure, in order."""
    if isinstance(value, dict):
        return [n for part in value.values() for n in numbers(part)]
    if isinstance(value, list):
        return [n for part in value for n in numbers(part)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def ours(number):
    """Errors of a published table, in order."""
    rows = load_published(f"thesis_table_{number}").rows.values()
    return [error for row in rows for error in (list(row.errors.values()) or [row.mean])]


def test_every_preset_row_has_its_published_number():
    for name in preset_names():
        preset = load_preset(name)
        rows = published_rows(preset).rows
        assert not rows or set(preset.rows) <= set(rows), name


def test_ten_seeds(reference):
    tables = {key: entry for key, entry in reference.items() if isinstance(entry, dict) and "seeds" in entry}
    assert len(tables) == 12
    for key, entry in tables.items():
        (row,) = load_published(f"thesis_table_{key.split('_')[1]}").rows.values()
        assert list(row.errors) == list(range(1, 11))
        assert list(row.errors.values()) == entry["seeds"]
        assert (row.mean, row.std) == (entry["mean"], entry["std"])


def test_searches_and_single_runs(reference):
    for number, key, left_out in (
        (1, "table_1_fc_mnist_published", ()),
        (2, "table_2_conv_mnist_published", ()),
        (3, "table_3_conv_cifar10_published", ()),
        (6, "table_6_supervised_adversarial_only", ("tau",)),
        (7, "table_7_supervised_adversarial_and_gaussian", ("tau",)),
        (8, "table_8_semisupervised_sgn", ("tau", "epochs", "lrate_decay")),
        (9, "table_9_semisupervised_28N", ("tau", "noise_std")),
        (11, "table_11_unsupervised_power", ("tau_s", "tau_u")),
        (13, "table_13_search_fc_100", ("tau_u",)),
        (14, "table_14_search_fc_1000", ("tau_u",)),
        (15, "table_15_search_conv_100", ()),
        (16, "table_16_search_cifar_4000", ()),
    ):
        entry = {name: value for name, value in reference[key].items() if name not in left_out}
        assert ours(number) == numbers(entry), key
    noise = reference["table_5_supervised_only_fc_all"]
    assert ours(5) == [noise["no_noise"], noise["gaussian_noise_0.3_every_layer"]]
    robustness = reference["section_5_4_robustness"]
    rows = load_published("thesis_section_5_4").rows
    assert [row.mean for row in rows.values()] == [
        robustness[name] for name in ("clean", "adversarial_sign", "gaussian_sign_same_power")
    ]


def test_names_of_rows_are_their_options():
    for number in (8, 9, 11, 13, 14, 15, 16):
        for name, options in load_preset(f"thesis_table_{number}").rows.items():
            labelled, *others = (part.split() for part in name.replace("28N", "kN").split(", "))
            said = {"adv-kind": labelled[0], "adv-tau": float(labelled[1]), "adv-tau-unlabeled": None}
            for one, other in others:
                if other == "epochs":
                    said["num-epochs"] = int(one)
                elif one == "noise":
                    said |= {"super-noise-std": float(other), "f-local-noise-std": float(other)}
                else:
                    said |= {"adv-kind-unlabeled": one, "adv-tau-unlabeled": float(other)}
            assert said == {option: options.get(option) for option in said}, name


def test_misprints_of_the_reference_are_noted_with_the_tables_they_change(reference):
    noted = {
        line
        for path in published.FOLDERS[0].glob("*.json")
        for line in json.loads(path.read_text()).get("misprints", ())
    }
    about_tables = [line for line in reference["notes"]["misprints_in_source"] if line.startswith("table")]
    assert len(about_tables) == 7
    assert set(about_tables) <= noted


def test_printed_means_and_deviations_are_those_of_the_seeds_but_for_the_misprints():
    for name in preset_names():
        if not name.startswith("thesis_table"):
            continue
        for row in published_rows(load_preset(name)).rows.values():
            if len(row.errors) < 2:
                continue
            errors = list(row.errors.values())
            assert row.std == pytest.approx(statistics.stdev(errors), abs=6e-4)
            if name in MISPRINTED_MEANS:
                assert (row.mean, round(statistics.mean(errors), 3)) == MISPRINTED_MEANS[name]
            else:
                assert row.mean == pytest.approx(statistics.mean(errors), abs=4e-3)


def test_an_installed_package_finds_them_beside_its_data(tmp_path, monkeypatch):
    (tmp_path / "t.json").write_text('{"source": "s", "rows": {"a": {"mean": 1}}}')
    monkeypatch.setattr(published, "FOLDERS", (tmp_path / "nowhere", tmp_path))
    assert load_published("t").rows["a"].mean == 1
    with pytest.raises(UserError, match="no published table 'u'"):
        load_published("u")
    (tmp_path / "t.json").write_text('{"source": "s", "rows": {"a": {"median": 1}}}')
    with pytest.raises(UserError, match="damaged"):
        load_published("t")
