//! A plan makes the site what the folder is, and touches nothing else.

use portlama_pki::Sha256;
use proptest::prelude::*;

use super::*;

/// A tree of files: path to content.
type Tree = BTreeMap<SitePath, u8>;

fn path(text: &str) -> SitePath {
    text.parse().expect("a path")
}

fn tree(files: &[(&str, u8)]) -> Tree {
    files
        .iter()
        .map(|(name, content)| (path(name), *content))
        .collect()
}

fn local(tree: &Tree) -> Vec<LocalFile> {
    let file = |(path, content): (&SitePath, &u8)| LocalFile {
        path: path.clone(),
        size: 1 << 20,
        sha256: Sha256::of(&[*content]),
        on_disk: path.as_str().into(),
    };
    tree.iter().map(file).collect()
}

fn remote(tree: &Tree) -> Vec<RemoteEntry> {
    let folders: BTreeSet<_> = tree.keys().flat_map(folders_of).collect();
    let folders = folders.into_iter().map(|path| RemoteEntry {
        path,
        kind: RemoteKind::Folder,
    });
    let files = local(tree).into_iter().map(|file| RemoteEntry {
        path: file.path,
        kind: RemoteKind::File(Some(file.sha256.to_string())),
    });
    folders.chain(files).collect()
}

fn texts(paths: &[SitePath]) -> Vec<&str> {
    paths.iter().map(SitePath::as_str).collect()
}

fn sent(plan: &Plan) -> Vec<&str> {
    plan.send.iter().map(|file| file.path.as_str()).collect()
}

/// What a server does with it.
fn carried_out(plan: &Plan, content: &Tree, site: &Tree) -> Tree {
    let mut site = site.clone();
    let remove = |site: &mut Tree, path: &SitePath| {
        site.retain(|file, _| file != path && !folders_of(file).contains(path));
    };
    plan.in_the_way
        .iter()
        .for_each(|path| remove(&mut site, path));
    for file in plan.stages().into_iter().flatten().flatten() {
        let clash = site.keys().any(|other| {
            folders_of(other).contains(&file.path) || folders_of(&file.path).contains(other)
        });
        assert!(!clash, "{} has the name of another", file.path);
        site.insert(file.path.clone(), content[&file.path]);
    }
    plan.gone.iter().for_each(|path| remove(&mut site, path));
    site
}

#[test]
fn pages_come_after_what_they_show_and_the_first_page_last() {
    let here = tree(&[
        ("index.html", 1),
        ("about.html", 1),
        ("a/index.html", 1),
        ("z.css", 1),
        ("index.html.br", 1),
        ("same.js", 1),
    ]);
    let there = tree(&[
        ("same.js", 1),
        ("z.css", 2),
        ("old/a.css", 1),
        ("old.txt", 1),
    ]);
    let plan = plan(&local(&here), &remote(&there));
    assert_eq!(
        sent(&plan),
        [
            "z.css",
            "a/index.html",
            "about.html",
            "index.html.br",
            "index.html"
        ]
    );
    assert_eq!(texts(&plan.gone), ["old", "old.txt"]);
    assert_eq!((plan.kept, plan.in_the_way.len()), (1, 0));
    assert_eq!(plan.size(), 5 << 20);
}

#[test]
fn what_has_the_name_of_another_goes_first() {
    let here = tree(&[("a.html", 1), ("b.css/c.css", 1)]);
    let there = tree(&[("a.html/x/y.css", 1), ("b.css", 1)]);
    let plan = plan(&local(&here), &remote(&there));
    assert_eq!(texts(&plan.in_the_way), ["a.html", "b.css"]);
    assert!(plan.gone.is_empty());
}

#[test]
fn a_file_whose_digest_is_not_known_is_sent() {
    let here = tree(&[("a.html", 1)]);
    let entry = RemoteEntry {
        path: path("a.html"),
        kind: RemoteKind::File(None),
    };
    assert_eq!(sent(&plan(&local(&here), &[entry])), ["a.html"]);
}

#[test]
fn a_request_is_bounded_and_of_one_folder() {
    let names: Vec<_> = (0..200)
        .map(|n| (format!("{}/{n}.css", n / 150), 1))
        .collect();
    let here: Tree = names
        .iter()
        .map(|(name, content)| (path(name), *content))
        .collect();
    let plan = plan(&local(&here), &[]);
    let stages = plan.stages();
    assert_eq!(stages.len(), 1);
    for batch in &stages[0] {
        assert!(batch.len() <= 4, "a file has 1 MiB");
        assert!(
            batch
                .iter()
                .all(|file| file.path.parent() == batch[0].path.parent())
        );
    }
    assert_eq!(stages.iter().flatten().flatten().count(), 200);
}

/// Trees with few names, so that they meet.
fn trees() -> impl Strategy<Value = Tree> {
    let name = prop::sample::select(vec!["a.html", "b.css", "c"]);
    let text = prop::collection::vec(name, 1..4).prop_map(|names| names.join("/"));
    prop::collection::btree_map(text, 0..3_u8, 0..12).prop_map(|files| {
        let mut tree = Tree::new();
        for (text, content) in files {
            let new = path(&text);
            let clash = tree
                .keys()
                .any(|other| folders_of(other).contains(&new) || folders_of(&new).contains(other));
            if !clash {
                tree.insert(new, content);
            }
        }
        tree
    })
}

proptest! {
    #[test]
    fn a_plan_makes_the_site_what_the_folder_is(here in trees(), there in trees()) {
        let made = plan(&local(&here), &remote(&there));
        let after = carried_out(&made, &here, &there);
        prop_assert_eq!(&after, &here);
        let again = plan(&local(&here), &remote(&after));
        prop_assert!(again.is_empty());
        prop_assert_eq!(again.kept, here.len());
    }

    #[test]
    fn nothing_that_is_the_same_is_sent_and_nothing_is_forgotten(here in trees(), there in trees()) {
        let made = plan(&local(&here), &remote(&there));
        prop_assert_eq!(made.send.len() + made.kept, here.len());
        for file in &made.send {
            prop_assert_ne!(there.get(&file.path), here.get(&file.path));
        }
    }

    #[test]
    fn an_interrupted_deploy_is_finished_by_the_next(
        here in trees(), there in trees(), stop in 0..20_usize
    ) {
        let mut begun = plan(&local(&here), &remote(&there));
        begun.send.truncate(stop);
        begun.gone.clear();
        let between = carried_out(&begun, &here, &there);
        let rest = plan(&local(&here), &remote(&between));
        prop_assert!(rest.send.iter().all(|file| !begun.send.contains(file)));
        prop_assert_eq!(carried_out(&rest, &here, &between), here);
    }
}
