//! The nearest valid name to one that was mistyped.

/// The choice nearest to `name` by edit distance (insertions, deletions, substitutions and swaps of neighbors, case ignored),
/// or `None` where even the nearest differs in more than a third of the longer name's letters (one, in short names; never in all).
///
/// ```
/// use pushforward::data::nearest;
/// assert_eq!(nearest("mons", ["moons", "rings"]), Some("moons"));
/// assert_eq!(nearest("weather", ["moons", "rings"]), None);
/// ```
pub fn nearest<'a>(name: &str, choices: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
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
