//! The nearest valid name to one that was mistyped.

/// Names by which users of other libraries know a setting or a method, and what it is called here.
const KNOWN_AS: [(&str, &str); 35] = [
    ("lr", "learning_rate"),
    ("wd", "weight_decay"),
    ("epochs", "steps"),
    ("max_epochs", "steps"),
    ("n_epochs", "steps"),
    ("max_iter", "steps"),
    ("n_iter", "steps"),
    ("iterations", "steps"),
    ("batch", "batch_size"),
    ("width", "hidden_width"),
    ("hidden_dim", "hidden_width"),
    ("hidden_size", "hidden_width"),
    ("hidden_features", "hidden_width"),
    ("depth", "hidden_layers"),
    ("n_layers", "hidden_layers"),
    ("num_layers", "hidden_layers"),
    ("hidden_layer_sizes", "hidden_layers"),
    ("max_grad_norm", "grad_clip"),
    ("clip_grad_norm", "grad_clip"),
    ("ema_decay", "ema"),
    ("test_size", "test_fraction"),
    ("val_size", "validation_fraction"),
    ("early_stopping", "patience"),
    ("n_iter_no_change", "patience"),
    ("ddpm", "diffusion"),
    ("edm", "diffusion"),
    ("cfm", "flow-matching"),
    ("fm", "flow-matching"),
    ("nsf", "spline"),
    ("normalizing-flow", "spline"),
    ("wgan-gp", "wgan"),
    ("engression", "energy"),
    ("meanflow", "flow-map"),
    ("consistency", "distill"),
    ("ksd", "stein"),
];

/// The choice that another library calls `name`, or else the one nearest to it by edit distance (insertions, deletions, substitutions and swaps of neighbors, case ignored),
/// or `None` where even the nearest differs in more than a third of the longer name's letters (one, in short names; never in all).
///
/// ```
/// use pushforward::data::nearest;
/// assert_eq!(nearest("mons", ["moons", "rings"]), Some("moons"));
/// assert_eq!(nearest("weather", ["moons", "rings"]), None);
/// assert_eq!(nearest("lr", ["learning_rate", "steps"]), Some("learning_rate"));
/// ```
pub fn nearest<'a>(name: &str, choices: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let choices: Vec<&str> = choices.into_iter().collect();
    let known = KNOWN_AS.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    if let Some((_, ours)) = known
        && let Some(choice) = choices.iter().find(|choice| *choice == ours)
    {
        return Some(choice);
    }
    let name: Vec<char> = name.to_lowercase().chars().take(64).collect();
    choices
        .into_iter()
        .filter_map(|choice| {
            let letters: Vec<char> = choice.to_lowercase().chars().take(64).collect();
            let edits = distance(&name, &letters);
            let longer = name.len().max(letters.len());
            (edits < longer && 3 * edits <= longer.max(3)).then_some((edits, choice))
        })
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, choice)| choice)
}

/// Optimal string alignment distance (Damerau 1964), by its table of prefixes.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let substituted = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = substituted.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(table[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    table[a.len()][b.len()]
}
