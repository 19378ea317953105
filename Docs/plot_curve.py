#!/usr/bin/env python3
"""Draws losses as an SVG: what `moec run --train --log FILE.jsonl` measured, and published points.

    python3 Docs/plot_curve.py -o Docs/curve.svg --title "makemoe" makemoe=curve.jsonl

Each LABEL=FILE becomes two lines, the loss on the training part (thin) and on the validation part
(thick). --published LABEL=FILE adds dots from a table of `step,train,validation` lines; --table prints
the losses at those steps as Markdown. Needs nothing but Python 3; the same input gives the same bytes.
"""
import argparse
import json
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 56, 20, 46, 46
COLORS = ["#0b66c3", "#c2410c", "#15803d", "#7e22ce"]


def curve(path):
    """Reads JSON lines; a step that is there twice, from a resumed run, counts as it was last."""
    points = {}
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
                points[int(entry["step"])] = (float(entry["train_loss"]), float(entry["val_loss"]))
            except (ValueError, KeyError, TypeError) as error:
                sys.exit(f"error: {path}:{number}: not a line of --log: {error}")
    return checked(path, points)


def table(path):
    """Reads `step,train,validation`; lines that begin with # are comments."""
    points = {}
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            try:
                step, train, validation = line.split(",")
                points[int(step)] = (float(train), float(validation))
            except ValueError:
                sys.exit(f"error: {path}:{number}: expected step,train,validation")
    return checked(path, points)


def checked(path, points):
    if not points:
        sys.exit(f"error: {path} has no losses")
    return [(step, *points[step]) for step in sorted(points)]


class Chart:
    """Places of steps and losses on the sheet."""

    def __init__(self, series):
        points = [point for _, _, points in series for point in points]
        losses = [loss for _, *pair in points for loss in pair]
        self.last = max(max(step for step, *_ in points), 1)
        self.low = int(min(losses) * 2) / 2
        self.high = max(-int(-max(losses) * 2 // 1) / 2, self.low + 0.5)

    def x(self, step):
        return LEFT + (WIDTH - LEFT - RIGHT) * step / self.last

    def y(self, loss):
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - loss) / (self.high - self.low)

    def grid(self):
        loss = self.low
        while loss <= self.high + 1e-9:
            y = self.y(loss)
            yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#d4d4d4"/>'
            yield text(LEFT - 8, y + 4, f"{loss:.1f}", "end")
            loss += 0.5
        unit = next(unit for unit in steps_apart() if self.last / unit <= 8)
        for step in range(0, self.last + 1, unit):
            yield text(self.x(step), HEIGHT - BOTTOM + 18, f"{step:,}", "middle")
        yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "step", "middle")


def steps_apart():
    """1, 2, 5, 10, 20, 50, ..."""
    unit = 1
    while True:
        yield from (unit, 2 * unit, 5 * unit)
        unit *= 10


def text(x, y, words, anchor, color="#525252"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape(words)}</text>'


def line(chart, points, column, color, width):
    places = " ".join(f"{chart.x(p[0]):.1f},{chart.y(p[column]):.1f}" for p in points)
    return f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="{width}"/>'


def dots(chart, points, column, color, fill):
    for point in points:
        x, y = chart.x(point[0]), chart.y(point[column])
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{fill}" stroke="{color}"/>'


def drawing(title, series):
    """The SVG of `(label, isPublished, points)`."""
    chart = Chart(series)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">'
    )
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    yield text(LEFT, 26, title, "start", "#171717")
    yield from chart.grid()
    for index, (label, published, points) in enumerate(series):
        color = COLORS[index % len(COLORS)]
        if published:
            yield from dots(chart, points, 1, color, "white")
            yield from dots(chart, points, 2, color, color)
            legend = f"{label}: training \u25cb, validation \u25cf"
        else:
            yield line(chart, points, 1, color, 1)
            yield line(chart, points, 2, color, 2.5)
            legend = f"{label}: training (thin) {points[-1][1]:.3f}, validation {points[-1][2]:.3f}"
        yield text(WIDTH - RIGHT - 8, TOP + 18 * (index + 1), legend, "end", color)
    yield "</svg>"


def comparison(series):
    """Markdown rows: the steps that several curves have, `training / validation` of each."""
    losses = [{step: pair for step, *pair in points} for _, _, points in series]
    steps = [step for step in sorted(losses[-1]) if any(step in other for other in losses[:-1])]
    yield "| step | " + " | ".join(label for label, *_ in series) + " |"
    yield "|---|" + "---|" * len(series)
    for step in steps:
        pairs = [f"{one[step][0]:.4f} / {one[step][1]:.4f}" if step in one else "" for one in losses]
        yield f"| {step:,} | " + " | ".join(pairs) + " |"


def named(argument):
    label, separator, path = argument.partition("=")
    if not (label and separator and path):
        raise argparse.ArgumentTypeError(f"expected LABEL=FILE, got {argument}")
    return label, path


def main():
    parser = argparse.ArgumentParser(description="Draws losses as an SVG.")
    parser.add_argument("logs", nargs="+", type=named, metavar="LABEL=FILE.jsonl")
    parser.add_argument("--published", action="append", default=[], type=named, metavar="LABEL=FILE.csv")
    parser.add_argument("--title", default="Mean loss per character")
    parser.add_argument("--table", action="store_true", help="also print the losses as Markdown")
    parser.add_argument("-o", "--output", required=True)
    arguments = parser.parse_args()
    try:
        series = [(label, False, curve(path)) for label, path in arguments.logs]
        series += [(label, True, table(path)) for label, path in arguments.published]
        with open(arguments.output, "w", encoding="utf-8") as file:
            file.write("\n".join(drawing(arguments.title, series)) + "\n")
        if arguments.table:
            print("\n".join(comparison(series)))
    except OSError as error:
        sys.exit(f"error: {error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
