"""A custom extension, which looks at training from inside: stop once the costs no longer fall."""

import sys

import ladder


class StopWhenSteady(ladder.Extension):
    """End training when the total cost of the last epochs has not fallen by a thousandth."""

    def __init__(self, epochs=5):
        self.epochs, self.costs = epochs, []

    def after_epoch(self, loop):
        self.costs.append(loop.row["train_cost_total"])
        loop.row["best_cost"] = min(self.costs)
        if len(self.costs) > self.epochs and min(self.costs[-self.epochs :]) > 0.999 * min(self.costs[: -self.epochs]):
            loop.num_epochs = loop.epochs_done


def main(epochs=60):
    model = ladder.train(
        dataset="digits",
        encoder_layers="60-10",
        decoder_spec="gauss",
        denoising_cost_x=(1000, 10, 0.1),
        labeled_samples=100,
        num_epochs=epochs,
        callbacks=[StopWhenSteady()],
    )
    last = model.log[-2]
    print(f"after epoch {last['epoch']}: best cost {last['best_cost']:.3f}, {model.evaluate()['error_percent']:.2f} %")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
