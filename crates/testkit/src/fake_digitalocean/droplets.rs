//! Droplets, from their creation to their end.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::lists::{known_region, known_size, query_value, region_offers};
use super::tokens::{TokenSpec, demand};
use super::world::{Answer, Refusal, World, json_answer, not_found, plain, unprocessable};

const IMAGE: &str = "ubuntu-24-04-x64";

/// How droplets live.
#[derive(Debug, Clone)]
pub struct Life {
    /// Looks at a droplet until it is active.
    pub looks_until_active: u32,
    /// Looks more until it has its public address, the private one being there before.
    pub looks_until_address: u32,
    /// Whether it never gets active.
    pub never_active: bool,
    /// Whether it powers itself off instead.
    pub turns_off: bool,
    /// Deletions that are answered by "pending event" first.
    pub pending_events: u32,
    /// Lists that still show a deleted droplet.
    pub slow_deletion: u32,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            looks_until_active: 2,
            looks_until_address: 1,
            never_active: false,
            turns_off: false,
            pending_events: 0,
            slow_deletion: 0,
        }
    }
}

/// What a machine is born with.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The droplet's number.
    pub id: u64,
    /// Its host name.
    pub name: String,
    /// Where it stands.
    pub region: String,
    /// Whose keys open it, in the form of `authorized_keys`.
    pub keys: Vec<String>,
    /// What cloud-init reads.
    pub user_data: String,
}

#[derive(Debug, Clone)]
pub(super) struct Droplet {
    pub(super) machine: Machine,
    size: String,
    tags: Vec<String>,
    address: Ipv4Addr,
    looks: u32,
    pending_events: u32,
    life: Life,
}

impl Droplet {
    fn status(&self) -> &'static str {
        match self.looks > self.life.looks_until_active {
            true if self.life.never_active => "new",
            true if self.life.turns_off => "off",
            true => "active",
            false => "new",
        }
    }

    fn shown(&self, token: &TokenSpec) -> Value {
        let network = |address: String, gateway: &str, kind: &str| json!({"ip_address": address, "netmask": "255.255.240.0", "gateway": gateway, "type": kind});
        let mut v4 = Vec::new();
        if self.looks > self.life.looks_until_active {
            v4.push(network("10.114.0.2".to_owned(), "10.114.0.1", "private"));
        }
        if self.looks > self.life.looks_until_active + self.life.looks_until_address {
            v4.push(network(self.address.to_string(), "198.51.96.1", "public"));
        }
        let tags = match token.may("tag:read") {
            true => self.tags.as_slice(),
            false => &[],
        };
        json!({
            "id": self.machine.id,
            "name": self.machine.name,
            "memory": 512,
            "vcpus": 1,
            "disk": 10,
            "disk_info": [],
            "locked": self.status() == "new",
            "status": self.status(),
            "kernel": null,
            "created_at": "2026-04-01T10:00:00Z",
            "features": [],
            "backup_ids": [],
            "next_backup_window": null,
            "snapshot_ids": [],
            "image": image(),
            "volume_ids": [],
            "size": known_size(&self.size),
            "size_slug": self.size,
            "networks": {"v4": v4, "v6": []},
            "region": known_region(&self.machine.region),
            "tags": tags,
            "vpc_uuid": "760e09ef-dc84-11e8-981e-3cfdfeaae000",
        })
    }
}

fn image() -> Value {
    json!({
        "id": 155_133_621,
        "name": "24.04 (LTS) x64",
        "distribution": "Ubuntu",
        "slug": IMAGE,
        "public": true,
        "regions": ["fra1"],
        "created_at": "2026-01-01T10:00:00Z",
        "min_disk_size": 7,
        "type": "base",
        "size_gigabytes": 0.7,
        "description": "Ubuntu 24.04 (LTS) x64",
        "tags": [],
        "status": "available",
    })
}

impl World {
    pub(super) fn create_droplet(
        &mut self,
        token: &TokenSpec,
        body: &Value,
    ) -> Result<Answer, Refusal> {
        demand(token, &["droplet:create"])?;
        let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
        let (name, region, size) = (text("name"), text("region"), text("size"));
        if !is_host_name(&name) {
            return Err(unprocessable(
                "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)",
            ));
        }
        match region_offers(&region, &size) {
            None => return Err(unprocessable("Region is not available")),
            Some(false) => return Err(unprocessable("Size is not available in this region.")),
            Some(true) => {}
        }
        if known_size(&size).is_none() {
            return Err(unprocessable(
                "You specified an invalid size for Droplet creation.",
            ));
        }
        if body["image"] != IMAGE || !token.may("image:read") {
            return Err(unprocessable(
                "You specified an invalid image for Droplet creation.",
            ));
        }
        let keys = self.keys_of(token, &body["ssh_keys"])?;
        let tags = tags_of(token, &body["tags"])?;
        let user_data = text("user_data");
        if user_data.len() > 64 * 1024 {
            return Err(unprocessable("User data is too long."));
        }
        if self.droplets.len() >= token.droplet_limit {
            return Err(unprocessable(
                "creating this/these droplet(s) will exceed your droplet limit",
            ));
        }
        let machine = Machine {
            id: self.new_id(),
            name,
            region,
            keys,
            user_data,
        };
        let number = u8::try_from(self.droplets.len() % 200).unwrap_or_default();
        let booted = self.boot.as_ref().and_then(|boot| boot(&machine));
        let droplet = Droplet {
            machine,
            size,
            address: booted.unwrap_or(Ipv4Addr::new(198, 51, 100, 7 + number)),
            looks: 0,
            pending_events: self.life.pending_events,
            life: self.life.clone(),
            tags: tags.clone(),
        };
        self.tags.extend(tags);
        let action = self.new_id();
        let shown = droplet.shown(token);
        let links = json!({"actions": [{
            "id": action,
            "rel": "create",
            "href": format!("{}/v2/actions/{action}", self.base),
        }]});
        self.droplets.push(droplet);
        Ok(json_answer(202, &json!({"droplet": shown, "links": links})))
    }

