"""The same tasks in PyTorch: reads "name iterations" lines, answers with the seconds they took."""

import os
import sys
import time

import torch
from torch import nn
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../tools/fixtures"))
import examples  # noqa: E402

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)


def tasks():
    t = {}
    for n in (64, 128, 256, 512, 1024, 2048):
        a, b = torch.rand(n, n), torch.rand(n, n)
        t[f"matmul {n}"] = lambda a=a, b=b: a @ b
    x, y = torch.rand(64, 400), torch.rand(120, 400)
    t["linear 64x400x120"] = lambda: F.linear(x, y)
    p, q = torch.rand(1 << 20), torch.rand(1 << 20)
    for name in ("add", "mul"):
        t[f"{name} 1M"] = lambda f=getattr(torch, name): f(p, q)
    for name in ("exp", "tanh", "sigmoid", "relu"):
        t[f"{name} 1M"] = lambda f=getattr(torch, name): f(p)
    t["gelu 1M"] = lambda: F.gelu(p)
    m = torch.rand(1000, 1000)
    t["sum 1M"] = lambda: m.sum()
    t["sum dim 0"] = lambda: m.sum(0)
    t["sum dim 1"] = lambda: m.sum(1)
    t["max dim 1"] = lambda: m.max(1)
    s = torch.rand(256, 1000)
    t["softmax 256x1000"] = lambda: torch.softmax(s, 1)
    t["transpose copy 1000x1000"] = lambda: m.t().contiguous()
    u, v = torch.rand(4), torch.rand(4)
    w = torch.rand(4, requires_grad=True)
    t["tiny a.add(b)"] = lambda: u.add(v)
    t["tiny a.add(b) with grad"] = lambda: w.add(v)

    def conv(shape, filters, k, pad):
        img = torch.rand(*shape, requires_grad=True)
        wt = torch.rand(filters, shape[1], k, k, requires_grad=True)
        g = torch.rand_like(F.conv2d(img, wt, padding=pad))

        def forward():
            with torch.no_grad():
                F.conv2d(img, wt, padding=pad)

        def both():
            F.conv2d(img, wt, padding=pad).backward(g)
            img.grad = None
            wt.grad = None

        return forward, both

    for name, args in (("64x6x14x14, 16 of 5x5", ((64, 6, 14, 14), 16, 5, 0)), ("16x64x32x32, 64 of 3x3", ((16, 64, 32, 32), 64, 3, 1))):
        t[f"conv2d {name}"], t[f"conv2d {name}, forward and backward"] = conv(*args)

    loss_of = nn.CrossEntropyLoss()

    def training(model, data, target, logits_of=lambda model, data: model(data)):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

        def step():
            optimizer.zero_grad()
            loss_of(logits_of(model, data), target).backward()
            optimizer.step()

        return step

    target = torch.randint(0, 10, (64,))
    mlp = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    t["MLP step, batch 64"] = training(mlp, torch.rand(64, 784), target)
    lenet = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )
    t["LeNet-5 step, batch 64"] = training(lenet, torch.rand(64, 1, 28, 28), target)
    resnet = examples.ResNet([2, 2, 2, 2])
    t["ResNet-18 step, 16 of 3x32x32"] = training(resnet, torch.rand(16, 3, 32, 32), target[:16])
    narrow = examples.ResNet([2, 2, 2, 2], 10, 16)
    t["ResNet-18 of width 16 step, 32 of 3x32x32"] = training(narrow, torch.rand(32, 3, 32, 32), target[:32])
    unet = examples.UNet(3, 2, 8)
    masks = torch.randint(0, 2, (16, 48, 48))
    t["U-Net of width 8 step, 16 of 3x48x48"] = training(unet, torch.rand(16, 3, 48, 48), masks)
    lengths = torch.arange(64) % 16 + 17
    tokens = torch.randint(1, 1000, (64, 32)).masked_fill(torch.arange(32) >= lengths[:, None], 0)
    classifier = examples.TextClassifier(1000, 64, 128, 10)
    t["LSTM classifier step, 64 of 17 to 32 tokens"] = training(
        classifier, (tokens, lengths), target, lambda model, data: model(*data)[0])
    lm = examples.TransformerLM(48, 32, 64, 4, 2)
    text = torch.randint(0, 48, (32, 33))
    t["Transformer step, 32 of 32 tokens"] = training(
        lm, text[:, :-1], text[:, 1:].flatten(), lambda model, data: model(data).flatten(0, 1))
    return t


table = tasks()
print(torch.__version__, flush=True)
for line in sys.stdin:
    name, iterations = line.rstrip("\n").split("\t")
    run, n = table[name], int(iterations)
    for _ in range(n):
        run()
    start = time.perf_counter()
    for _ in range(n):
        run()
    print(time.perf_counter() - start, flush=True)
