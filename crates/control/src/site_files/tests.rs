//! What is counted, refused and removed, on a real file system.
#![allow(clippy::unwrap_used)]

use std::sync::Barrier;

use super::*;

#[test]
fn folders_count_and_a_refusal_makes_none() {
    let dir = tempfile::tempdir().unwrap();
    let (files, site) = (open(dir.path()), Uuid::new_v4());
    for n in 0..MAX_SITE_FILES - 3 {
        fs::create_dir_all(files.root_path(site).join(n.to_string())).unwrap();
    }
    let refused = save(&files, site, "a/b/c/d.txt");
    assert!(matches!(refused, Err(SiteFileError::TooManyFiles)));
    assert!(!files.root_path(site).join("a").exists());
    save(&files, site, "a/b/c.txt").unwrap();
    let full = save(&files, site, "e.txt");
    assert!(matches!(full, Err(SiteFileError::TooManyFiles)));
    save(&files, site, "a/b/c.txt").unwrap();
}

#[test]
fn a_deletion_takes_the_folders_that_it_leaves_empty() {
    let dir = tempfile::tempdir().unwrap();
    let (files, site) = (open(dir.path()), Uuid::new_v4());
    let gone = |path: &str| !files.root_path(site).join(path).exists();
    save(&files, site, "a/kept.txt").unwrap();
    save(&files, site, "a/b/c/d.txt").unwrap();
    save(&files, site, "e/f/g.txt").unwrap();
    remove(&files, site, "a/b/c/d.txt").unwrap();
    assert!(gone("a/b") && !gone("a/kept.txt"));
    remove(&files, site, "e/f").unwrap();
    assert!(gone("e"));
    assert_counted_right(&files, site);
    remove(&files, site, "a/kept.txt").unwrap();
    assert!(gone("a") && !gone("."));
    assert_counted_right(&files, site);
}

#[test]
fn of_parallel_deletions_one_removes_and_none_fails() {
    let dir = tempfile::tempdir().unwrap();
    let (files, site) = (open(dir.path()), Uuid::new_v4());
    for _ in 0..100 {
        save(&files, site, "a/b.txt").unwrap();
        let together = Barrier::new(2);
        let removed = std::thread::scope(|scope| {
            let one = || {
                together.wait();
                remove(&files, site, "a/b.txt").unwrap()
            };
            let (first, second) = (scope.spawn(one), scope.spawn(one));
            [first.join().unwrap(), second.join().unwrap()]
        });
        assert!(removed[0] != removed[1], "{removed:?}");
    }
}

#[test]
fn a_refused_name_costs_no_walk_through_the_site() {
    let dir = tempfile::tempdir().unwrap();
    let (files, site) = (open(dir.path()), Uuid::new_v4());
    save(&files, site, "a/b.txt").unwrap();
    for taken in ["a", "a/b.txt/c.txt"] {
        let refused = save(&files, site, taken);
        assert!(matches!(refused, Err(SiteFileError::Occupied)), "{taken}");
        assert_counted_right(&files, site);
    }
    assert_eq!(names(&dir.path().join("sites/.staging")), [""; 0]);
}

fn open(dir: &Path) -> Arc<SiteFiles> {
    Arc::new(SiteFiles::open(dir).unwrap())
}

fn save(files: &Arc<SiteFiles>, site: Uuid, path: &str) -> Result<(), SiteFileError> {
    let mut staged = StagedFile::new(files)?;
    staged.write(b"text")?;
    staged.publish(site, &path.parse().unwrap())
}

fn remove(files: &SiteFiles, site: Uuid, path: &str) -> Result<bool, SiteFileError> {
    files.remove(site, &path.parse().unwrap())
}

/// What is known without measuring is what measuring finds.
fn assert_counted_right(files: &SiteFiles, site: Uuid) {
    let found = Tally::measure(&files.root_path(site)).unwrap();
    assert_eq!(files.tally_now(site), Some(found));
}

#[test]
fn a_digest_is_of_what_lies_there_whoever_put_it_there() {
    let dir = tempfile::tempdir().unwrap();
    let (files, site) = (open(dir.path()), Uuid::new_v4());
    let text = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1";
    save(&files, site, "a.txt").unwrap();
    assert_eq!(digests(&files, site), [Some(text.to_owned())]);
    // By hand, of the same size, and with the time of the one before.
    let path = files.root_path(site).join("a.txt");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "TEXT").unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    let other = "e4ba216b53e675d3ce45a8584de79ecc013718ef83ebd53f29d47d97af594386";
    let found = digests(&files, site);
    assert_ne!(found, [Some(text.to_owned())]);
    assert_eq!(found, [Some(other.to_owned())]);
    save(&files, site, "a.txt").unwrap();
    assert_eq!(digests(&files, site), [Some(text.to_owned())]);
    let without = files.list(site, &SitePath::root(), false).unwrap();
    assert_eq!(without.files[0].sha256, None);
}

#[test]
fn large_files_get_their_digests_by_and_by() {
    let dir = tempfile::tempdir().unwrap();
    let (files, site) = (open(dir.path()), Uuid::new_v4());
    fs::create_dir_all(files.root_path(site)).unwrap();
    for name in ["a.pdf", "b.pdf", "c.pdf"] {
        let file = File::create(files.root_path(site).join(name)).unwrap();
        file.set_len(50 << 20).unwrap();
    }
    let known = || digests(&files, site).iter().flatten().count();
    assert_eq!([known(), known(), known(), known()], [1, 2, 3, 3]);
}

fn digests(files: &SiteFiles, site: Uuid) -> Vec<Option<String>> {
    let listed = files.list(site, &SitePath::root(), true).unwrap();
    listed.files.into_iter().map(|file| file.sha256).collect()
}
