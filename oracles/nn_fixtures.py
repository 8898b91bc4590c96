"""Networks, gradients, running statistics, SGD and schedules as PyTorch computes them, in f64.

Weights, images and targets come from `closed_form.py`; a fixture holds only results. A tensor is told by its norm, its dot products with
eight vectors of signs (their root mean square estimates the norm of any difference) and up to eight of its numbers. How far PyTorch's own
f32 is from its f64 is in `f32_error.json`.
"""

import torch
import torchvision
from torch import nn

import closed_form
from common import output_folder, write_json
from small_resnet import SmallResNet

# Values are rounded to 8 digits; f32 errors depend on the CPU.
TOLERANCE = {"f32_error.json": (0.95, 1e-5)}

BATCHES = 4
STEPS = 20

PLAIN = {"lr": 0.01}
MOMENTUM = {"lr": 0.005, "momentum": 0.9, "weight_decay": 5e-4}
NESTEROV = MOMENTUM | {"nesterov": True}
# Not an option of torch.optim.SGD: two parameter groups.
SPARING = NESTEROV | {"weight_decay": 0.1, "decay_norm_and_bias": False}
HEAVY = NESTEROV | {"weight_decay": 0.1}

# `images`: the best of `search`'s sets by `kink_margin`.
CASES = {
    "resnet18": dict(model="resnet18", batch=4, side=64, classes=20, smoothing=0.1, images="75", sgd=[PLAIN, MOMENTUM, SPARING]),
    "resnet18_odd": dict(model="resnet18", batch=3, side=75, classes=17, smoothing=0.0, images="153", sgd=[]),
    "resnet34": dict(model="resnet34", batch=4, side=64, classes=2, smoothing=0.2, images="44", sgd=[]),
    "resnet50": dict(model="resnet50", batch=4, side=64, classes=20, smoothing=0.1, images="71", sgd=[PLAIN, NESTEROV]),
    "small": dict(
        model="resnet-small", batch=8, side=64, classes=20, smoothing=0.1, images="33", sgd=[PLAIN, MOMENTUM, NESTEROV, SPARING, HEAVY]
    ),
    "small_odd": dict(model="resnet-small", batch=5, side=33, classes=120, smoothing=0.0, images="10", sgd=[]),
    # Activations mixed after a stage (Manifold MixUp); partners that come twice, once and never.
    "small_mixed": dict(
        model="resnet-small", batch=5, side=33, classes=20, smoothing=0.1, images="22", sgd=[],
        mix={"stage": 2, "partners": [1, 4, 2, 1, 0], "lambdas": [0.25, 0.75, 1.0, 0.625, 0.375]},
    ),
    "resnet18_mixed": dict(
        model="resnet18", batch=4, side=64, classes=2, smoothing=0.0, images="50", sgd=[],
        mix={"stage": 1, "partners": [2, 0, 3, 1], "lambdas": [0.5, 0.25, 0.125, 0.875]},
    ),
}
FULL_SIZE = ["resnet18", "resnet50"]


def build(case, dtype):
    """The case's network with closed-form weights."""
    if case["model"] == "resnet-small":
        network = SmallResNet(case["classes"], case["side"])
    else:
        network = torchvision.models.get_model(case["model"], num_classes=case["classes"])
    last_norm = "bn3" if case["model"] == "resnet50" else "bn2"
    state = network.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = torch.from_numpy(closed_form.weight(name, tensor.shape, last_norm))
    network.load_state_dict(state)
    if mix := case.get("mix"):
        lambdas = torch.tensor(mix["lambdas"], dtype=dtype).view(-1, 1, 1, 1)

        def mixed(module, _, output):
            return lambdas * output + (1 - lambdas) * output[mix["partners"]] if module.training else output

        getattr(network, f"layer{mix['stage']}").register_forward_hook(mixed)
    return network.to(dtype)


def images(case, batch, dtype):
    values = closed_form.images(f"images/{case['images']}/{batch}", case["batch"], case["side"])
    return torch.from_numpy(values).permute(0, 3, 1, 2).contiguous().to(dtype)


def loss_of(network, case, batch, dtype):
    target = torch.from_numpy(closed_form.targets(f"targets/{batch}", case["batch"], case["classes"])).to(dtype)
    return nn.functional.cross_entropy(network(images(case, batch, dtype)), target, label_smoothing=case["smoothing"])


def kink_margin(case, dtype):
    """How near a pre-activation comes to zero, or the two largest positive cells of a max-pool window to each other, in
    standard deviations of its channel.

    The stem's margins count four times: its rounding error is that of one convolution.
    """
    network, margins = build(case, dtype), []

    def relu(_, inputs):
        x = inputs[0]
        margins.append((x.abs() / x.std((0, 2, 3), keepdim=True)).min().item())
        return (x.clone(),)

    def max_pool(_, inputs):
        x = inputs[0]
        windows = nn.functional.unfold(x.flatten(0, 1)[:, None], 3, padding=1, stride=2)
        first, second = windows.topk(2, dim=1).values.unbind(1)
        gaps = (first - second)[second > 0]
        margins.append((gaps.min() / x.std((0, 2, 3)).max()).item())

    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(relu)
        elif isinstance(module, nn.MaxPool2d):
            module.register_forward_pre_hook(max_pool)
    with torch.no_grad():
        network(images(case, 0, dtype))
    return min(4 * min(margins[:2]), *margins[2:])


def search(sets=64):
    """Prints the set of images with the largest margin for each case; how `CASES` was chosen."""
    for name, case in CASES.items():
        margins = {s: kink_margin(case | {"images": str(s)}, torch.float32) for s in range(sets)}
        best = max(margins, key=margins.get)
        print(f"{name}: images {best!r}, margin {margins[best]:.2g}, median {sorted(margins.values())[sets // 2]:.2g}")