    fn keys_of(&self, token: &TokenSpec, ids: &Value) -> Result<Vec<String>, Refusal> {
        let unknown = || unprocessable("You specified invalid ssh key ids for Droplet creation.");
        let ids = ids.as_array().cloned().unwrap_or_default();
        if !ids.is_empty() && !token.may("ssh_key:read") {
            return Err(unknown());
        }
        let find = |id: &Value| {
            let id = id.as_u64().or_else(|| id.as_str()?.parse().ok());
            let key = self.keys.iter().find(|key| Some(key.id) == id);
            key.map(|key| key.public_key.clone()).ok_or_else(unknown)
        };
        ids.iter().map(find).collect()
    }

    /// One that somebody made before.
    pub(super) fn foreign_droplet(&mut self, name: &str, tags: &[&str]) -> u64 {
        let id = self.new_id();
        let machine = Machine {
            id,
            name: name.to_owned(),
            region: "fra1".to_owned(),
            keys: Vec::new(),
            user_data: String::new(),
        };
        self.droplets.push(Droplet {
            machine,
            size: "s-1vcpu-512mb-10gb".to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            address: Ipv4Addr::new(198, 51, 100, 200),
            looks: u32::MAX / 2,
            pending_events: 0,
            life: Life::default(),
        });
        id
    }

    pub(super) fn show_droplet(&mut self, token: &TokenSpec, id: &str) -> Result<Answer, Refusal> {
        demand(token, &["droplet:read"])?;
        let mut droplets = self.droplets.iter_mut();
        let droplet = droplets.find(|droplet| droplet.machine.id.to_string() == id);
        let droplet = droplet.ok_or_else(not_found)?;
        droplet.looks += 1;
        Ok(json_answer(200, &json!({"droplet": droplet.shown(token)})))
    }

    pub(super) fn list_droplets(
        &mut self,
        token: &TokenSpec,
        query: &str,
    ) -> Result<Answer, Refusal> {
        demand(token, &["droplet:read"])?;
        let tag = query_value(query, "tag_name");
        if tag.is_some() {
            demand(token, &["tag:read"])?;
        }
        let fits = |droplet: &&Droplet| {
            tag.as_ref()
                .is_none_or(|tag| droplet.tags.iter().any(|own| own == tag))
        };
        let going = self.going.iter().map(|(droplet, _)| droplet);
        let shown: Vec<_> = self
            .droplets
            .iter()
            .chain(going)
            .filter(fits)
            .map(|droplet| droplet.shown(token))
            .collect();
        self.going.iter_mut().for_each(|(_, lists)| *lists -= 1);
        self.going.retain(|(_, lists)| *lists > 0);
        Ok(self.page("droplets", "/v2/droplets", shown, query))
    }

    pub(super) fn delete_droplet(
        &mut self,
        token: &TokenSpec,
        id: &str,
    ) -> Result<Answer, Refusal> {
        demand(token, &["droplet:delete"])?;
        let place = self
            .droplets
            .iter()
            .position(|droplet| droplet.machine.id.to_string() == id)
            .ok_or_else(not_found)?;
        if self.droplets[place].pending_events > 0 {
            self.droplets[place].pending_events -= 1;
            return Err(unprocessable("Droplet already has a pending event"));
        }
        let droplet = self.droplets.remove(place);
        if let Some(unplug) = &self.unplug {
            unplug(droplet.machine.id);
        }
        let lists = droplet.life.slow_deletion;
        if lists > 0 {
            self.going.push((droplet, lists));
        }
        Ok(plain(204, String::new()))
    }
}

/// Tags that do not exist come into being.
fn tags_of(token: &TokenSpec, tags: &Value) -> Result<Vec<String>, Refusal> {
    let tags = tags.as_array().cloned().unwrap_or_default();
    if !tags.is_empty() {
        demand(token, &["tag:create"])?;
    }
    let is_tag = |text: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-:".contains(c);
        !text.is_empty() && text.len() <= 255 && text.chars().all(fits)
    };
    let read = |tag: &Value| match tag.as_str() {
        Some(text) if is_tag(text) => Ok(text.to_owned()),
        _ => Err(unprocessable("Tag name is invalid")),
    };
    tags.iter().map(read).collect()
}

/// `^[a-zA-Z0-9]?[a-z0-9A-Z.\-]*[a-z0-9A-Z]$`, 255 characters at most.
fn is_host_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let ends_well = name
        .chars()
        .last()
        .is_some_and(|c| c.is_ascii_alphanumeric());
    name.len() <= 255 && ends_well && name.chars().all(fits)
}
