"""The original's command from Python: train, look at the log, test, save, load again.

run.py train --encoder-layers 250-100-50-10 --decoder-spec gauss --denoising-cost-x 2000,20,0.1,0.1,0.1 …
"""

import sys

import ladder


def main(epochs=20, save_to="digits_from_python"):
    model = ladder.train(
        save_to,
        dataset="digits",
        encoder_layers="250-100-50-10",
        decoder_spec="gauss",
        denoising_cost_x="2000,20,0.1,0.1,0.1",
        labeled_samples=100,
        num_epochs=int(epochs),
        seed=1,
    )
    for row in model.log[:: max(1, len(model.log) // 5)]:
        print(f"epoch {row['epoch']}: " + ", ".join(f"{k} {row[k]:.3g}" for k in row if k.startswith("train_denois")))
    print(f"test error {model.evaluate()['error_percent']:.2f} %, saved in {model.folder}")

    again = ladder.load(model.folder)
    assert again.evaluate() == model.evaluate()


if __name__ == "__main__":
    main(*sys.argv[1:])
