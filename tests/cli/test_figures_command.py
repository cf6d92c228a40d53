"""``run.py figures``: what it writes, and what it refuses."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ladder.cli import main
from ladder.report.figures import denoising, digits, surfaces
from ladder.report.figures.catalogue import FIGURES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "figures.md"
SVG = "{http://www.w3.org/2000/svg}"

OF_RUNS = [name for name, entry in FIGURES.items() if entry.of_runs]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """All figures, drawn quickly: few steps, coarse surfaces, and a network that other tests have compiled."""
    folder = tmp_path_factory.mktemp("figures") / "new"
    small = {"encoder_layers": "10", "decoder_spec": "0", "denoising_cost_x": (0, 0), "num_epochs": 2}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(denoising, "STEPS", 3)
        patch.setattr(denoising, "FUNCTIONS", ("i", "lin", "gauss"))
        patch.setattr(surfaces, "GRID", 5)
        patch.setattr(digits, "NETWORK", {**digits.NETWORK, **small})
        assert main(["figures", "all", "--threads", "1", "--output", str(folder)]) == 0
    digits.attacked_network.cache_clear()
    return folder


def texts(path):
    """All the text in a file, as one string."""
    return " ".join("".join(element.itertext()) for element in ElementTree.parse(path).iter(f"{SVG}text"))


def test_every_figure_is_written_with_its_title_and_description(drawn):
    assert {path.stem for path in drawn.iterdir()} == set(FIGURES) - set(OF_RUNS)
    for name in set(FIGURES) - set(OF_RUNS):
        root = ElementTree.parse(drawn / f"{name}.svg").getroot()
        assert root.get("role") == "img"
        assert root.find(f"{SVG}title").text == FIGURES[name].title
        assert root.find(f"{SVG}desc").text == FIGURES[name].what
        assert "<dc:date>" not in (drawn / f"{name}.svg").read_text()


@pytest.mark.parametrize(
    "name, words",
    [
        ("descent", ["gradient descent", "momentum", "Adam", "rate 0.03", "parameter x₁"]),
        ("encoder-layer", ["f_i_W", "normalize", "--adv-kind, --adv-tau", "h[i - 1]"]),
        ("decoder-layer", ["z_est = (z - mu) v + mu", "denois[i] = mean of (z_est - z[i])²"]),
        ("linear-model", ["sgn", "udg", "1N", "kN", "vat", "logit of class 0"]),
        ("attacked-digit", ["tau = 0.3", "pgd-linf", "gaussian"]),
        ("denoising", ["gauss", "E[z | z_corr]", "z_est"]),
        ("error-surfaces", ["weight w₁", "virtual labels", "noise sgn, tau = 0.3", "cost, nats"]),
        ("adversarial-idea", ["training", "noise", "cost C"]),
    ],
)
def test_names_and_axes_are_text(drawn, name, words):
    found = texts(drawn / f"{name}.svg")
    assert [word for word in words if word not in found] == []


def test_the_same_bits_again_and_one_figure_to_a_file(drawn, tmp_path):
    path = tmp_path / "one.svg"
    assert main(["figures", "descent", "--output", str(path), "--threads", "1"]) == 0
    assert path.read_bytes() == (drawn / "descent.svg").read_bytes()


@pytest.mark.parametrize("command", ["figures", "figures --list"])
def test_the_list_says_what_each_shows(command, capsys):
    assert main(command.split()) == 0
    said = re.sub(r"[\s│]+", " ", capsys.readouterr().out)
    assert all(name in said for name in FIGURES)
    assert FIGURES["descent"].title in said and "--preset NAME" in said


def test_two_sentences_each_and_the_page_has_them():
    page = " ".join(PAGE.read_text().split())
    for name, entry in FIGURES.items():
        assert len(re.findall(r"\.(?= [A-Z]|$)", entry.what)) == 2, name
        assert entry.what in page, name
        assert entry.of_runs or f"![{entry.title}](figures/{name}.svg)" in page, name


def test_the_pictures_of_the_page_are_there_and_small():
    pictures = [PAGE.parent / path for path in re.findall(r"\]\((figures/[\w-]+\.svg)\)", PAGE.read_text())]
    assert len(pictures) == len(FIGURES) - len(OF_RUNS)
    assert sum(path.stat().st_size for path in pictures) < 1_500_000
    for path in pictures:
        described = ElementTree.parse(path).getroot().find(f"{SVG}desc").text
        assert described == FIGURES[path.stem].what, f"{path.name} is older than its text: draw it again"


@pytest.mark.parametrize(
    "command, said",
    [
        ("figures nonsense", "there is no figure 'nonsense': choose from all, ladder, "),
        ("figures descent nonsense", "there is no figure 'nonsense'"),
        ("figures seeds", "seeds is drawn of runs: say whose with --preset NAME"),
        ("figures descent --preset thesis_table_20", "--preset and --results are for figures of runs"),
        ("figures seeds --preset thesis_table_20 --results nowhere", "--results nowhere is not a folder"),
        ("figures seeds --preset nonsense --results .", "nonsense"),
        ("figures descent ladder --output both.svg", "--output both.svg is one file, but these are 2 figures"),
        ("figures descent --output nowhere/one.svg", "there is no folder"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(command, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(command.split()) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("run.py figures: ") and "Traceback" not in error
    assert list(tmp_path.iterdir()) == []
