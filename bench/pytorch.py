"""Images per second of PyTorch: one process, one work, one JSON line."""

import json
import resource
import sys
import time
from pathlib import Path

import torch
import torchvision

from timing import arguments, measure

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "oracles"))


def build(options, classes=1000):
    if options.model in ["resnet-small", "resnet-tiny"]:
        from small_resnet import SmallResNet

        return SmallResNet(classes, options.image, width=32 if options.model == "resnet-small" else 16)
    return torchvision.models.get_model(options.model, num_classes=classes)


def flops_per_image(options, training):
    """Counted by PyTorch on tensors without memory: two per multiply–add, forward, or forward and both backward passes."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        logits = build(options)(torch.empty(2, 3, options.image, options.image))
        if training:
            logits.sum().backward()
    return counter.get_total_flops() / 2


def matmul_gflops(side=2048, seconds=2.0):
    """The best of many products of square f32 matrices: the peak the other rates are held against."""
    a, b = torch.rand(side, side), torch.rand(side, side)
    best, end = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        torch.mm(a, b)
        best = max(best, 2e-9 * side**3 / (time.perf_counter() - start))
    return best


def main():
    options = arguments(
        __doc__,
        layout={"choices": ["nchw", "channels-last"], "default": "nchw"},
        compile={"action": "store_true"},
    )
    torch.set_num_threads(options.threads)
    if options.work == "matmul":
        imported = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"gflops": matmul_gflops(), "torch": torch.__version__, "import_mib": imported}))
        return
    if options.work == "flops":
        print(json.dumps({work: flops_per_image(options, work == "train") for work in ["train", "head", "infer"]}))
        return
    torch.manual_seed(0)
    model = build(options)
    images = torch.randn(options.batch, 3, options.image, options.image)
    labels = torch.randint(1000, (options.batch,))
    if options.layout == "channels-last":
        model = model.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    if options.work == "head":
        # The backbone frozen whole: no gradients, batch-norms by their running statistics.
        model.eval().requires_grad_(False)
        model.fc.requires_grad_(True)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.01, momentum=0.9, weight_decay=5e-5)
    forward = torch.compile(model) if options.compile else model

    def train():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(forward(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    def infer():
        with torch.inference_mode():
            return forward(images)[0, 0].item()

    if options.work == "infer":
        model.eval()
    measure(infer if options.work == "infer" else train, options)


if __name__ == "__main__":
    main()
