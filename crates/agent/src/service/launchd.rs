//! launchd, as a person's own agent (launchd.plist(5), launchctl(1)).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use portlama_model::AgentLabel;

use super::{CannotStand, Order, Said, Service, ServiceManager, ServiceState, text_of};

/// How often a service is handed to launchd, which may still be busy with its predecessor.
const BOOTSTRAP_TRIES: u8 = 10;

/// The launchd of a person who is signed in on the screen.
#[derive(Debug, Clone)]
pub struct Launchd {
    jobs: PathBuf,
    domain: String,
}

impl Launchd {
    /// Of the person with this home directory and number.
    #[must_use]
    pub fn of_person(home: &Path, uid: u32) -> Self {
        Self {
            jobs: home.join("Library/LaunchAgents"),
            domain: format!("gui/{uid}"),
        }
    }

    fn target(&self, label: &AgentLabel) -> String {
        format!("{}/{}", self.domain, self.unit(label))
    }
}

impl ServiceManager for Launchd {
    fn name(&self) -> &'static str {
        "launchd"
    }

    fn unit(&self, label: &AgentLabel) -> String {
        format!("com.portlama.agent-{label}")
    }

    fn file(&self, label: &AgentLabel) -> PathBuf {
        self.jobs.join(format!("{}.plist", self.unit(label)))
    }

    fn render(&self, service: &Service) -> Result<String, CannotStand> {
        // launchd turns no log over, so the agent writes its own, and what is left for launchd is
        // the last word of a program that broke.
        let mut arguments = String::new();
        for word in service.command(&["--log-to", "files"])? {
            arguments += &argument(&word);
        }
        // Writing to a string cannot fail.
        let mut variables = String::new();
        let path = ("PATH", "/usr/local/bin:/usr/bin:/bin");
        for (name, value) in std::iter::once(path).chain(service.variables()?) {
            let _ = writeln!(variables, "    <key>{}</key>", escaped(name));
            let _ = writeln!(variables, "    <string>{}</string>", escaped(value));
        }
        let agent = service.home.join("agents").join(service.label.as_str());
        let errors = text_of("the path of the agents' directory", &agent)? + "/agent.error.log";
        Ok(format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{label}</string>
  <key>ProgramArguments</key>
  <array>
{arguments}  </array>
  <key>EnvironmentVariables</key>
  <dict>
{variables}  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <true/>
  <key>StandardOutPath</key>
  <string>/dev/null</string>
  <key>StandardErrorPath</key>
  <string>{errors}</string>
  <key>Umask</key>
  <integer>63</integer>
</dict>
</plist>
"#,
            label = escaped(&self.unit(&service.label)),
            errors = escaped(&errors),
        ))
    }

    fn marks(&self, home: &Path) -> Result<Vec<String>, CannotStand> {
        let home = text_of("the path of the agents' directory", home)?;
        Ok(vec![argument("--home") + &argument(&home)])
    }

    fn load(&self, label: &AgentLabel) -> Vec<Order> {
        let file = self.file(label).to_string_lossy().into_owned();
        vec![
            // None is loaded the first time.
            Order::new("launchctl", ["bootout", &self.target(label)]).may_fail(),
            // Somebody may have disabled it long ago.
            Order::new("launchctl", ["enable", &self.target(label)]),
            Order::new("launchctl", ["bootstrap", &self.domain, &file]).tries(BOOTSTRAP_TRIES),
        ]
    }

    fn restart(&self, label: &AgentLabel) -> Vec<Order> {
        vec![Order::new(
            "launchctl",
            ["kickstart", "-k", &self.target(label)],
        )]
    }

    fn unload(&self, label: &AgentLabel) -> Vec<Order> {
        vec![Order::new("launchctl", ["bootout", &self.target(label)]).may_fail()]
    }

    fn forget(&self, _label: &AgentLabel) -> Vec<Order> {
        Vec::new()
    }

    fn ask(&self, label: &AgentLabel) -> Order {
        Order::new("launchctl", ["print", &self.target(label)])
    }

    fn state(&self, answer: &Said) -> ServiceState {
        if !answer.success {
            return ServiceState {
                words: "not loaded".to_owned(),
                ..ServiceState::default()
            };
        }
        // The first of a name is the service's own; what it is made of follows, deeper.
        let value = |name: &str| {
            let mut pairs = answer
                .stdout
                .lines()
                .filter_map(|line| line.split_once(" = "));
            pairs
                .find(|(known, _)| known.trim() == name)
                .map(|(_, value)| value.trim())
        };
        let words = value("state").unwrap_or("loaded");
        ServiceState {
            loaded: true,
            enabled: true,
            running: words == "running",
            pid: value("pid").and_then(|pid| pid.parse().ok()),
            words: words.to_owned(),
        }
    }

    fn journal(&self, _label: &AgentLabel) -> Option<Vec<String>> {
        None
    }
}

/// One word of the program's, on a line of its own.
fn argument(word: &str) -> String {
    format!("    <string>{}</string>\n", escaped(word))
}

/// Text in XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `launchctl print` of macOS 14 says, shortened.
    const RUNNING: &str = "\
gui/501/com.portlama.agent-attic = {
\tactive count = 1
\tpath = /Users/mira/Library/LaunchAgents/com.portlama.agent-attic.plist
\ttype = LaunchAgent
\tstate = running

\tprogram = /usr/local/bin/portlama
\tpid = 4711
\timmediate reason = speculative
\tspawn role = (null)

\tendpoints = {
\t\t\"other\" = {
\t\t\tstate = active
\t\t\tpid = 1
\t\t}
\t}
}
";

    #[test]
    fn a_running_job_is_read_with_its_process() {
        let launchd = Launchd::of_person(Path::new("/Users/mira"), 501);
        let mut said = Said {
            success: true,
            stdout: RUNNING.to_owned(),
            stderr: String::new(),
        };
        let state = launchd.state(&said);
        assert!(state.loaded && state.running, "{state:?}");
        assert_eq!(state.pid, Some(4711));
        said.stdout = RUNNING.replace("= running", "= spawn scheduled");
        let state = launchd.state(&said);
        assert!(state.loaded && !state.running, "{state:?}");
        said.success = false;
        assert!(!launchd.state(&said).loaded);
    }

    #[test]
    fn a_job_is_loaded_by_the_modern_verbs() {
        let launchd = Launchd::of_person(Path::new("/Users/mira"), 501);
        let label = "attic".parse().expect("valid");
        let verbs: Vec<_> = launchd
            .load(&label)
            .iter()
            .map(|order| order.arguments.join(" "))
            .collect();
        assert_eq!(
            verbs,
            [
                "bootout gui/501/com.portlama.agent-attic",
                "enable gui/501/com.portlama.agent-attic",
                "bootstrap gui/501 /Users/mira/Library/LaunchAgents/com.portlama.agent-attic.plist",
            ]
        );
        let again = launchd.restart(&label);
        assert_eq!(
            again[0].arguments,
            ["kickstart", "-k", "gui/501/com.portlama.agent-attic"]
        );
    }
}
