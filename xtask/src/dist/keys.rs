//! The keys by which releases are known, and signatures in minisign's format.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};

use super::packaging;
use crate::shell::root;

/// Programs believe both, so that a new key is known everywhere before the old one is put away.
const NAMES: [&str; 2] = ["current", "next"];

/// Makes both pairs: public halves into the checkout, secret ones outside of it, by a passphrase.
pub fn make() -> Result<()> {
    let folder = secret_folder()?;
    ensure!(
        !folder.starts_with(root()),
        "{} is in the checkout, where a secret is soon in a commit: set XDG_CONFIG_HOME elsewhere",
        folder.display()
    );
    for name in NAMES {
        for there in [secret_file(&folder, name), public_file(name)] {
            ensure!(
                !holds_key(&there),
                "{} holds a key already: programs that are out believe it; move it away first",
                there.display()
            );
        }
    }
    let mut make = fs::DirBuilder::new();
    make.recursive(true)
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    for name in NAMES {
        println!("a passphrase for the key `{name}`:");
        // It asks twice.
        let pair = KeyPair::generate_encrypted_keypair(None).context("no key was made")?;
        write_pair(&pair, name, &secret_file(&folder, name), &public_file(name))?;
    }
    println!(
        "secret halves: {}\nput a copy of both, and the passphrases apart from them, where a fire or \
         a thief does not find all; commit packaging/release-keys",
        folder.display()
    );
    Ok(())
}

fn write_pair(pair: &KeyPair, name: &str, secret: &Path, public: &Path) -> Result<()> {
    let text = pair.sk.to_box(Some("a key of Portlama's releases"))?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(secret)
        .with_context(|| format!("cannot create {}", secret.display()))?;
    file.write_all(text.into_string().as_bytes())?;
    file.sync_all()?;
    let text = format!(
        "untrusted comment: {name} key of Portlama's releases\n{}\n",
        pair.pk.to_base64()
    );
    fs::write(public, text).with_context(|| format!("cannot write {}", public.display()))
}

/// Beside the user's other settings.
fn secret_folder() -> Result<PathBuf> {
    let settings = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let settings = settings.or_else(|| Some(home?.join(".config")));
    let settings = settings.context("neither XDG_CONFIG_HOME nor HOME is set")?;
    Ok(settings.join("portlama/release-keys"))
}

fn secret_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.key"))
}

fn public_file(name: &str) -> PathBuf {
    packaging("release-keys").join(format!("{name}.pub"))
}

/// Whether there is more than a comment in a file.
fn holds_key(file: &Path) -> bool {
    fs::read_to_string(file).is_ok_and(|text| key_of(&text).is_some())
}

fn key_of(text: &str) -> Option<&str> {
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| !line.is_empty() && !line.starts_with("untrusted comment:"))
}

/// Who signs.
pub struct Signer {
    secret: SecretKey,
    public: PublicKey,
}

impl Signer {
    /// Opens the key in `file`, or the current one, by a passphrase that is asked for.
    pub fn ask(file: Option<&Path>) -> Result<Self> {
        let file = match file {
            Some(file) => file.to_owned(),
            None => secret_file(&secret_folder()?, NAMES[0]),
        };
        let cannot = || {
            format!(
                "cannot read {}: `cargo xtask dist --new-keys` makes one, --key FILE names another",
                file.display()
            )
        };
        let text = fs::read_to_string(&file).with_context(cannot)?;
        println!("the passphrase of {}:", file.display());
        let secret = SecretKeyBox::from_string(&text)?.into_secret_key(None);
        let signer = Self::of(secret.context("the key cannot be opened")?)?;
        let known = signer.known()?;
        ensure!(
            known.contains(&signer.public.to_base64()),
            "{} is the secret half of no key in packaging/release-keys: no program would believe \
             its signatures",
            file.display()
        );
        Ok(signer)
    }

    /// Opens a key without a passphrase, as tests have it.
    pub fn unprotected(text: &str) -> Result<Self> {
        Self::of(SecretKeyBox::from_string(text)?.into_unencrypted_secret_key()?)
    }

    fn of(secret: SecretKey) -> Result<Self> {
        let public = PublicKey::from_secret_key(&secret)?;
        Ok(Self { secret, public })
    }

    /// The keys that the released programs believe, the signer's among them.
    pub fn public_keys(&self) -> Result<Vec<String>> {
        let mut keys = self.known()?;
        let own = self.public.to_base64();
        if !keys.contains(&own) {
            keys.push(own);
        }
        Ok(keys)
    }

    fn known(&self) -> Result<Vec<String>> {
        let mut keys = vec![];
        for name in NAMES {
            let file = public_file(name);
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            keys.extend(key_of(&text).map(str::to_owned));
        }
        Ok(keys)
    }

    /// Writes the signature of a file beside it, with a comment that it covers.
    pub fn sign(&self, file: &Path, comment: &str) -> Result<()> {
        let data =
            fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        let untrusted = Some("signature of a Portlama release");
        let signed = minisign::sign(
            Some(&self.public),
            &self.secret,
            data,
            Some(comment),
            untrusted,
        )?;
        let signature = signature_of(file);
        fs::write(&signature, signed.into_string())
            .with_context(|| format!("cannot write {}", signature.display()))
    }

    /// Whether the signature beside a file holds for these octets.
    pub fn holds(&self, file: &Path, octets: &[u8]) -> Result<bool> {
        let signature = minisign::SignatureBox::from_file(signature_of(file))?;
        if !signature.is_prehashed() {
            bail!("the signature of {} is of the old kind", file.display());
        }
        let data = std::io::Cursor::new(octets);
        Ok(minisign::verify(&self.public, &signature, data, true, false, false).is_ok())
    }
}

fn signature_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".minisig");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_a_comment_alone_holds_no_key() {
        assert_eq!(key_of("untrusted comment: no key yet\n"), None);
        assert_eq!(key_of("untrusted comment: x\n RWQabc \n"), Some("RWQabc"));
    }

    #[test]
    fn a_pair_is_written_closed_to_others_and_never_over_another() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = std::env::temp_dir().join(format!("portlama-keys-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let (secret, public) = (folder.join("s"), folder.join("p"));
        let pair = KeyPair::generate_encrypted_keypair(Some("a passphrase".to_owned()));
        let pair = pair.expect("a pair");
        write_pair(&pair, "current", &secret, &public).expect("written");
        let mode = fs::metadata(&secret).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(write_pair(&pair, "current", &secret, &public).is_err());

        let text = fs::read_to_string(&secret).expect("a text");
        let opened = SecretKeyBox::from_string(&text).expect("a box");
        let opened = opened.into_secret_key(Some("a passphrase".to_owned()));
        let signer = Signer::of(opened.expect("the key")).expect("a signer");
        let file = folder.join("release");
        fs::write(&file, b"the program").expect("written");
        signer.sign(&file, "a comment").expect("signed");
        assert!(signer.holds(&file, b"the program").expect("read"));
        assert!(!signer.holds(&file, b"the Program").expect("read"));
        fs::remove_dir_all(folder).expect("removed");
    }
}
