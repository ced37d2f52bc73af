"""Answers cases with what PyTorch does: one case of tools/conformance's format a line in, the same case with its results out.

Read by tools/differential/oracle.mjs. Fields that ask for more: `grad2` for second derivatives, `inplace`, and for modules a
case has `cls`. The answer is `{"answer": {...}}` with the fields to add to the case, or `{"skip": reason}`.
"""

import base64
import collections
import json
import math
import resource
import signal
import sys
import warnings

import numpy
import torch

warnings.simplefilter("ignore")
torch.set_num_threads(1)
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))

NUMPY = {
    torch.float32: "f4", torch.float64: "f8", torch.int8: "i1", torch.uint8: "u1", torch.int16: "i2", torch.int32: "i4",
    torch.int64: "i8", torch.bool: "?", torch.float16: "f2", torch.complex64: "c8", torch.complex128: "c16",
}
DTYPES = {str(d)[6:]: d for d in [*NUMPY, torch.bfloat16]}
FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "-0": -0.0}
WIDE = {
    torch.float32: torch.float64, torch.float16: torch.float64, torch.bfloat16: torch.float64, torch.complex64: torch.complex128,
}
TOLERANCES = {torch.float64: (1e-7, 1e-7), torch.complex128: (1e-7, 1e-7), torch.float16: (1e-3, 1e-3), torch.bfloat16: (1.6e-2, 1e-5)}


class Skip(Exception):
    pass


def elements(spec):
    raw = base64.b64decode(spec["data"])
    dtype = DTYPES[spec["dtype"]]
    if dtype == torch.bfloat16:
        return torch.from_numpy(numpy.frombuffer(raw, "i2").copy()).view(torch.bfloat16)
    return torch.from_numpy(numpy.frombuffer(raw, NUMPY[dtype]).copy())


def decode(v, wide=False):
    """A value of the suite; `wide` makes floats and complex numbers float64 and complex128."""
    if isinstance(v, list):
        return [decode(x, wide) for x in v]
    if not isinstance(v, dict):
        return v
    kind = v["$"]
    if kind == "tensor":
        t = elements(v)
        if wide:
            t = t.to(WIDE.get(t.dtype, t.dtype))
        t = t.reshape(v["shape"]) if "strides" not in v else t.as_strided(v["shape"], v["strides"], v.get("offset", 0))
        return t.requires_grad_() if v.get("rg") else t
    if kind == "float":
        return FLOATS[v["v"]] if isinstance(v["v"], str) else float(v["v"])
    if kind == "int":
        return int(v["v"])
    if kind == "complex":
        return complex(*[decode(x) if isinstance(x, dict) else x for x in v["v"]])
    if kind == "tuple":
        return tuple(decode(x, wide) for x in v["v"])
    if kind == "dict":
        return {k: decode(x, wide) for k, x in v["v"].items()}
    if kind == "map":
        return {decode(k): decode(x, wide) for k, x in v["v"]}
    if kind == "odict":
        return collections.OrderedDict((k, decode(x, wide)) for k, x in v["v"])
    if kind == "slice":
        return slice(*v["v"])
    if kind == "ellipsis":
        return ...
    if kind == "dtype":
        dtype = getattr(torch, v["v"].replace("torch.", ""))
        return WIDE.get(dtype, dtype) if wide else dtype
    if kind in ("layout", "memory_format"):
        return getattr(torch, v["v"].replace("torch.", ""))
    if kind == "device":
        return torch.device(v["v"])
    if kind == "size":
        return torch.Size(v["v"])
    if kind == "fn":
        return find(v["v"])
    if kind == "module":
        return module(v)
    raise Skip(f"no value for {kind}")


def encode(v, shape_only=False):
    if isinstance(v, torch.Tensor):
        t = v.detach()
        if t.layout != torch.strided or t.dtype not in DTYPES.values():
            raise Skip(f"a result of {t.dtype}, {t.layout}")
        spec = {"$": "shape" if shape_only else "tensor", "dtype": str(t.dtype)[6:], "shape": list(t.shape)}
        if not shape_only:
            t = torch.zeros(t.shape, dtype=t.dtype) if t._is_zerotensor() else t
            t = t.resolve_conj().resolve_neg().contiguous()
            t = t.view(torch.int16) if t.dtype == torch.bfloat16 else t
            spec["data"] = base64.b64encode(t.numpy().tobytes()).decode()
        return spec
    if v is None or isinstance(v, (bool, str)):
        return v
    if isinstance(v, int):
        return v if abs(v) <= 2**53 else {"$": "int", "v": str(v)}
    if isinstance(v, float):
        return {"$": "float", "v": v if math.isfinite(v) else str(v)}
    if isinstance(v, complex):
        return {"$": "complex", "v": [encode(v.real), encode(v.imag)]}
    if isinstance(v, torch.Size):
        return {"$": "size", "v": list(v)}
    if isinstance(v, tuple):
        return {"$": "tuple", "v": [encode(x, shape_only) for x in v]}
    if isinstance(v, list):
        return [encode(x, shape_only) for x in v]
    if isinstance(v, (torch.dtype, torch.device)):
        return {"$": type(v).__name__, "v": str(v).replace("torch.", "")}
    raise Skip(f"a result of type {type(v).__name__}")


