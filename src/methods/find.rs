//! Methods by their names, for front ends and files; those of other crates among them.

use super::{Method, Training, registry};
use crate::data::nearest;
use crate::settings::{Settings as _, Values};
use crate::{Error, Result};
use std::sync::Mutex;

/// Methods from outside this crate, by [`register`].
static REGISTERED: Mutex<Vec<Box<dyn Method>>> = Mutex::new(Vec::new());

/// Every method with its default settings, in the paper's order.
pub fn all() -> Vec<Box<dyn Method>> {
    registry::all()
}

/// Makes a method from outside this crate known by its name, so that its models can be loaded; with the settings given as its defaults.
/// [`Trainer`](crate::train::Trainer) does so with the method that it trains.
///
/// # Errors
/// Another method of this name.
pub fn register(method: &dyn Method) -> Result<()> {
    let mut registered = REGISTERED.lock().expect("no holder of this lock panics");
    let (name, own) = (method.name(), method.entry());
    match registry::all().iter().chain(registered.iter()).find(|known| known.name() == name) {
        Some(known) if std::ptr::eq(known.entry(), own) => {}
        Some(_) => return Err(Error::usage(format!("there is already a method `{name}`: choose another name"))),
        None => registered.push(method.boxed()),
    }
    Ok(())
}

/// The method of this name with its default settings.
///
/// # Errors
/// No method of this name: the message lists all.
pub fn by_name(name: &str) -> Result<Box<dyn Method>> {
    let mut known = registry::all();
    known.extend(REGISTERED.lock().expect("no holder of this lock panics").iter().cloned());
    let names: Vec<&str> = known.iter().map(|method| method.name()).collect();
    match names.iter().position(|known| *known == name) {
        Some(at) => Ok(known.swap_remove(at)),
        None => {
            let hint = nearest(name, names.iter().copied()).map_or(String::new(), |near| format!(" (did you mean `{near}`?)"));
            Err(Error::usage(format!("there is no method `{name}`{hint}; the methods are: {}", names.join(", "))))
        }
    }
}

/// The method of a name and the settings that methods share, with these values and its own defaults for the others: the one way from texts to a method.
///
/// # Errors
/// No such method; an unknown key; a value of the wrong type or out of range.
pub fn configured(name: &str, values: &Values) -> Result<(Box<dyn Method>, Training)> {
    configure(by_name(name)?, values)
}

/// The same for a method, whose settings count where no value is given.
///
/// # Errors
/// As [`configured`].
pub fn configure(mut method: Box<dyn Method>, values: &Values) -> Result<(Box<dyn Method>, Training)> {
    let mut left = values.clone();
    // First: another objective has other defaults.
    method.read(&mut left)?;
    let mut training = method.training();
    training.read(&mut left)?;
    let keys: Vec<&str> = [training.keys(), method.keys()].concat().iter().map(|key| key.name).collect();
    left.refuse(&keys)?;
    training.check()?;
    method.check()?;
    Ok((method, training))
}
