//! An op of one's own: a WGSL kernel with its gradient, recorded beside the library's ops.
//!
//! cargo run --release --example own_op

use pushforward::gpu::{Backward, Recorder, Shader, Var};
use pushforward::prelude::*;

/// y = ln cosh x, and its gradient: x̄ += ȳ · tanh x.
const LOG_COSH: &str = "
struct Params { len: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> d_out: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.len) { return; }
    let a = abs(x[id.x]);                       // ln cosh x = |x| + ln(1 + e^(−2|x|)) − ln 2, which cannot overflow
    out[id.x] = a + log(1.0 + exp(-2.0 * a)) - 0.6931472;
}

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.len) { return; }
    let d_x = d_out[id.x] * tanh(x[id.x]);
    if (params.accumulate == 1u) { out[id.x] += d_x; } else { out[id.x] = d_x; }
}";

fn log_cosh(rec: &mut Recorder, forward: &Shader, backward: &Shader, x: Var) -> Result<Var> {
    let (out, len, groups) = (rec.empty(x.rows(), x.cols())?, x.len() as u32, rec.groups(x.len(), 64));
    rec.run(forward, &[len, 0], &[("x", x), ("out", out)], groups)?;
    let backward = backward.clone();
    rec.record(&[x], &[out], move |rec: &mut Recorder, back: &mut Backward| {
        let Some(d_out) = back.of(rec, out)? else { return Ok(()) };
        let Some(slot) = back.slot(rec, x)? else { return Ok(()) };
        let operands = [("x", x), ("d_out", d_out), ("out", slot.into)];
        rec.run(&backward, &[len, slot.accumulate.into()], &operands, groups)
    });
    Ok(out)
}

fn main() -> Result<()> {
    let gpu = Gpu::open("auto")?;
    let [forward, backward] = ["forward", "backward"].map(|entry| gpu.shader(LOG_COSH, entry));
    let (forward, backward) = (forward?, backward?);

    let x = gpu.upload(1, 3, &[-2.0, 0.0, 50.0])?;
    let mut rec = Recorder::new(&gpu, 0);
    let x = rec.tensor(&x);
    let y = log_cosh(&mut rec, &forward, &backward, x)?;
    let loss = rec.sum(y)?;
    let gradient = rec.backward(loss, &[x])?[0];
    let (y, gradient) = (rec.keep(y), rec.keep(gradient));
    let mut step = rec.finish()?;
    step.replay(1)?;
    println!("ln cosh x = {:?}", step.read(y)?);
    println!("gradient  = {:?}", step.read(gradient)?);
    Ok(())
}