def find(name):
    if name == "torch.nn.functional.scaled_dot_product_attention":
        return attention
    target = torch.Tensor if name.startswith("Tensor.") else torch
    for part in name.split(".")[1:]:
        target = getattr(target, part, None)
        if target is None:
            raise Skip(f"PyTorch has no {name}")
    return target


def attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False):
    """The name and arguments of later versions over what 1.13 has."""
    return torch.nn.functional._scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, False, is_causal)[0]


def module(spec):
    cls = getattr(torch.nn, spec["cls"].rsplit(".", 1)[1])
    return cls(*decode(spec.get("args") or []), **decode({"$": "dict", "v": spec.get("kwargs") or {}}))


def leaves(v):
    if isinstance(v, (list, tuple)) and not isinstance(v, torch.Size):
        return [leaf for x in v for leaf in leaves(x)]
    return [v]


def tensors(v, path):
    """Every tensor in the arguments with its path."""
    if isinstance(v, torch.Tensor):
        return [(path, v)]
    items = enumerate(v) if isinstance(v, (list, tuple)) else v.items() if isinstance(v, dict) else []
    return [entry for k, x in items for entry in tensors(x, f"{path}.{k}")]


def call(case, wide=False):
    """Runs a case: its arguments, what it gave, and the inputs that want gradients."""
    args, kwargs = decode(case["args"], wide), decode({"$": "dict", "v": case["kwargs"]}, wide)
    inputs = [(p, t) for p, t in tensors(args, "args") + tensors(kwargs, "kwargs")]
    given = [args[0].clone(), *args[1:]] if case.get("inplace") else args
    kind, name = case["kind"], case["fn"]
    if kind == "property":
        out = getattr(given[0], name.rsplit(".", 1)[1])
    elif kind == "setitem":
        given[0][given[1]] = given[2]
        out = given[0]
    else:
        out = find(name)(*given, **kwargs)
    return inputs, out


def weights(out, generator):
    """A random cotangent per leaf that has a gradient, in eighths: exact in every dtype."""
    result = []
    for leaf in leaves(out):
        if not isinstance(leaf, torch.Tensor) or not leaf.requires_grad:
            result.append(None)
            continue
        shape = leaf.shape + (2,) if leaf.is_complex() else leaf.shape
        w = torch.randint(-8, 8, shape, generator=generator, dtype=torch.float64).add_(0.5).div_(8)
        result.append(w.to(real(leaf.dtype)))
    return result


def real(dtype):
    return {torch.complex64: torch.float32, torch.complex128: torch.float64}.get(dtype, dtype)


def total(out, ws, cmp):
    loss = 0
    for i, (leaf, w) in enumerate(zip(leaves(out), ws)):
        if w is None:
            continue
        leaf = leaf.abs() if cmp and cmp[i] and cmp[i]["mode"].startswith("abs") else leaf
        w = w.to(real(leaf.dtype))
        loss = loss + ((torch.view_as_real(leaf.resolve_conj()) if leaf.is_complex() else leaf) * w).sum()
    return loss


def weigh_modes(ws, cmp):
    """Weights that suit a case's comparison: none where values are free, ones where their order is."""
    for i, mode in enumerate(cmp or []):
        w = ws[i] if i < len(ws) else None
        if mode is None or w is None:
            continue
        if mode["mode"] == "skip":
            ws[i] = None
        elif mode["mode"] == "unordered":
            w.fill_(1)
        elif mode["mode"] == "abs_cols":
            w[..., mode["k"]:] = 0
        elif mode["mode"] == "abs_rows":
            w[..., mode["k"]:, :] = 0


