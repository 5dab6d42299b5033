//! The launchd job that keeps an agent of a Mac connected.

use std::fmt::Write as _;

use portlama_api::PlistInstructions;
use portlama_model::AgentLabel;

/// Where the program lies on a Mac, wherever it came from.
const PROGRAM: &str = "/usr/local/bin/portlama";
/// Where the job's output goes: launchd expands no `~`.
const LOG_FOLDER: &str = "/usr/local/var/log";

/// A launchd job.
pub(crate) struct MacPlist {
    /// `com.portlama.agent`, with the agent's label behind it where there is one.
    name: String,
    agent: Option<AgentLabel>,
}

impl MacPlist {
    /// The job of an agent, or of whichever agent is the current one of a machine.
    pub(crate) fn of(agent: Option<&AgentLabel>) -> Self {
        let name = match agent {
            Some(label) => format!("com.portlama.agent-{label}"),
            None => "com.portlama.agent".to_owned(),
        };
        Self {
            name,
            agent: agent.cloned(),
        }
    }

    /// The name of its file.
    pub(crate) fn file_name(&self) -> String {
        format!("{}.plist", self.name)
    }

    /// The property list.
    pub(crate) fn xml(&self) -> String {
        let mut program = vec![PROGRAM, "agent", "run"];
        if let Some(label) = &self.agent {
            program.extend(["--label", label.as_str()]);
        }
        let mut arguments = String::new();
        for argument in program {
            // Writing to a string cannot fail.
            let _ = writeln!(arguments, "    <string>{}</string>", escaped(argument));
        }
        let name = escaped(&self.name);
        let log = escaped(&self.log());
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{name}</string>
  <key>ProgramArguments</key>
  <array>
{arguments}  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <true/>
  <key>StandardOutPath</key>
  <string>{log}.log</string>
  <key>StandardErrorPath</key>
  <string>{log}.error.log</string>
  <key>EnvironmentVariables</key>
  <dict>
    <key>PATH</key>
    <string>/usr/local/bin:/usr/bin:/bin</string>
  </dict>
</dict>
</plist>
"#
        )
    }

    /// What a person does with it.
    pub(crate) fn instructions(&self) -> PlistInstructions {
        let (name, file, log) = (&self.name, self.file_name(), self.log());
        PlistInstructions {
            prerequisite: format!(
                "Install the program as {PROGRAM}, enrol this Mac with `portlama agent setup`, and run \
                 `sudo install -d -o \"$USER\" {LOG_FOLDER}` once"
            ),
            download: format!("Save the property list as ~/Library/LaunchAgents/{file}"),
            install: format!("launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/{file}"),
            uninstall: format!(
                "launchctl bootout gui/$(id -u)/{name} && rm ~/Library/LaunchAgents/{file}"
            ),
            logs: format!("tail -f {log}.log {log}.error.log"),
            status: format!("launchctl print gui/$(id -u)/{name}"),
        }
    }

    fn log(&self) -> String {
        let job = self.name.strip_prefix("com.portlama.");
        format!("{LOG_FOLDER}/portlama-{}", job.unwrap_or(&self.name))
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_takes_for_its_own_is_escaped() {
        assert_eq!(escaped("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&apos;");
    }

    #[test]
    fn the_job_keeps_the_agent_running() {
        let label = "attic".parse().expect("a label");
        let xml = MacPlist::of(Some(&label)).xml();
        for line in [
            "<string>com.portlama.agent-attic</string>",
            "<string>/usr/local/bin/portlama</string>\n    <string>agent</string>\n    <string>run</string>\n    <string>--label</string>\n    <string>attic</string>",
            "<key>KeepAlive</key>\n  <true/>",
            "<key>RunAtLoad</key>\n  <true/>",
        ] {
            assert!(xml.contains(line), "{line} in {xml}");
        }
        assert!(!MacPlist::of(None).xml().contains("--label"));
    }
}
