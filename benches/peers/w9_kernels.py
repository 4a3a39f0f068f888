"""W9: leave-one-out Gaussian kernel log-sums at eight widths, and the kernel drift of a batch (mean shift to data less that to itself).
run: python w9_kernels.py {kde|drift} {eager|compile|jax} N D"""
from common import *
what, which, n, d = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
widths = [0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2]
if which == "jax":
    import jax, jax.numpy as jnp
    ver = "jax-" + jax.__version__
    k1, k2 = jax.random.split(jax.random.PRNGKey(0))
    x, y = jax.random.normal(k1, (n, d)), jax.random.normal(k2, (n, d))
    eye = jnp.eye(n, dtype=bool)
    square = lambda a, b: jnp.maximum((a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T, 0.)
    def kde(x, y):
        D = jnp.where(eye, jnp.inf, square(x, x))
        return jnp.stack([jax.scipy.special.logsumexp(-D / (2 * h * h), axis=1) for h in widths], 1)
    def drift(x, y):
        own = jnp.where(eye, jnp.inf, square(x, x))
        return jax.nn.softmax(-square(x, y) * 2, 1) @ y - jax.nn.softmax(-own * 2, 1) @ x
    f = jax.jit(kde if what == "kde" else drift)
    def step():
        v = f(x, y); v.block_until_ready(); step.v = float(abs(v).sum())
else:
    import torch
    torch.set_num_threads(T); torch.set_default_device(DEVICE); torch.manual_seed(0)
    ver = "torch-" + torch.__version__
    x, y = torch.randn(n, d), torch.randn(n, d)
    eye = torch.eye(n, dtype=torch.bool)
    square = lambda a, b: ((a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T).clamp_min(0)
    def kde(x, y):
        D = square(x, x).masked_fill(eye, float("inf"))
        return torch.stack([torch.logsumexp(-D / (2 * h * h), 1) for h in widths], 1)
    def drift(x, y):
        own = square(x, x).masked_fill(eye, float("inf"))
        return torch.softmax(-square(x, y) * 2, 1) @ y - torch.softmax(-own * 2, 1) @ x
    f = kde if what == "kde" else drift
    if which == "compile":
        f = torch.compile(f, **COMPILE)
    def step():
        step.v = f(x, y)
t0 = time.perf_counter(); step(); first = round((time.perf_counter() - t0) * 1e3, 1)
r = bench(step, 3, 20, 15)
emit(w="W9", what=what, lib=ver, variant=which, n=n, d=d, threads=T, first_ms=first, **r)
