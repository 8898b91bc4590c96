"""Mixers that ask the network: the published formulas of SnapMix and PuzzleMix, on given maps, gradients and draws.

SnapMix (Shaoli-Huang/SnapMix, utils/mixmethod.py) and PuzzleMix (snu-mllab/PuzzleMix, mixup.py) are on no package index: their
formulas are written out below with PyTorch's own resizes and pools, given numbers in place of drawn ones, and the graph cut done by
the library the authors use (gco-wrapper, alpha-beta swaps)."""

import gco
import numpy as np
import torch
import torch.nn.functional as F

from common import output_folder, write_json

# Sums of f32 in another order.
TOLERANCE = {"snapmix.json": (1e-4, 1e-6), "puzzlemix.json": (1e-4, 1e-6)}


def numbers(array):
    """Flat list, each f32 in the fewest digits that give it back."""
    return [float(str(value)) for value in np.asarray(array, dtype=np.float32).ravel()]


def shares(rng):
    """`snapmix`'s lam_a and lam_b, before images of one class are treated apart."""
    cases = []
    for width, height, rows, columns in [(32, 32, 4, 4), (24, 20, 3, 2), (7, 7, 7, 7), (6, 5, 5, 6), (16, 16, 1, 2), (5, 4, 6, 9)]:
        for _ in range(4):
            maps = (rng.normal(size=(2, rows, columns)) * rng.choice([0.01, 1, 50])).astype(np.float32)
            if (width, height) == (6, 5):
                # The same everywhere, for one image or the other.
                maps[len(cases) % 2] = 0.75
            boxes = []
            for _ in range(2):
                x, y = np.sort(rng.choice(width + 1, 2, replace=False)), np.sort(rng.choice(height + 1, 2, replace=False))
                boxes.append([int(v) for v in (x[0], y[0], x[1], y[1])])
            large = F.interpolate(torch.tensor(maps)[:, None], (height, width), mode="bilinear", align_corners=False)[:, 0]
            for image in large:
                image -= image.min()
                image /= image.sum()
            (x0, y0, x1, y1), (u0, v0, u1, v1) = boxes
            lam_a = 1 - large[0, y0:y1, x0:x1].sum() / (large[0].sum() + 1e-8)
            lam_b = large[1, v0:v1, u0:u1].sum() / (large[1].sum() + 1e-8)
            lam = 1 - (x1 - x0) * (y1 - y0) / (width * height)
            lam_a, lam_b = (lam if lam_a.isnan() else lam_a), (1 - lam if lam_b.isnan() else lam_b)
            cases.append(
                {
                    "width": width,
                    "height": height,
                    "rows": rows,
                    "columns": columns,
                    "maps": numbers(maps),
                    "pasted": boxes[0],
                    "cut": boxes[1],
                    "shares": numbers([lam_a, lam_b]),
                }
            )
    return cases


def parts(rng):
    """`F.interpolate(mode="bilinear", align_corners=True)` of a box."""
    width, height = 11, 9
    image = rng.random((height, width, 3), dtype=np.float32)
    cases = []
    for cut, size in [
        ([0, 0, 11, 9], [5, 4]),
        ([2, 1, 6, 8], [9, 9]),
        ([3, 3, 4, 4], [4, 3]),
        ([0, 2, 11, 3], [1, 6]),
        ([5, 0, 7, 9], [2, 1]),
        ([1, 1, 8, 6], [7, 5]),
    ]:
        x0, y0, x1, y1 = cut
        part = torch.tensor(image[y0:y1, x0:x1]).permute(2, 0, 1)[None]
        part = F.interpolate(part, size=(size[1], size[0]), mode="bilinear", align_corners=True)
        cases.append({"cut": cut, "size": size, "result": numbers(part[0].permute(1, 2, 0))})
    return {"width": width, "height": height, "image": numbers(image), "cases": cases}


def border(first, second, k):
    """`neigh_penalty`: vertical and horizontal neighbours' differences at the borders of blocks."""
    down = (first[:, :, :-1, :] - second[:, :, 1:, :])[:, :, k - 1 :: k, :].abs().mean(1)
    across = (first[:, :, :, :-1] - second[:, :, :, 1:])[:, :, :, k - 1 :: k].abs().mean(1)
    return F.avg_pool2d(down, (1, k)), F.avg_pool2d(across, (k, 1))


def plan(mask, salience, eps):
    """`mask_transport`: for each place the block that comes there, -1 where nobody wants to."""
    n = mask.shape[-1]
    place = np.stack(np.meshgrid(np.arange(n), np.arange(n), indexing="ij"), -1).reshape(-1, 2)
    squares = ((place[:, None] - place[None]) ** 2).sum(-1).astype(np.float32)
    cost = eps * torch.tensor(squares / (n - 1) ** 2)[None]
    cost = cost - salience.reshape(-1, n * n, 1) * (mask > 0).float().reshape(-1, 1, n * n)
    for _ in range(n):
        bids = torch.zeros_like(cost).scatter_(-1, cost.min(-1)[1].unsqueeze(-1), 1)
        best = (bids * cost).min(-2)[1]
        won = torch.zeros_like(cost).scatter_(-2, best.unsqueeze(-2), 1) * bids
        cost = cost + (1 - won) * bids
    return torch.where(won.sum(-2) > 0, won.argmax(-2), -1)


