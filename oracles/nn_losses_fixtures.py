"""AugMix' loss in PyTorch, f64: cross-entropy of the first view and the Jensen-Shannon divergence among three.

The loss is that of the authors' `cifar.py` (google-research/augmix), which is on no package index: mixture clamped to [1e-7, 1],
`kl_div` with `batchmean`, a third of the sum.
"""

import torch
import torch.nn.functional as F

from common import output_folder, write_json


def loss_of(logits, targets, weight, smoothing):
    clean, first, second = logits.chunk(3)
    views = [F.softmax(view, dim=1) for view in (clean, first, second)]
    mixture = torch.clamp(sum(views) / 3, 1e-7, 1).log()
    divergence = sum(F.kl_div(mixture, view, reduction="batchmean") for view in views) / 3
    return F.cross_entropy(clean, targets, label_smoothing=smoothing) + weight * divergence


def main():
    out = output_folder(__file__, __doc__)
    generator = torch.Generator().manual_seed(5)
    cases = []
    # The widest spread puts some classes below the clamp in all three views.
    for rows, classes, spread, weight, smoothing in [(1, 2, 1, 12, 0.0), (3, 5, 1, 12, 0.1), (2, 7, 20, 12, 0.0), (4, 3, 4, 0.5, 0.2)]:
        logits = spread * torch.randn(3 * rows, classes, generator=generator, dtype=torch.float64)
        logits = logits.float().double().requires_grad_()
        targets = F.one_hot(torch.arange(rows) % classes, classes).double()
        loss = loss_of(logits, targets, weight, smoothing)
        loss.backward()
        numbers = {"logits": logits.detach(), "targets": targets, "gradient": logits.grad}
        case = {"classes": classes, "weight": weight, "smoothing": smoothing, "loss": float(f"{loss.item():.10g}")}
        cases.append(case | {name: [float(f"{v:.10g}") for v in tensor.flatten().tolist()] for name, tensor in numbers.items()})
    write_json(out / "jensen_shannon.json", cases)


if __name__ == "__main__":
    main()
