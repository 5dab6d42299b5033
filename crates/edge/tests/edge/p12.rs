//! The files that carry certificate and key are good for other people's programs.

use std::io::Write as _;
use std::process::Command;

use portlama_control::{Farewell, Rotation};
use portlama_model::Secret;

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn curl_opens_the_panel_with_the_file_of_the_admin_or_of_an_agent() {
    let house = House::new().await;
    let farewell = Farewell::default();
    let rotated = house
        .control
        .rotate_admin(&house.admin, Rotation::AfterFirstUse, &farewell)
        .await
        .expect("rotated");
    let label = || "cellar".parse().expect("a label");
    let made = house
        .control
        .create_p12_agent(&house.admin, label(), vec![], vec![])
        .await
        .expect("made");
    let file = house.control.agent_p12(&label()).await.expect("a file");
    for (p12, password) in [
        (rotated.p12, rotated.p12_password),
        (file, made.p12_password),
    ] {
        match ask(&house, p12, &password).await {
            Some(answer) => assert!(answer.contains("presented=client"), "{answer}"),
            None => {
                let _ = writeln!(std::io::stderr(), "skipped: curl is not installed");
                return;
            }
        }
    }
    // The rotation has noticed the first use.
    house.control.settle_rotation().await;
    let panel = std::fs::read_to_string(house.state_dir().join("panel.json"));
    assert!(panel.expect("readable").contains("firstUsedAt"));
}

/// What curl gets from the panel on the bare address; `None` without curl.
async fn ask(house: &House, p12: Vec<u8>, password: &Secret) -> Option<String> {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("client.p12");
    std::fs::write(&path, p12).expect("written");
    // The password stands in a file: arguments are everybody's to read.
    let config = dir.path().join("curlrc");
    let line = format!("cert = \"{}:{}\"\n", path.display(), password.expose());
    std::fs::write(&config, line).expect("written");
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--insecure", "--max-time", "20"])
        .args(["--noproxy", "*", "--cert-type", "P12", "--config"])
        .arg(&config)
        .arg(format!("https://{}/", house.panel));
    let run = tokio::task::spawn_blocking(move || curl.output());
    let output = run.await.expect("no panic").ok()?;
    let (out, err) = (output.stdout, output.stderr);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&out),
        String::from_utf8_lossy(&err)
    );
    Some(text)
}