def puzzle(images, gradient, n, lam, n_labels, beta, gamma, eta, neigh, t_eps, t_size):
    """`mixup_graph` of two images that meet each other."""
    size = images.shape[-1]
    block = size // n
    neigh = min(neigh, block)
    other = [1, 0]
    saliency = torch.sqrt(torch.mean(gradient**2, dim=1))
    pooled = F.avg_pool2d(saliency, block)
    salience = pooled / pooled.reshape(2, -1).sum(1).reshape(2, 1, 1)
    beta = beta / n / 16
    cells = F.avg_pool2d(images, neigh)
    k = block // neigh
    own, theirs = cells, cells[other]
    costs = {pair: border(*images, k) for pair, images in {"00": (theirs, theirs), "01": (theirs, own), "10": (own, theirs), "11": (own, own)}.items()}
    x, y = ({pair: beta * gamma * both[axis] for pair, both in costs.items()} for axis in (0, 1))
    one, two = salience.clone(), salience[other].clone()
    two[:, :-1, :] += (x["10"] + x["11"]) / 2
    one[:, :-1, :] += (x["01"] + x["00"]) / 2
    two[:, 1:, :] += (x["01"] + x["11"]) / 2
    one[:, 1:, :] += (x["10"] + x["00"]) / 2
    two[:, :, :-1] += (y["10"] + y["11"]) / 2
    one[:, :, :-1] += (y["01"] + y["00"]) / 2
    two[:, :, 1:] += (y["01"] + y["11"]) / 2
    one[:, :, 1:] += (y["10"] + y["00"]) / 2
    x, y = ((e["10"] + e["01"] - e["11"] - e["00"]) / 2 + beta for e in (x, y))

    choose = {2: [1, 1], 3: [1, 2, 1], 4: [1, 3, 3, 1]}[n_labels]
    steps = n_labels - 1
    prior = [eta * -np.log(c * lam ** (steps - i) * (1 - lam) ** i + 1e-8) / n**2 for i, c in enumerate(choose)]
    level = np.linspace(0, 1, n_labels)
    unary = np.stack([(1 - l) * two.double().numpy() + l * one.double().numpy() + prior[i] for i, l in enumerate(level)], -1)
    apart = ((np.arange(n_labels)[:, None] - np.arange(n_labels)) ** 2 / steps**2).astype(np.float32)
    large = 1000 * n**2
    levels = [
        gco.cut_grid_graph((large * u).astype(np.int32), apart, (large * a).numpy().astype(np.int32), (large * b).numpy().astype(np.int32), algorithm="swap")
        for u, a, b in zip(unary, x, y)
    ]
    mask = torch.tensor(1 - np.stack(levels).reshape(2, 1, n, n) / steps).float()

    ratio = mask.mean((1, 2, 3))
    fine, moved = n, (mask, salience)
    if t_size is not None and t_size < block:
        fine = size // t_size
        pooled = F.avg_pool2d(saliency, t_size)
        moved = F.interpolate(mask, size=fine), pooled / pooled.reshape(2, -1).sum(1).reshape(2, 1, 1)
    plans = plan(moved[0], moved[1], t_eps), plan(1 - moved[0], moved[1][other], t_eps)

    def carry(image, plan):
        patches = F.unfold(image[None], size // fine, stride=size // fine)[0]
        patches = torch.where(plan[None] >= 0, patches[:, plan.clamp(min=0)], torch.zeros_like(patches))
        return F.fold(patches[None], size, size // fine, stride=size // fine)[0]

    first = torch.stack([carry(image, p) for image, p in zip(images, plans[0])])
    second = torch.stack([carry(image, p) for image, p in zip(images[other], plans[1])])
    full = F.interpolate(mask, size=size)
    return {
        "costs": numbers(unary),
        "below": numbers(x),
        "right": numbers(y),
        "levels": [int(v) for both in levels for v in both],
        "ratio": numbers(ratio),
        "mixed": numbers(((full * first + (1 - full) * second).permute(0, 2, 3, 1)).numpy().round(4)),
    }


def puzzles(rng):
    size = 16
    ys, xs = np.mgrid[0:size, 0:size]
    waves = [np.sin(xs / 3 + ys / 5), np.cos(xs / 2 - ys / 4)]
    images = np.stack([[wave * s for s in (0.9, 0.4, -0.7)] for wave in waves])
    images = (0.5 + 0.4 * images + rng.normal(0, 0.05, images.shape)).clip(0, 1).round(2)
    # Nowhere zero: of a block without any saliency the published code may leave a hole.
    spots = [0.1 + np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / 18) for x, y in [(4, 5), (11, 6)]]
    gradient = np.stack([spot[None] * rng.normal(size=(3, size, size)) for spot in spots])
    gradient = np.round(gradient * 1000) / 1000
    usual = {"n_labels": 3, "beta": 1.2, "gamma": 0.5, "eta": 0.2, "neigh": 4, "t_eps": 0.8, "t_size": None}
    cases = []
    for n, lam, options in [
        (2, 0.4, {}),
        (4, 0.6, {}),
        (8, 0.3, {"n_labels": 2}),
        (16, 0.5, {}),
        (2, 0.75, {"t_size": 2}),
        (4, 0.5, {"t_size": 1, "t_eps": 0.1, "neigh": 2}),
        (8, 0.7, {"n_labels": 4, "gamma": 1.0, "beta": 0.4}),
        (4, 0.05, {"beta": 3.0, "eta": 1.0}),
        (2, 1.0, {}),
    ]:
        options = usual | options
        tensors = (torch.tensor(v).float() for v in (images, gradient))
        cases.append({"blocks": n, "lambda": lam, **options} | puzzle(*tensors, n, lam, **options))
    return {"size": size, "images": numbers(images.transpose(0, 2, 3, 1).round(4)), "gradient": numbers(gradient.transpose(0, 2, 3, 1)), "cases": cases}


def main():
    out = output_folder(__file__, __doc__)
    rng = np.random.default_rng(2101)
    write_json(out / "snapmix.json", {"shares": shares(rng), "parts": parts(rng)})
    write_json(out / "puzzlemix.json", puzzles(rng))


if __name__ == "__main__":
    main()
