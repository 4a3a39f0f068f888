//! [`Masks`]: how a model is told which columns are given, where any of them can be.
//!
//! A row x of d numbers is generated given (m ⊙ x, m, p), where m says of each column of the data whether it is given (as in VAEAC, Ivanov et al. 2019, and Simformer,
//! Gloeckler et al. 2024): d numbers, which are 0, the mean, where nothing is given, and a flag for each column. A column's number and its bits are
//! given together or not at all. A further flag p for each column whose cells can be missing says that the cell is not given, and is not missing:
//! a sample of the data may be so, an imputed cell may not.

use crate::data::Encoding;

/// What is said of a row's cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// What it is: a value, or that it is missing.
    Given,
    /// Nothing.
    Nothing,
    /// That it is not missing.
    Present,
}

/// The learned columns of a table, by how many numbers each takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Masks {
    widths: Vec<usize>,
    can_be_missing: Vec<bool>,
}

impl Masks {
    pub fn of(encoding: &Encoding) -> Self {
        let widths = encoding.widths().into_iter().map(|(_, width)| width).filter(|width| *width > 0).collect();
        Self { widths, can_be_missing: encoding.can_be_missing() }
    }

    /// How many columns of the data are learned: of so many cells of a row something is said.
    pub fn cells(&self) -> usize {
        self.widths.len()
    }

    /// How many numbers a row has.
    pub fn columns(&self) -> usize {
        self.widths.iter().sum()
    }

    /// How many numbers say what is given.
    pub fn conditions(&self) -> usize {
        self.columns() + self.cells() + self.can_be_missing.iter().filter(|can| **can).count()
    }

    /// A row's numbers, each with what is said of its cell.
    pub fn numbers<'a>(&'a self, row: &'a [f32], said: &'a [Told]) -> impl Iterator<Item = (f32, Told)> + 'a {
        let each = self.widths.iter().zip(said).flat_map(|(width, said)| std::iter::repeat_n(*said, *width));
        row.iter().copied().zip(each)
    }

    /// Appends what is said of a row, which is in the model's units.
    pub fn write(&self, row: &[f32], said: &[Told], into: &mut Vec<f32>) {
        into.extend(self.numbers(row, said).map(|(number, said)| if said == Told::Given { number } else { 0.0 }));
        let flag = |is: bool| f32::from(u8::from(is));
        into.extend(said.iter().map(|said| flag(*said == Told::Given)));
        let can_be_missing = said.iter().zip(&self.can_be_missing).filter(|(_, can)| **can);
        into.extend(can_be_missing.map(|(said, _)| flag(*said == Told::Present)));
    }
}
