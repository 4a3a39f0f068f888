//! Rows on all cores, with results that do not depend on how many there are.

use std::thread;

/// `[f(0), …, f(n−1)]`. Each core takes one contiguous block and owns one `scratch` for all of its calls.
pub(crate) fn map_rows<T: Send, S: Default>(n: usize, f: impl Fn(usize, &mut S) -> T + Sync) -> Vec<T> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let block = n.div_ceil(cores).max(1);
    let one_block = |start: usize| {
        let mut scratch = S::default();
        (start..(start + block).min(n)).map(|i| f(i, &mut scratch)).collect::<Vec<T>>()
    };
    if block >= n {
        return one_block(0);
    }
    thread::scope(|scope| {
        let blocks: Vec<_> = (0..n).step_by(block).map(|start| scope.spawn(move || one_block(start))).collect();
        blocks.into_iter().flat_map(|b| b.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}
