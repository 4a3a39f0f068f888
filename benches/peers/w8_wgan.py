"""W8: one WGAN-GP iteration, five critic steps and one of the generator. run: python w8_wgan.py {torch|compile|jax} HIDDEN BATCH"""
from common import *
which, h, b = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
STEPS, LAMBDA = 5, 10.0
g_sz, d_sz = [2, h, h, 2], [2, h, h, 1]
if which in ("torch", "compile"):
    import torch, torch.nn as nn
    torch.set_num_threads(T); torch.set_default_device(DEVICE); torch.manual_seed(0)
    ver = "torch-" + torch.__version__
    def net(sz):
        layers = []
        for i, (a, o) in enumerate(zip(sz, sz[1:])):
            layers.append(nn.Linear(a, o))
            if i + 2 < len(sz): layers.append(nn.SiLU())
        return nn.Sequential(*layers)
    G, D = net(g_sz), net(d_sz)
    kw = dict(lr=1e-3, betas=(0.0, 0.9))
    ag, ad = torch.optim.Adam(G.parameters(), **kw), torch.optim.Adam(D.parameters(), **kw)
    data = torch.randn(1 << 17, 2)
    def critic_loss(x, z, u):
        with torch.no_grad():
            y = G(z)
        at = (x + u * (y - x)).requires_grad_(True)
        slope, = torch.autograd.grad(D(at).sum(), at, create_graph=True)
        return D(y).mean() - D(x).mean() + LAMBDA * ((slope.norm(dim=1) - 1) ** 2).mean()
    # torch.compile cannot trace a gradient of a gradient: what it can is the generator's step.
    generator_loss = (lambda z: -D(G(z)).mean())
    if which == "compile": generator_loss = torch.compile(generator_loss, **COMPILE)
    def step():
        for _ in range(STEPS):
            x = data[torch.randint(0, len(data), (b,))]
            ad.zero_grad(set_to_none=True)
            critic_loss(x, torch.randn(b, 2), torch.rand(b, 1)).backward()
            ad.step()
        ag.zero_grad(set_to_none=True)
        l = generator_loss(torch.randn(b, 2))
        for p, g in zip(G.parameters(), torch.autograd.grad(l, list(G.parameters()))): p.grad = g
        ag.step()
        return l
else:
    import functools, jax, jax.numpy as jnp, optax
    ver = "jax-" + jax.__version__
    key = jax.random.PRNGKey(0)
    def net(sz, key):
        keys = jax.random.split(key, len(sz))
        return [(jax.random.normal(k, (a, o)) / a ** .5, jnp.zeros(o)) for k, a, o in zip(keys, sz, sz[1:])]
    k1, k2, k3, key = jax.random.split(key, 4)
    g, d = net(g_sz, k1), net(d_sz, k2)
    data = jax.random.normal(k3, (1 << 17, 2))
    opt = optax.adam(1e-3, b1=0.0, b2=0.9)
    sg, sd = opt.init(g), opt.init(d)
    def apply(p, x):
        for i, (W, c) in enumerate(p):
            x = x @ W + c
            if i + 1 < len(p): x = jax.nn.silu(x)
        return x
    def critic_loss(d, g, x, z, u):
        y = apply(g, z)
        at = x + u * (y - x)
        slope = jax.grad(lambda a: apply(d, a).sum())(at)
        return apply(d, y).mean() - apply(d, x).mean() + LAMBDA * ((jnp.linalg.norm(slope, axis=1) - 1) ** 2).mean()
    def generator_loss(g, d, z):
        return -apply(d, apply(g, z)).mean()
    @functools.partial(jax.jit, donate_argnums=(0, 1, 2, 3, 4))
    def upd(g, d, sg, sd, key):
        for _ in range(STEPS):
            key, a, c, e = jax.random.split(key, 4)
            x = data[jax.random.randint(a, (b,), 0, len(data))]
            grad = jax.grad(critic_loss)(d, g, x, jax.random.normal(c, (b, 2)), jax.random.uniform(e, (b, 1)))
            u, sd = opt.update(grad, sd, d)
            d = optax.apply_updates(d, u)
        key, a = jax.random.split(key)
        l, grad = jax.value_and_grad(generator_loss)(g, d, jax.random.normal(a, (b, 2)))
        u, sg = opt.update(grad, sg, g)
        return optax.apply_updates(g, u), d, sg, sd, key, l
    S = [g, d, sg, sd, key]
    def step():
        *S[:], l = upd(*S)
        return l.block_until_ready()
t0 = time.perf_counter(); step(); t_first = round((time.perf_counter() - t0) * 1e3, 1)
r = bench(step, 10, 40, 12)
emit(w="W8", lib=ver, mode=which, hidden=h, batch=b, threads=T, first_step_ms=t_first, iterations_per_s=round(1e3 / r["ms"], 2), rss_mb=rss_mb(), **r)
