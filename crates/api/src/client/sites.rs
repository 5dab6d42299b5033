//! Static sites and their files.

use bytes::Bytes;
use http::{HeaderValue, Method};
use portlama_model::SitePath;
use uuid::Uuid;

use super::exchange::Content;
use super::{ClientError, PanelClient};
use crate::{Done, Site, SiteFileDeletion, SiteFiles, SiteList, SiteUpload};

/// A file on its way into a folder of a site.
#[derive(Debug, Clone)]
pub struct OutgoingFile {
    /// Its name in the folder.
    pub name: String,
    /// Its content.
    pub content: Bytes,
}

impl PanelClient {
    /// The sites that the caller may see, newest first.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn sites(&self) -> Result<Vec<Site>, ClientError> {
        let list: SiteList = self.get("/api/sites").await?;
        Ok(list.sites)
    }

    /// What lies in a folder of a site, with the digests that the server knows by now.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn site_files(
        &self,
        site: Uuid,
        folder: &SitePath,
    ) -> Result<SiteFiles, ClientError> {
        let path = format!("{}&sha256=true", files_of(site, folder));
        self.get(&path).await
    }

    /// Saves files in a folder of a site, one after the other. Those before one that is refused
    /// stay. No name has a quotation mark, a backslash or a control character.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn upload_site_files(
        &self,
        site: Uuid,
        folder: &SitePath,
        files: &[OutgoingFile],
    ) -> Result<SiteUpload, ClientError> {
        let content = form(files, Uuid::new_v4());
        self.exchange(Method::POST, &files_of(site, folder), Some(content))
            .await
    }

    /// Deletes a file of a site, or a folder with all that is in it.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn delete_site_file(&self, site: Uuid, path: &SitePath) -> Result<(), ClientError> {
        let path = path.clone();
        let _: Done = self
            .send(
                Method::DELETE,
                &format!("/api/sites/{site}/files"),
                &SiteFileDeletion { path },
            )
            .await?;
        Ok(())
    }
}

fn files_of(site: Uuid, folder: &SitePath) -> String {
    format!("/api/sites/{site}/files?path={}", escaped(folder.as_str()))
}

/// For a query (RFC 3986 §2.3).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                escaped.push(octet.into());
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}

/// What stands around a file and its name in a form, octets, so that a large one is copied once.
const MAX_PART_FRAME_BYTES: usize = 256;

/// The files as a form (RFC 7578). The boundary is random, so no file holds it.
fn form(files: &[OutgoingFile], boundary: Uuid) -> Content {
    let size = |file: &OutgoingFile| file.content.len() + file.name.len() + MAX_PART_FRAME_BYTES;
    let mut octets = Vec::with_capacity(files.iter().map(size).sum());
    for file in files {
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\r\n",
            file.name
        );
        octets.extend_from_slice(head.as_bytes());
        octets.extend_from_slice(&file.content);
        octets.extend_from_slice(b"\r\n");
    }
    octets.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary={boundary}");
    Content {
        kind: HeaderValue::try_from(kind).expect("made of ASCII"),
        octets: octets.into(),
        is_upload: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_any_name_is_one_member_of_the_query() {
        for (folder, query) in [
            (".", "."),
            ("assets/img", "assets/img"),
            ("a b&c=d#e", "a%20b%26c%3Dd%23e"),
            ("ü+%", "%C3%BC%2B%25"),
        ] {
            let folder: SitePath = folder.parse().expect("a path");
            assert_eq!(escaped(folder.as_str()), query);
            let address = files_of(Uuid::nil(), &folder);
            assert!(address.parse::<http::Uri>().is_ok(), "{address}");
        }
    }
}
