//! `/api/sites`.

use axum::response::Response;
use portlama_api::{
    Done, Issue, NewSite, Site, SiteAnswer, SiteChange, SiteDns, SiteFile, SiteFileDeletion,
    SiteFileType, SiteFiles, SiteList, SiteUpload,
};
use portlama_control::{FileKind, ListedFile, SiteProof, Upload, Uploaded};
use portlama_model::{Capability, SitePath, SiteType};

use crate::call::{Call, created, ok};
use crate::multipart::{self, Multipart, UploadFault};
use crate::refusal::Refusal;

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn list(call: Call) -> Result<Response, Refusal> {
    let sites = call.control.sites(call.by());
    ok(SiteList {
        sites: sites.into_iter().map(site).collect(),
    })
}

pub(crate) async fn create(mut call: Call) -> Result<Response, Refusal> {
    let new: NewSite = call.json().await?;
    let new = portlama_control::NewSite {
        name: new.name,
        kind: new.kind,
        custom_domain: new.custom_domain,
        spa_mode: new.spa_mode,
        authelia_protected: new.authelia_protected,
    };
    let made = call.control.create_site(call.by(), new).await?;
    let message = (made.kind == SiteType::Custom).then(|| {
        let ip = call.control.live().desired().ip;
        let record = if ip.is_ipv4() { "A" } else { "AAAA" };
        format!("Add the {record} record {} → {ip}, then verify", made.fqdn)
    });
    created(SiteAnswer {
        ok: true,
        site: site(made),
        message,
    })
}

pub(crate) async fn change(mut call: Call) -> Result<Response, Refusal> {
    let id = call.id()?;
    let change: SiteChange = call.json().await?;
    let change = portlama_control::SiteChange {
        spa_mode: change.spa_mode,
        authelia_protected: change.authelia_protected,
        allowed_users: change.allowed_users,
    };
    let after = call.control.change_site(call.by(), id, change).await?;
    ok(SiteAnswer {
        ok: true,
        site: site(after.site),
        message: (!after.changed).then(|| "Nothing changed".to_owned()),
    })
}

pub(crate) async fn delete(call: Call) -> Result<Response, Refusal> {
    call.control.delete_site(call.by(), call.id()?).await?;
    ok(Done { ok: true })
}

pub(crate) async fn verify_dns(call: Call) -> Result<Response, Refusal> {
    let proof = call.control.verify_site_dns(call.by(), call.id()?).await?;
    ok(match proof {
        SiteProof::Here {
            already,
            certificate,
        } => SiteDns {
            ok: true,
            message: proven(already, certificate).to_owned(),
            fqdn: None,
            expected_ip: None,
            resolved_ips: None,
        },
        SiteProof::NotHere {
            fqdn,
            expected,
            found,
            message,
        } => SiteDns {
            ok: false,
            message,
            fqdn: Some(fqdn),
            expected_ip: Some(expected.to_string()),
            resolved_ips: Some(found.iter().map(ToString::to_string).collect()),
        },
    })
}

fn proven(already: bool, certificate: bool) -> &'static str {
    match (already, certificate) {
        (false, true) => "The name leads here, and the site is served",
        (true, true) => "The name was verified before, and the site is served",
        (_, false) => {
            "The name leads here; the site is served as soon as its certificate is there \
             (certificate_pending)"
        }
    }
}

pub(crate) async fn list_files(mut call: Call) -> Result<Response, Refusal> {
    let id = call.id()?;
    let right = Capability::SitesRead;
    call.control.may_use_site(call.by(), id, right)?;
    let folder = folder(&mut call)?;
    let with_digests = match call.query_member("sha256")?.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            let issue = Issue::of("sha256", "must be true or false");
            return Err(Refusal::Invalid(vec![issue]));
        }
    };
    let path = folder.to_string();
    let listing = call
        .control
        .site_folder(call.by(), id, folder, with_digests)
        .await?;
    ok(SiteFiles {
        files: listing.files.into_iter().map(file).collect(),
        path,
        truncated: listing.truncated,
    })
}

pub(crate) async fn upload(mut call: Call) -> Result<Response, Refusal> {
    let id = call.id()?;
    let right = Capability::SitesWrite;
    call.control.may_use_site(call.by(), id, right)?;
    multipart::is_meant(call.headers())?;
    let folder = folder(&mut call)?;
    let parts = Multipart::of(call.take_request())?;
    let mut upload = call.control.begin_upload(call.by(), id, folder)?;
    let received = receive(parts, &mut upload).await;
    // What was saved before a fault stays, and is written down.
    let uploaded = upload.finish().await;
    received?;
    let Uploaded {
        files,
        total_size,
        exceeds,
    } = uploaded?;
    let warning = exceeds.map(|limit| {
        format!("The site has {total_size} octets, which is more than the {limit} it should have")
    });
    ok(SiteUpload {
        ok: true,
        files: files.iter().map(SitePath::to_string).collect(),
        total_size: warning.is_some().then_some(total_size),
        warning,
    })
}

async fn receive(mut parts: Multipart, upload: &mut Upload) -> Result<(), Refusal> {
    let mut files = 0;
    while let Some(name) = parts.next_file().await? {
        upload.begin_file(&name).await?;
        while let Some(octets) = parts.chunk().await? {
            upload.write(octets).await?;
        }
        upload.save_file().await?;
        files += 1;
    }
    if files == 0 {
        return Err(Refusal::Upload(UploadFault::NoFile));
    }
    Ok(())
}

pub(crate) async fn delete_files(mut call: Call) -> Result<Response, Refusal> {
    let id = call.id()?;
    let right = Capability::SitesWrite;
    call.control.may_use_site(call.by(), id, right)?;
    let deletion: SiteFileDeletion = call.json().await?;
    call.control
        .delete_site_files(call.by(), id, deletion.path)
        .await?;
    ok(Done { ok: true })
}

/// The folder in the query; the root when there is none.
fn folder(call: &mut Call) -> Result<SitePath, Refusal> {
    let text = call.query_member("path")?;
    let parsed = text.as_deref().unwrap_or(".").parse();
    parsed.map_err(|error: portlama_model::ParseError| {
        Refusal::Invalid(vec![Issue::of("path", error.to_string())])
    })
}

fn site(site: portlama_model::Site) -> Site {
    Site {
        id: site.id,
        name: site.name,
        fqdn: site.fqdn,
        kind: site.kind,
        spa_mode: site.spa_mode,
        authelia_protected: site.authelia_protected,
        allowed_users: site.allowed_users,
        dns_verified: site.dns_verified,
        cert_issued: site.cert_issued,
        root_path: site.root_path,
        created_at: site.created_at,
        total_size: site.total_size,
    }
}

fn file(file: ListedFile) -> SiteFile {
    SiteFile {
        name: file.path.file_name().unwrap_or_default().to_owned(),
        kind: match file.kind {
            FileKind::File => SiteFileType::File,
            FileKind::Folder => SiteFileType::Directory,
        },
        size: file.size,
        modified_at: file.modified,
        relative_path: file.path.to_string(),
        sha256: file.sha256,
    }
}
