//! Static sites: what crashes, full disks, revocations and DNS do to records and files.
#![allow(clippy::unwrap_used)]

mod world;

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use portlama_access::Identity;
use portlama_control::{
    MAX_PARALLEL_UPLOADS, MAX_SITE_FILES, MAX_UPLOADS_PER_IDENTITY, NewSite, OperationError,
    RESERVED_DISK_BYTES, RESERVED_DISK_INODES, Refusal, SiteChange, SiteEntry, SiteProof,
};
use portlama_model::{Capability, HostService, Site, SiteAccess, SitePath, SiteType};
use uuid::Uuid;
use world::{HERE, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_site_is_served_stored_and_has_a_certificate() {
    let world = World::new().await;
    let site = make(&world, "handbook").await;
    assert!(site.cert_issued);
    assert!(world.plane.serves("handbook.lab.example.org"));
    let page = world
        .control
        .live()
        .site_files()
        .entry(site.id, &path("index.html"));
    assert!(
        matches!(page.unwrap(), Some(SiteEntry::File(file)) if file.metadata.len() == site.total_size)
    );
    let world = world.restart().await;
    assert!(world.plane.serves("handbook.lab.example.org"));
    assert!(root(&world, site.id).join("index.html").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_cannot_be_served_leaves_nothing() {
    let world = World::new().await;
    world.plane.fails.store(true, Ordering::SeqCst);
    let answer = world
        .control
        .create_site(&world.admin, new("handbook"))
        .await;
    assert!(
        matches!(answer, Err(OperationError::Failed { .. })),
        "{answer:?}"
    );
    assert!(world.control.sites(&world.admin).is_empty());
    assert_eq!(names(&sites(&world)), [".staging"]);
    assert_eq!(names(&sites(&world).join(".staging")), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_settles_what_a_crash_left_and_nothing_else() {
    let world = World::new().await;
    let kept = make(&world, "kept").await.id;
    let (doubted, foreign) = (Uuid::new_v4(), Uuid::new_v4());
    for id in [doubted, foreign] {
        std::fs::create_dir_all(root(&world, id).join("inner")).unwrap();
        std::fs::write(root(&world, id).join("inner/a.txt"), "x").unwrap();
    }
    let staging = sites(&world).join(".staging");
    // Cut short between folder and record; between record and folder it looks the same.
    std::fs::write(staging.join(format!("{doubted}.doubt")), "").unwrap();
    std::fs::write(staging.join(format!("{kept}.doubt")), "").unwrap();
    std::fs::write(staging.join(Uuid::new_v4().to_string()), "half an upload").unwrap();
    std::fs::create_dir_all(staging.join(Uuid::new_v4().to_string()).join("deep")).unwrap();
    let world = world.restart().await;
    assert_eq!(names(&staging), [""; 0]);
    assert!(!root(&world, doubted).exists());
    assert!(root(&world, kept).join("index.html").is_file());
    // Its record may have been put away by a person, who will want the files back.
    assert!(root(&world, foreign).join("inner/a.txt").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_is_not_durable_holds_and_keeps_the_files_until_it_is() {
    let world = World::new().await;
    let id = make(&world, "handbook").await.id;
    let obstacle = world.state_dir().join("intent.json.tmp");
    std::fs::create_dir(&obstacle).unwrap();
    let answer = world.control.delete_site(&world.admin, id).await;
    assert!(
        matches!(answer, Err(OperationError::NotDurable { .. })),
        "{answer:?}"
    );
    assert!(!world.plane.serves("handbook.lab.example.org"));
    assert!(root(&world, id).exists());
    std::fs::remove_dir(&obstacle).unwrap();
    assert!(world.control.make_durable().await);
    let world = world.restart().await;
    assert!(!world.plane.serves("handbook.lab.example.org"));
    assert!(!root(&world, id).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_readers_away_holds_when_it_cannot_be_written() {
    let world = World::new().await;
    let id = make(&world, "handbook").await.id;
    let obstacle = world.state_dir().join("intent.json.tmp");
    let users = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
    for (change, access) in [
        (
            SiteChange {
                authelia_protected: Some(true),
                ..SiteChange::default()
            },
            SiteAccess::SignedIn,
        ),
        (
            SiteChange {
                allowed_users: Some(users(&["mira", "tom"])),
                ..SiteChange::default()
            },
            SiteAccess::Users(users(&["mira", "tom"])),
        ),
        (
            SiteChange {
                allowed_users: Some(users(&["tom"])),
                ..SiteChange::default()
            },
            SiteAccess::Users(users(&["tom"])),
        ),
    ] {
        std::fs::create_dir(&obstacle).unwrap();
        let answer = world.control.change_site(&world.admin, id, change).await;
        assert!(
            matches!(answer, Err(OperationError::NotDurable { .. })),
            "{answer:?}"
        );
        assert_eq!(served(&world), access);
        std::fs::remove_dir(&obstacle).unwrap();
        assert!(world.control.make_durable().await);
    }
    // Letting readers in is no denial: it is durable or it is not.
    std::fs::create_dir(&obstacle).unwrap();
    let open = SiteChange {
        authelia_protected: Some(false),
        ..SiteChange::default()
    };
    let answer = world.control.change_site(&world.admin, id, open).await;
    assert!(
        matches!(answer, Err(OperationError::Failed { .. })),
        "{answer:?}"
    );
    assert_eq!(served(&world), SiteAccess::Users(users(&["tom"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_above_its_size_is_warned_about_and_not_refused() {
    let world = World::new().await;
    let id = make(&world, "handbook").await.id;
    world.control.shutdown().await;
    let file = world.state_dir().join("panel.json");
    let text = world.file("panel.json").replace("524288000", "1000");
    std::fs::write(file, text).unwrap();
    let world = world.restart().await;
    let saved = save(&world, &world.admin, id, "a.txt", &[b'x'; 400])
        .await
        .unwrap();
    assert_eq!(saved.exceeds, None);
    let saved = save(&world, &world.admin, id, "b.txt", &[b'x'; 600])
        .await
        .unwrap();
    assert_eq!(saved.exceeds, Some(1000));
    assert_eq!(
        world.control.sites(&world.admin)[0].total_size,
        saved.total_size
    );
    assert!(saved.total_size > 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_ends_with_the_right_to_it_and_leaves_nothing() {
    let world = World::new().await;
    let id = make(&world, "handbook").await.id;
    let agent = world.identity(&world.agent("attic", &[Capability::SitesWrite]).await);
    let begun = world.control.begin_upload(&agent, id, SitePath::root());
    assert!(matches!(
        begun.err(),
        Some(OperationError::Forbidden { .. })
    ));
    let agent = site_agent(&world, "shed").await;
    let mut upload = world
        .control
        .begin_upload(&agent, id, SitePath::root())
        .unwrap();
    upload.begin_file("a.txt").await.unwrap();
    upload.write(Bytes::from_static(b"x")).await.unwrap();
    world
        .control
        .revoke_agent(&world.admin, &"shed".parse().unwrap())
        .await
        .unwrap();
    let saved = upload.save_file().await;
    assert!(
        matches!(saved, Err(OperationError::Forbidden { .. })),
        "{saved:?}"
    );
    drop(upload);
    assert_eq!(names(&root(&world, id)), ["index.html"]);
    assert_eq!(names(&sites(&world).join(".staging")), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_upload_keeps_what_was_saved_and_its_size_is_known() {
    let world = World::new().await;
    let before = make(&world, "handbook").await;
    let mut upload = world
        .control
        .begin_upload(&world.admin, before.id, path("docs"))
        .unwrap();
    upload.begin_file("a.txt").await.unwrap();
    upload.write(Bytes::from(vec![b'x'; 1000])).await.unwrap();
    upload.save_file().await.unwrap();
    upload.begin_file("b.txt").await.unwrap();
    upload.write(Bytes::from_static(b"half")).await.unwrap();
    drop(upload);
    // The shutdown waits for what an upload left to do.
    let world = world.restart().await;
    assert_eq!(names(&root(&world, before.id).join("docs")), ["a.txt"]);
    let after = &world.control.sites(&world.admin)[0];
    assert_eq!(after.total_size, before.total_size + 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_at_the_same_time_are_bounded() {
    let world = World::new().await;
    let id = make(&world, "handbook").await.id;
    let mut callers = vec![world.admin.clone()];
    for n in 0..MAX_PARALLEL_UPLOADS / MAX_UPLOADS_PER_IDENTITY {
        callers.push(site_agent(&world, &format!("shed-{n}")).await);
    }
    let begin = |by: &Identity| world.control.begin_upload(by, id, SitePath::root());
    let mut running = vec![];
    for caller in &callers[1..] {
        for _ in 0..MAX_UPLOADS_PER_IDENTITY {
            running.push(begin(caller).unwrap());
        }
        assert!(matches!(begin(caller).err(), Some(OperationError::Busy)));
    }
    assert_eq!(running.len(), MAX_PARALLEL_UPLOADS);
    let begin = || begin(&callers[0]);
    assert!(matches!(begin().err(), Some(OperationError::Busy)));
    running.pop();
    assert!(begin().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_has_so_many_files_and_a_file_of_a_known_name_is_replaced() {
    let world = World::new().await;
    let id = make(&world, "handbook").await.id;
    let many = root(&world, id).join("many");
    std::fs::create_dir(&many).unwrap();
    // One less than may be, with the first page and the folder.
    for n in 3..MAX_SITE_FILES {
        std::fs::File::create(many.join(format!("{n}.txt"))).unwrap();
    }
    // Whoever works in the folder by hand restarts the server, or waits an hour.
    let world = world.restart().await;
    let save = |name: &'static str, content: &'static [u8]| {
        let (world, admin) = (&world, &world.admin);
        async move { save(world, admin, id, name, content).await }
    };
    let size = save("last.txt", b"four").await.unwrap().total_size;
    let refused = save("more.txt", b"x").await;
    assert!(
        matches!(
            refused,
            Err(OperationError::Refused(Refusal::TooManyFiles(_)))
        ),
        "{refused:?}"
    );
    assert!(!root(&world, id).join("more.txt").exists());
    let replaced = save("last.txt", b"sixteen").await.unwrap();
    assert_eq!(replaced.total_size, size + 3);
    world
        .control
        .delete_site_files(&world.admin, id, path("many"))
        .await
        .unwrap();
    assert_eq!(world.control.sites(&world.admin)[0].total_size, size + 3);
    assert_eq!(save("more.txt", b"x").await.unwrap().total_size, size + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_uploads_and_the_server_goes_on() {
    let Some(disk) = SmallDisk::mount(&format!("size={}", RESERVED_DISK_BYTES + 8 * 1024 * 1024))
    else {
        return;
    };
    let world = World::new_in(&disk.0).await;
    let id = make(&world, "handbook").await.id;
    let before = world.file("sites.json");
    let full = save(
        &world,
        &world.admin,
        id,
        "large.pdf",
        &vec![b'x'; 12 * 1024 * 1024],
    )
    .await;
    assert!(matches!(full, Err(OperationError::DiskFull)), "{full:?}");
    assert_eq!(names(&root(&world, id)), ["index.html"]);
    assert_eq!(names(&sites(&world).join(".staging")), [""; 0]);
    assert_eq!(world.file("sites.json"), before);
    // What uploads may not take is left for the state, and for small files.
    world.user("mira").await;
    save(&world, &world.admin, id, "small.txt", b"x")
        .await
        .unwrap();
    world.control.delete_site(&world.admin, id).await.unwrap();
    assert_eq!(names(&sites(&world)), [".staging"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_inodes_refuses_uploads_and_the_server_goes_on() {
    let Some(disk) = SmallDisk::mount(&format!("nr_inodes={}", RESERVED_DISK_INODES + 200)) else {
        return;
    };
    let world = World::new_in(&disk.0).await;
    let id = make(&world, "handbook").await.id;
    let mut saved = 0;
    let full = loop {
        let folder = path(&format!("{saved}/a/b"));
        match save_in(&world, &world.admin, id, folder, "x.txt", b"x").await {
            Ok(_) => saved += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, OperationError::DiskFull), "{full:?}");
    assert!((1..200).contains(&saved), "{saved}");
    assert!(!root(&world, id).join(saved.to_string()).exists());
    assert_eq!(names(&sites(&world).join(".staging")), [""; 0]);
    let free = rustix::fs::statvfs(&disk.0).unwrap().f_favail;
    assert!(free + 10 >= RESERVED_DISK_INODES, "{free}");
    // What uploads may not take is left for the state.
    world.user("mira").await;
    world.control.delete_site(&world.admin, id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_served_once_it_leads_here() {
    let resolver = Resolver::start();
    let world = World::with_resolver(resolver.address).await;
    let site = world
        .control
        .create_site(&world.admin, custom("www.example.net"))
        .await
        .unwrap();
    assert!(!world.plane.serves("www.example.net"));
    let verify = || world.control.verify_site_dns(&world.admin, site.id);

    for (answer, found) in [
        (Ipv4Addr::UNSPECIFIED, vec![]),
        (
            Ipv4Addr::new(203, 0, 113, 9),
            vec![Ipv4Addr::new(203, 0, 113, 9).into()],
        ),
    ] {
        resolver.answer(answer);
        let SiteProof::NotHere {
            fqdn,
            expected,
            found: seen,
            message,
        } = verify().await.unwrap()
        else {
            panic!("it does not lead here");
        };
        assert_eq!(
            (fqdn.as_str(), expected, seen),
            ("www.example.net", HERE, found)
        );
        assert!(message.contains("198.51.100.7"), "{message}");
        assert!(!world.plane.serves("www.example.net"));
    }

    resolver.answer(Ipv4Addr::new(198, 51, 100, 7));
    let here = |already| SiteProof::Here {
        already,
        certificate: true,
    };
    assert_eq!(verify().await.unwrap(), here(false));
    assert!(world.plane.serves("www.example.net"));
    let site = world.control.sites(&world.admin).remove(0);
    assert!(site.dns_verified && site.cert_issued);
    // Once proven it stays so, wherever the name leads.
    resolver.answer(Ipv4Addr::UNSPECIFIED);
    assert_eq!(verify().await.unwrap(), here(true));

    let managed = make(&world, "handbook").await.id;
    let answer = world.control.verify_site_dns(&world.admin, managed).await;
    assert!(matches!(
        answer,
        Err(OperationError::Refused(Refusal::NothingToVerify))
    ));
    let answer = world
        .control
        .verify_site_dns(&world.admin, Uuid::nil())
        .await;
    assert!(matches!(answer, Err(OperationError::NotFound { .. })));
}

fn path(text: &str) -> SitePath {
    text.parse().unwrap()
}

fn sites(world: &World) -> PathBuf {
    world.state_dir().join("sites")
}

fn root(world: &World, id: Uuid) -> PathBuf {
    sites(world).join(id.to_string())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn new(name: &str) -> NewSite {
    NewSite {
        name: name.parse().unwrap(),
        kind: SiteType::Managed,
        custom_domain: None,
        spa_mode: false,
        authelia_protected: false,
    }
}

fn custom(host: &str) -> NewSite {
    NewSite {
        kind: SiteType::Custom,
        custom_domain: Some(host.parse().unwrap()),
        ..new("shop")
    }
}

async fn make(world: &World, name: &str) -> Site {
    world
        .control
        .create_site(&world.admin, new(name))
        .await
        .unwrap()
}

async fn save(
    world: &World,
    by: &Identity,
    site: Uuid,
    name: &str,
    content: &[u8],
) -> Result<portlama_control::Uploaded, OperationError> {
    save_in(world, by, site, SitePath::root(), name, content).await
}

async fn save_in(
    world: &World,
    by: &Identity,
    site: Uuid,
    folder: SitePath,
    name: &str,
    content: &[u8],
) -> Result<portlama_control::Uploaded, OperationError> {
    let mut upload = world.control.begin_upload(by, site, folder)?;
    upload.begin_file(name).await?;
    for piece in content.chunks(16 * 1024) {
        upload.write(Bytes::copy_from_slice(piece)).await?;
    }
    upload.save_file().await?;
    upload.finish().await
}

/// An agent that may write the site `handbook`.
async fn site_agent(world: &World, label: &str) -> Identity {
    let presented = world
        .agent_with_sites(label, &[Capability::SitesWrite], &["handbook"])
        .await;
    world.identity(&presented)
}

fn served(world: &World) -> SiteAccess {
    let desired = world.plane.desired();
    let host = desired
        .hosts
        .iter()
        .find(|(host, _)| host.as_str() == "handbook.lab.example.org");
    match host {
        Some((_, HostService::Site(route))) => route.access.clone(),
        other => panic!("{other:?}"),
    }
}

/// A file system of its own with little room.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(room: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap().keep();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", room, "tmpfs"])
            .arg(&dir)
            .output();
        if mounted.is_ok_and(|done| done.status.success()) {
            return Some(Self(dir));
        }
        std::fs::remove_dir(&dir).unwrap();
        let note = "skipped: a file system cannot be mounted here
";
        std::io::stderr().write_all(note.as_bytes()).unwrap();
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server under test may still hold descriptors.
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// A resolver that gives every name one IPv4 address, or none, and no other.
struct Resolver {
    address: SocketAddr,
    answer: Arc<AtomicU32>,
}

impl Resolver {
    fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        let answer = Arc::new(AtomicU32::new(0));
        let given = answer.clone();
        // It ends with the process, as the socket's only reader.
        std::thread::spawn(move || {
            let mut question = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                let ip = given.load(Ordering::SeqCst);
                let _ = socket.send_to(&reply(&question[..length], ip), from);
            }
        });
        Self { address, answer }
    }

    fn answer(&self, ip: Ipv4Addr) {
        self.answer.store(ip.to_bits(), Ordering::SeqCst);
    }
}

/// RFC 1035 §4.1: the question as it came, and for an A question the address.
fn reply(question: &[u8], ip: u32) -> Vec<u8> {
    let name_end = 12 + question[12..].iter().position(|octet| *octet == 0).unwrap() + 1;
    let asked = &question[12..name_end + 4];
    let is_a = asked[asked.len() - 4..] == [0, 1, 0, 1];
    let answers = u8::from(is_a && ip != 0);
    let mut reply = [
        &question[..2],
        &[0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0],
        asked,
    ]
    .concat();
    if answers == 1 {
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        reply.extend(ip.to_be_bytes());
    }
    reply
}
