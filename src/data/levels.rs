//! Texts in a table of numbers: a column of texts stands in it as one indicator `COLUMN=LEVEL`, 1 or 0, for each of its levels.

/// A column of a file as it stands in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// Its name in the file.
    pub column: &'a str,
    /// Where it begins among the names that it was found in.
    pub first: usize,
    /// The texts that its indicators stand for; none where it holds numbers.
    pub levels: Vec<&'a str>,
}

impl Group<'_> {
    /// How many columns of the table it takes.
    pub fn width(&self) -> usize {
        self.levels.len().max(1)
    }
}

/// The columns of a file that stand in a table under these names. Neighbors `COLUMN=LEVEL` of one column are its indicators; one alone is
/// a column of numbers whose name holds the sign.
///
/// ```
/// use pushforward::data::groups;
/// let names = ["age", "sex=f", "sex=m", "p=0.5"].map(String::from);
/// let found = groups(&names);
/// assert_eq!(found.iter().map(|group| group.column).collect::<Vec<_>>(), ["age", "sex", "p=0.5"]);
/// assert_eq!((found[1].first, &found[1].levels[..]), (1, &["f", "m"][..]));
/// ```
pub fn groups(names: &[String]) -> Vec<Group<'_>> {
    let column = |name: &'_ String| name.find('=');
    let mut found = Vec::new();
    let mut first = 0;
    while first < names.len() {
        let name = &names[first];
        let own = match column(name) {
            None => 1,
            Some(at) => names[first..].iter().take_while(|other| column(other) == Some(at) && other[..at] == name[..at]).count(),
        };
        found.push(match column(name) {
            Some(at) if own > 1 => {
                let levels = names[first..first + own].iter().map(|name| &name[at + 1..]).collect();
                Group { column: &name[..at], first, levels }
            }
            _ => Group { column: name, first, levels: Vec::new() },
        });
        first += if found[found.len() - 1].levels.is_empty() { 1 } else { own };
    }
    found
}

/// These columns in words, as a file has them: "age, sex (f, m)".
pub fn in_words(names: &[String]) -> String {
    let one = |group: &Group| match group.levels.as_slice() {
        [] => group.column.to_string(),
        levels => format!("{} ({})", group.column, levels.join(", ")),
    };
    groups(names).iter().map(one).collect::<Vec<_>>().join(", ")
}