def judge(got, want):
    """How far results are from those in double precision: [rtol, atol], elements not to compare, and leaves not to compare."""
    rtol = max((TOLERANCES.get(g.dtype, (1.3e-6, 1e-5))[0] for g in got if isinstance(g, torch.Tensor)), default=1.3e-6)
    atol = max((TOLERANCES.get(g.dtype, (1.3e-6, 1e-5))[1] for g in got if isinstance(g, torch.Tensor)), default=1e-5)
    skip, unstable = {}, []
    for i, (a, b) in enumerate(zip(got, want)):
        if not isinstance(a, torch.Tensor) or not isinstance(b, torch.Tensor) or a.numel() == 0:
            continue
        if a.shape != b.shape:
            unstable.append(i)
            continue
        x, y = a.detach().to(torch.complex128).flatten(), b.detach().to(torch.complex128).flatten()
        if not (a.is_floating_point() or a.is_complex()):
            # What rounding decides has no one answer.
            if not torch.equal(x, y):
                skip[i] = torch.nonzero(x != y).flatten().tolist()
            continue
        same = (x == y) | (x.isnan() & y.isnan())
        error = torch.where(same, torch.zeros_like(x), x - y).abs()
        near = error <= 1e-3 * (1 + y.abs()) if a.dtype in (torch.float32, torch.complex64) else error <= 0.05 * (1 + y.abs())
        far = torch.nonzero(~near).flatten().tolist()
        if far:
            skip[i] = far
        needed = torch.where(near, 4 * error - rtol * y.abs(), torch.zeros_like(error))
        needed = needed[needed.isfinite()]
        if needed.numel():
            atol = max(atol, needed.max().item())
    return [rtol, atol], skip, unstable


def gradients(case, out, inputs, seed):
    """w, the gradients, and those of the gradients where the case asks for them: tensors, not yet encoded."""
    generator = torch.Generator().manual_seed(seed)
    ws = weights(out, generator)
    weigh_modes(ws, case.get("cmp"))
    variables = [(p, t) for p, t in inputs if t.requires_grad]
    if not variables or all(w is None for w in ws):
        return None
    second = bool(case.get("grad2"))
    grads = torch.autograd.grad(total(out, ws, case.get("cmp")), [t for _, t in variables], create_graph=second, allow_unused=True)
    result = {"w": ws, "paths": [p for p, _ in variables], "grads": grads}
    if second:
        ws2 = weights(list(grads), generator)
        result["w2"] = ws2
        if any(w is not None for w in ws2):
            kept = [t for _, t in variables]
            result["second"] = torch.autograd.grad(total(list(grads), ws2, None), kept, allow_unused=True)
        else:
            result["second"] = [None] * len(variables)
    return result


def error_of(error):
    return {"error": {"type": type(error).__name__, "message": str(error)[:300], "regex": ""}}


def answer(case):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    try:
        inputs, out = call(case)
    except Skip:
        raise
    except Exception as error:
        return error_of(error)
    stochastic = not torch.equal(state, torch.get_rng_state())
    if isinstance(out, torch.Tensor) and out.is_sparse:
        raise Skip("a sparse result")
    result = {"out": encode(out, stochastic)}
    if stochastic:
        result["stochastic"] = True
        return result
    fresh = tensors(decode(case["args"]), "args") + tensors(decode({"$": "dict", "v": case["kwargs"]}), "kwargs")
    changed = [{"path": p, "t": encode(t)} for (p, t), (_, b) in zip(inputs, fresh) if encode(t) != encode(b)]
    if changed and case["kind"] != "setitem" and not case.get("inplace") and not case.get("undefined"):
        result["mutated"] = changed
    seed = case.get("seed", 0)
    first = None
    try:
        first = gradients(case, out, inputs, seed)
    except Exception as error:
        # Where PyTorch has no derivative there is nothing to compare.
        result["gradError"] = str(error)[:200]
        case = {**case, "grad2": None}
        try:
            inputs, out = call(case)
            first = gradients(case, out, inputs, seed)
        except Exception:
            first = None
    wide = second = None
    try:
        wide_inputs, wide = call(case, wide=True)
        second = gradients(case, wide, wide_inputs, seed) if first else None
    except Exception:
        pass
    result["tol"], skip, unstable = judge(leaves(out), leaves(wide) if wide is not None else [])
    # Sums of many terms are as exact as their largest term allows.
    largest = [t.detach().abs().nan_to_num(0, 0, 0).max().item() for _, t in inputs if t.is_floating_point() and t.numel()]
    if leaves(out) and isinstance(leaves(out)[0], torch.Tensor) and leaves(out)[0].dtype == torch.float32:
        result["tol"][1] = max([result["tol"][1], *[8 * 1.2e-7 * v for v in largest]])
    if skip:
        result["skip"] = skip
    if unstable:
        result["unstable"] = unstable
    if first:
        result["w"] = [None if w is None else encode(w) for w in first["w"]]
        result["gtol"], skip, unstable = judge(first["grads"], second["grads"] if second else [])
        result["grads"] = [{"path": p, "t": encode(g)} for p, g in zip(first["paths"], first["grads"])]
        if skip:
            result["gskip"] = skip
        if unstable:
            result["gunstable"] = unstable
        if "second" in first:
            tol, skip, unstable = judge(first["second"], second["second"] if second and "second" in second else [])
            # An element that float32 cannot tell has no place in the format of second derivatives.
            if not skip and not unstable:
                result["grad2"] = {
                    "w": [None if w is None else encode(w) for w in first["w2"]],
                    "grads": [{"path": p, "t": None if g is None else encode(g)} for p, g in zip(first["paths"], first["second"])],
                    "tol": tol,
                }
    return result


