use std::fs;
use std::io::{self, Write};

use pushforward::Error;
use pushforward::data::{LoadOptions, Table, file_hash, write_atomically};

use super::{load_path, sentence};

fn entries(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_failed_write_harms_nothing_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    fs::write(&path, "old").unwrap();
    let outcome = write_atomically(&path, |file| {
        file.write_all(&[1; 100_000])?;
        Err(io::Error::from(io::ErrorKind::StorageFull))
    });
    let text = sentence(outcome);
    assert!(text.starts_with("cannot write model.bin: ") && text.contains("make room on the disk"), "{text}");
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), entries(folder.path())), ("old", vec!["model.bin".to_string()]));
}

#[test]
fn a_full_disk_is_a_sentence_for_every_format() {
    // /dev/full answers every write as a full disk does; a link gives it the endings.
    #[cfg(target_os = "linux")]
    {
        let folder = tempfile::tempdir().unwrap();
        let table = Table::unnamed(2, (0..20_000).map(|i| (i as f32).sin()).collect()).unwrap();
        let built = |name: &&str| pushforward::data::FileFormat::of(name).is_ok();
        for name in ["full.csv", "full.npy", "full.parquet"].into_iter().filter(built) {
            let path = folder.path().join(name);
            std::os::unix::fs::symlink("/dev/full", &path).unwrap();
            let text = sentence(table.write(&path));
            assert!(text.contains("No space left on device") && text.contains("make room on the disk"), "{text}");
        }
    }
}

#[test]
fn new_content_replaces_the_old_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.csv");
    for rows in [5000, 3] {
        let table = Table::unnamed(1, vec![1.5; rows]).unwrap();
        table.write(&path).unwrap();
        assert_eq!(load_path(&path, None, &LoadOptions::default()).unwrap().rows(), rows);
    }
    assert_eq!(entries(folder.path()), ["x.csv"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_permissions_are_those_of_any_file() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let [plain, kept, link] = ["plain", "kept", "link"].map(|name| folder.path().join(name));
    fs::write(&plain, "").unwrap();
    let usual = fs::metadata(&plain).unwrap().permissions();
    let fresh = folder.path().join("fresh");
    write_atomically(&fresh, |file| file.write_all(b"x")).unwrap();
    assert_eq!(fs::metadata(&fresh).unwrap().permissions(), usual);

    fs::write(&kept, "old").unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).unwrap();
    symlink("kept", &link).unwrap();
    write_atomically(&link, |file| file.write_all(b"new")).unwrap();
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&kept).unwrap(), "new");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn places_that_cannot_be_written_are_sentences() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("no/such/x.csv");
    let table = Table::unnamed(1, vec![1.0]).unwrap();
    let text = sentence(table.write(&nowhere));
    assert!(text.contains("there is no folder") && text.ends_with("make it first"), "{text}");
    let taken = folder.path().join("taken.csv");
    fs::create_dir(&taken).unwrap();
    assert!(sentence(table.write(&taken)).contains("it is a folder: name a file"));
    assert!(matches!(table.write(folder.path().join("x.xlsx")), Err(Error::Usage(_))));
    #[cfg(unix)]
    write_atomically("/dev/null", |file| file.write_all(b"gone")).unwrap();
}

#[test]
fn the_hash_of_a_file_is_sha_256() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("abc");
    fs::write(&path, "abc").unwrap();
    // FIPS 180-4's example
    assert_eq!(file_hash(&path).unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert!(sentence(file_hash(folder.path().join("none"))).starts_with("cannot open none"));
}
