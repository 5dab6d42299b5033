//! `curl` as a visitor, an agent or an admin: an HTTP client that shares no code with ours.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// One request, built up and then [sent](Curl::send).
#[derive(Debug)]
pub struct Curl {
    command: Command,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status of the last response.
    pub status: u16,
    /// Its headers with lower-case names; of repeated ones the last.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: Vec<u8>,
    /// The URL that was answered in the end.
    pub url: String,
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none; the message shows the body.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{} answered {}: {}", self.url, self.status, self.text()))
    }

    /// A header, or the empty text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl Curl {
    /// A request that trusts the authority in `ca_certificate` and no other.
    #[must_use]
    pub fn new(ca_certificate: &Path) -> Self {
        let mut command = Command::new("curl");
        command
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "120",
                "--noproxy",
                "*",
            ])
            .arg("--cacert")
            .arg(ca_certificate)
            .env_remove("CURL_CA_BUNDLE")
            .env_remove("SSL_CERT_FILE")
            .env_remove("SSL_CERT_DIR")
            .stdin(Stdio::null());
        Self { command }
    }

    /// Presents a client certificate.
    #[must_use]
    pub fn identity(mut self, certificate: &Path, key: &Path) -> Self {
        self.command
            .arg("--cert")
            .arg(certificate)
            .arg("--key")
            .arg(key);
        self
    }

    /// Keeps cookies in a file.
    #[must_use]
    pub fn jar(mut self, file: &Path) -> Self {
        self.command
            .arg("--cookie")
            .arg(file)
            .arg("--cookie-jar")
            .arg(file);
        self
    }

    /// Follows redirects.
    #[must_use]
    pub fn follow(mut self) -> Self {
        self.command.args(["--location", "--max-redirs", "8"]);
        self
    }

    /// Adds options as curl spells them.
    #[must_use]
    pub fn options<I: AsRef<std::ffi::OsStr>>(
        mut self,
        options: impl IntoIterator<Item = I>,
    ) -> Self {
        self.command.args(options);
        self
    }

    /// Sends a JSON body with a method.
    #[must_use]
    pub fn json(self, method: &str, body: &serde_json::Value) -> Self {
        let body = body.to_string();
        self.options([
            "--request",
            method,
            "--header",
            "content-type: application/json",
            "--data-binary",
            &body,
        ])
    }

    /// Uploads a file into a folder of a site, under its own name.
    #[must_use]
    pub fn upload(mut self, file: &Path) -> Self {
        let mut part = std::ffi::OsString::from("f=@");
        part.push(file);
        self.command
            .args(["--header", "x-portlama-upload: 1", "--form"])
            .arg(part);
        self
    }

    /// Sends the request and waits for the whole answer.
    ///
    /// # Errors
    /// When curl fails; the message is curl's.
    pub fn send(mut self, url: &str) -> Result<Answer> {
        const MARK: &str = "\n--answer--";
        let folder = tempfile::tempdir()?;
        let headers = folder.path().join("headers");
        self.command.arg("--dump-header").arg(&headers).args([
            "--write-out",
            &format!("{MARK}%{{http_code}} %{{url_effective}}"),
            url,
        ]);
        let output = self.command.output().context("cannot start curl")?;
        if !output.status.success() {
            bail!(
                "curl {url}: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        let at = find_last(&output.stdout, MARK.as_bytes()).context("curl wrote no status")?;
        let (body, tail) = output.stdout.split_at(at);
        let tail = String::from_utf8_lossy(&tail[MARK.len()..]).into_owned();
        let (status, url) = tail.split_once(' ').context("curl wrote no status")?;
        Ok(Answer {
            status: status.parse().context("curl wrote no status")?,
            headers: last_headers(&std::fs::read_to_string(&headers).unwrap_or_default()),
            body: body.to_vec(),
            url: url.to_owned(),
        })
    }

    /// Starts the request without waiting; the body goes to `output`.
    ///
    /// # Errors
    /// When curl cannot be started.
    pub fn start(mut self, url: &str, output: &Path) -> Result<std::process::Child> {
        self.command.arg("--output").arg(output).arg(url);
        self.command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start curl")
    }
}

fn find_last(text: &[u8], mark: &[u8]) -> Option<usize> {
    text.windows(mark.len()).rposition(|window| window == mark)
}

/// The headers of the last response in a dump, which holds those of redirects, too.
fn last_headers(dump: &str) -> BTreeMap<String, String> {
    let dump = dump.replace("\r\n", "\n");
    let last = dump.trim_end().rsplit("\n\n").next().unwrap_or_default();
    last.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}