def run_module(case, wide=False):
    torch.manual_seed(case.get("seed", 0))
    m = module(case)
    m.train(case["train"])
    inputs = decode(case["inputs"], wide)
    kwargs = decode({"$": "dict", "v": case["inkwargs"]}, wide)
    if case.get("lazy"):
        with torch.no_grad():
            m(*inputs, **kwargs)
    if wide:
        m.double()
    state = [[k, encode(v)] for k, v in m.state_dict().items()]
    before = {k: v.clone() for k, v in m.state_dict().items()}
    torch.manual_seed(1)
    rng = torch.get_rng_state()
    out = m(*inputs, **kwargs)
    stochastic = not torch.equal(rng, torch.get_rng_state())
    after = [[k, encode(v)] for k, v in m.state_dict().items() if not torch.equal(v, before[k])]
    return m, inputs, kwargs, state, out, stochastic, after


def answer_module(case):
    try:
        m, inputs, kwargs, state, out, stochastic, after = run_module(case)
    except Skip:
        raise
    except Exception as error:
        return error_of(error)
    result = {"repr": repr(m), "n_params": sum(p.numel() for p in m.parameters()), "state": state, "out": encode(out, stochastic)}
    result["state_after"] = [] if stochastic else after
    if stochastic:
        result["stochastic"] = True
        return result
    seed = case.get("seed", 0)

    def grads_of(m, inputs, kwargs, out):
        variables = [(p, t) for p, t in tensors(inputs, "args") + tensors(kwargs, "kwargs") if t.requires_grad]
        first = len(variables)
        variables += list(m.named_parameters())
        ws = weights(out, torch.Generator().manual_seed(seed))
        weigh_modes(ws, case.get("cmp"))
        if not variables or all(w is None for w in ws):
            return None
        grads = torch.autograd.grad(total(out, ws, case.get("cmp")), [t for _, t in variables], allow_unused=True)
        return ws, first, [p for p, _ in variables], grads

    found = grads_of(m, inputs, kwargs, out)
    wide = wide_found = None
    try:
        wm, winputs, wkwargs, _, wide, _, _ = run_module(case, wide=True)
        wide_found = grads_of(wm, winputs, wkwargs, wide)
    except Exception:
        pass
    result["tol"], skip, unstable = judge(leaves(out), leaves(wide) if wide is not None else [])
    result.update({"skip": skip} if skip else {}, **({"unstable": unstable} if unstable else {}))
    if found:
        ws, n, names, grads = found
        result["w"] = [None if w is None else encode(w) for w in ws]
        result["gtol"], skip, unstable = judge(grads, wide_found[3] if wide_found else [])
        result["gskip"] = {names[i]: v for i, v in skip.items()}
        result["gunstable"] = [names[i] for i in unstable]
        encoded = [None if g is None else encode(g) for g in grads]
        result["input_grads"] = [{"path": p, "t": g} for p, g in zip(names[:n], encoded[:n])]
        result["param_grads"] = [[p, g] for p, g in zip(names[n:], encoded[n:])]
    return result


def timeout(*_):
    raise Skip("takes too long")


signal.signal(signal.SIGALRM, timeout)
for line in sys.stdin:
    case = json.loads(line)
    signal.alarm(4)
    try:
        reply = {"answer": answer_module(case) if "cls" in case else answer(case)}
    except Skip as reason:
        reply = {"skip": str(reason)}
    except Exception as error:
        reply = {"skip": f"{type(error).__name__}: {error}"[:200]}
    signal.alarm(0)
    print(json.dumps(reply), flush=True)
