//! Reference for `adam`: one update in f64, with the settings of [`Adam`].

use crate::ops::adam::Adam;

/// Parameters and moments.
#[derive(Clone, Debug)]
pub struct State {
    pub value: Vec<f64>,
    pub first: Vec<f64>,
    pub second: Vec<f64>,
    pub average: Vec<f64>,
}

impl State {
    pub fn new(value: &[f64]) -> Self {
        let zero = vec![0.0; value.len()];
        Self { value: value.into(), first: zero.clone(), second: zero, average: value.into() }
    }

    /// Update number `t`, from 1.
    pub fn update(&mut self, gradient: &[f64], adam: &Adam, t: u64) {
        let norm2: f64 = gradient.iter().map(|g| g * g).sum();
        if !norm2.is_finite() {
            return;
        }
        let clip = adam.grad_clip.map_or(1.0, |clip| f64::from(clip) / norm2.sqrt());
        let shrink = if clip < 1.0 { clip } else { 1.0 };
        let (b1, b2) = (f64::from(adam.beta1), f64::from(adam.beta2));
        let rate = rate(adam, t);
        for (i, g) in gradient.iter().enumerate() {
            let g = g * shrink;
            self.first[i] = b1 * self.first[i] + (1.0 - b1) * g;
            self.second[i] = b2 * self.second[i] + (1.0 - b2) * g * g;
            let m = self.first[i] / (1.0 - b1.powf(t as f64));
            let v = self.second[i] / (1.0 - b2.powf(t as f64));
            self.value[i] -= rate * (m / (v.sqrt() + f64::from(adam.epsilon)) + f64::from(adam.weight_decay) * self.value[i]);
            if adam.bound > 0.0 {
                self.value[i] = self.value[i].clamp(-f64::from(adam.bound), f64::from(adam.bound));
            }
            let keep = f64::from(adam.ema).min((1.0 + t as f64) / (10.0 + t as f64));
            self.average[i] += (1.0 - keep) * (self.value[i] - self.average[i]);
        }
    }
}

/// The learning rate of update `t`.
pub fn rate(adam: &Adam, t: u64) -> f64 {
    let (t, warmup, total) = (t as f64, f64::from(adam.warmup_steps), f64::from(adam.steps));
    let warm = (t / warmup.max(1.0)).min(1.0);
    let progress = ((t - warmup) / (total - warmup).max(1.0)).clamp(0.0, 1.0);
    let floor = f64::from(adam.floor());
    f64::from(adam.learning_rate) * warm * (floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()))
}