def rounded(value):
    return float(f"{value:.8g}")


def summary(name, tensor):
    values = tensor.detach().double().numpy().ravel()
    return {
        "norm": rounded((values @ values) ** 0.5),
        "projections": [rounded(values @ s) for s in closed_form.signs(name, values.size)],
        "samples": [rounded(values[i]) for i in closed_form.sample_positions(values.size)],
    }


def run_sgd(case, options, dtype):
    """Losses of `STEPS` steps over `BATCHES` batches in turn, and the network they end with."""
    network = build(case, dtype)
    options = dict(options)
    if options.pop("decay_norm_and_bias", True):
        groups = [{"params": network.parameters()}]
    else:
        matrices = [p for p in network.parameters() if p.dim() > 1]
        others = [p for p in network.parameters() if p.dim() == 1]
        groups = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, **options)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(network, case, step % BATCHES, dtype)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, network


def relative(a, b):
    """Norm of the difference over the norm of `a`, the f64 one."""
    return ((a - b.double()).norm() / a.norm()).item()


def case_fixture(case):
    """Everything of one case, and PyTorch's own f32 error."""
    exact, single = build(case, torch.float64), build(case, torch.float32)
    with torch.no_grad():
        logits = exact.eval()(images(case, 0, torch.float64))
        logits_single = single.eval()(images(case, 0, torch.float32))
    loss = loss_of(exact.train(), case, 0, torch.float64)
    loss_single = loss_of(single.train(), case, 0, torch.float32)
    loss.backward()
    loss_single.backward()
    gradients = {name: p.grad for name, p in exact.named_parameters()}
    running = {name: b for name, b in exact.named_buffers() if "running" in name}
    margin = kink_margin(case, torch.float64)
    assert margin > 1e-5, f"{case['model']}: choose other images (search), this set's margin is {margin:.2g}"

    fixture = {k: v for k, v in case.items() if k != "sgd"} | {
        "kink_margin": rounded(margin),
        "eval_logits": [rounded(v) for v in logits.flatten().tolist()],
        "loss": rounded(loss.item()),
        "gradients": {name: summary(name, g) for name, g in gradients.items()},
        "running": {name: summary(name, b) for name, b in running.items()},
        "sgd": [],
    }
    errors = {
        "eval_logits": relative(logits, logits_single),
        "loss": abs(loss_single.item() / loss.item() - 1),
        "worst_gradient": max(relative(gradients[name], p.grad) for name, p in single.named_parameters()),
        "sgd": [],
    }
    for options in case["sgd"]:
        losses, network = run_sgd(case, options, torch.float64)
        losses_single, _ = run_sgd(case, options, torch.float32)
        run = {"momentum": 0.0, "nesterov": False, "weight_decay": 0.0, "decay_norm_and_bias": True} | options
        fixture["sgd"].append(run | {"losses": [rounded(v) for v in losses], "weights": end_weights(network)})
        errors["sgd"].append(max(abs(b / a - 1) for a, b in zip(losses, losses_single)))
    return fixture, errors


def end_weights(network):
    """What SGD left of a kernel, a scale, a shift, the head, and its bias."""
    names = ["conv1.weight", "layer2.0.bn1.weight", "layer3.0.bn1.bias", "fc.weight", "fc.bias"]
    state = network.state_dict()
    return {name: summary(name, state[name]) for name in names}


def full_size_fixture(model):
    """Logits over 1000 classes of two images of 224 px."""
    case = dict(model=model, batch=2, side=224, classes=1000, images="0")
    with torch.no_grad():
        logits = build(case, torch.float64).eval()(images(case, 0, torch.float64))
        single = build(case, torch.float32).eval()(images(case, 0, torch.float32))
    return case | {"eval_logits": [rounded(v) for v in logits.flatten().tolist()]}, {"eval_logits": relative(logits, single)}


def schedule_fixture():
    """Rates per step of LinearLR, CosineAnnealingLR, and the one after the other."""
    cases = []
    for kind in ["constant", "cosine"]:
        for warmup_epochs, final_fraction in [(0.0, 0.0), (1.0, 0.0), (2.5, 0.05), (0.1, 0.0)]:
            peak, steps_per_epoch, epochs = 0.1, 10, 6
            warmup, total = round(warmup_epochs * steps_per_epoch), steps_per_epoch * epochs
            optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
            if kind == "cosine":
                after = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total - warmup, eta_min=peak * final_fraction)
            else:
                after = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
            scheduler = after
            if warmup > 1:
                rise = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1)
                scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, after], milestones=[warmup])
            elif warmup == 1:
                # LinearLR cannot rise in one step: the peak once, then the cosine from its start.
                rise = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
                scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, after], milestones=[1])
            rates = []
            for _ in range(total):
                rates.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                scheduler.step()
            config = {"kind": kind, "warmup_epochs": warmup_epochs, "final_fraction": final_fraction}
            run = {"peak": peak, "steps_per_epoch": steps_per_epoch, "epochs": epochs}
            cases.append({"config": config} | run | {"rates": [float(f"{r:.12g}") for r in rates]})
    return cases


def main():
    torch.set_num_threads(1)
    out = output_folder(__file__, __doc__)
    errors = {}
    for name, case in CASES.items():
        fixture, errors[name] = case_fixture(case)
        write_json(out / f"{name}.json", fixture)
    for model in FULL_SIZE:
        fixture, errors[f"{model}_224"] = full_size_fixture(model)
        write_json(out / f"{model}_224.json", fixture)
    write_json(out / "f32_error.json", errors)
    write_json(out / "schedule.json", schedule_fixture())


if __name__ == "__main__":
    main()
