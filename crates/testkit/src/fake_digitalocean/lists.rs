//! Account, regions, sizes, and how lists are paged.

use serde_json::{Value, json};

use super::tokens::{ScopeHeader, TokenSpec, demand};
use super::world::{Answer, Refusal, World, json_answer};

/// Entries on a page unless it is said, and at most.
const PAGE: usize = 20;
const MAX_PAGE: usize = 200;

const SIZES: &[&str] = &["s-1vcpu-512mb-10gb", "s-1vcpu-1gb", "s-2vcpu-2gb"];
/// Name, whether it takes machines, and whether it offers the smallest size.
const REGIONS: &[(&str, &str, bool, bool)] = &[
    ("nyc1", "New York 1", true, true),
    ("nyc2", "New York 2", false, true),
    ("nyc3", "New York 3", true, true),
    ("sfo3", "San Francisco 3", true, true),
    ("ams3", "Amsterdam 3", true, true),
    ("sgp1", "Singapore 1", true, true),
    ("lon1", "London 1", true, true),
    ("fra1", "Frankfurt 1", true, true),
    ("tor1", "Toronto 1", true, true),
    ("blr1", "Bangalore 1", true, true),
    ("syd1", "Sydney 1", true, true),
    ("atl1", "Atlanta 1", true, false),
];

impl World {
    pub(super) fn account(&self, token: &TokenSpec) -> Result<Answer, Refusal> {
        demand(token, &["account:read"])?;
        let mut account = json!({
            "floating_ip_limit": 5,
            "reserved_ip_limit": 5,
            "volume_limit": 10,
            "email": token.email,
            "name": "Owner",
            "uuid": "b6fr89dbf6d9156cace5f3c78dc9851d957381ef",
            "email_verified": true,
            "status": token.status,
            "status_message": match token.status.as_str() {
                "active" => "",
                _ => "Please update your payment method.",
            },
            "team": {"uuid": "5df3e3004a17e242b7c20ca6c9fc25b701a47ece", "name": "My Team"},
        });
        if token.may("droplet:read") {
            account["droplet_limit"] = token.droplet_limit.into();
        }
        let mut answer = json_answer(200, &json!({ "account": account }));
        let scopes = match self.scope_header {
            ScopeHeader::Absent => return Ok(answer),
            ScopeHeader::Commas => token.scopes.join(","),
            ScopeHeader::BlanksTwice => {
                let twice: Vec<_> = token.scopes.iter().chain(&token.scopes).cloned().collect();
                twice.join(" ")
            }
        };
        let scopes = scopes.parse().expect("a header");
        answer.headers_mut().insert("x-oauth-scopes", scopes);
        Ok(answer)
    }

    pub(super) fn token_info(&self, token: &TokenSpec) -> Answer {
        json_answer(
            200,
            &json!({
                "resource_owner_id": 1_048_576,
                "scopes": token.scopes,
                "expires_in_seconds": token.expires_in,
                "application": {"uid": null},
                "created_at": 1_760_000_000,
            }),
        )
    }

    pub(super) fn list_regions(&self, token: &TokenSpec, query: &str) -> Result<Answer, Refusal> {
        demand(token, &["regions:read"])?;
        let usual = REGIONS.iter().map(|(slug, name, available, offers)| {
            let sizes = if *offers { SIZES } else { &SIZES[1..] };
            region(slug, name, *available, sizes)
        });
        let further = (0..self.further_regions)
            .map(|n| region(&format!("far{n}"), &format!("Far away {n:03}"), true, SIZES));
        let mut regions: Vec<_> = usual.chain(further).collect();
        if !token.may("sizes:read") {
            for region in &mut regions {
                region["sizes"] = json!([]);
            }
        }
        Ok(self.page("regions", "/v2/regions", regions, query))
    }

    pub(super) fn list_sizes(&self, token: &TokenSpec, query: &str) -> Result<Answer, Refusal> {
        demand(token, &["sizes:read", "regions:read"])?;
        let shown = SIZES.iter().enumerate().map(|(n, slug)| size(n, slug));
        Ok(self.page("sizes", "/v2/sizes", shown.collect(), query))
    }

    pub(super) fn list_tags(&self, token: &TokenSpec, query: &str) -> Result<Answer, Refusal> {
        demand(token, &["tag:read"])?;
        let shown = self
            .tags
            .iter()
            .map(|tag| json!({"name": tag, "resources": {"count": 0, "droplets": {"count": 0}}}));
        Ok(self.page("tags", "/v2/tags", shown.collect(), query))
    }

    /// A page of a list, with its links and the sum.
    pub(super) fn page(
        &self,
        member: &str,
        path: &str,
        entries: Vec<Value>,
        query: &str,
    ) -> Answer {
        let number = |name: &str| query_value(query, name).and_then(|text| text.parse().ok());
        let size = number("per_page").unwrap_or(PAGE).clamp(1, MAX_PAGE);
        let page = number("page").unwrap_or(1).max(1);
        let total = entries.len();
        let last = total.div_ceil(size).max(1);
        let on_page: Vec<_> = entries
            .into_iter()
            .skip((page - 1) * size)
            .take(size)
            .collect();
        let link = |page: usize| format!("{}{path}?page={page}&per_page={size}", self.base);
        let mut pages = serde_json::Map::new();
        if page > 1 {
            pages.insert("first".to_owned(), link(1).into());
            pages.insert("prev".to_owned(), link(page - 1).into());
        }
        if page < last {
            pages.insert("next".to_owned(), link(page + 1).into());
            pages.insert("last".to_owned(), link(last).into());
        }
        let links = match pages.is_empty() {
            true => json!({}),
            false => json!({ "pages": pages }),
        };
        json_answer(
            200,
            &json!({ member: on_page, "links": links, "meta": {"total": total} }),
        )
    }
}

pub(super) fn region(slug: &str, name: &str, available: bool, sizes: &[&str]) -> Value {
    json!({
        "slug": slug,
        "name": name,
        "available": available,
        "features": ["backups", "ipv6", "metadata", "install_agent"],
        "sizes": sizes,
    })
}

/// Whether a region takes machines of a size; `None` when there is no such region.
pub(super) fn region_offers(slug: &str, size: &str) -> Option<bool> {
    if slug.starts_with("far") {
        return Some(true);
    }
    let found = REGIONS.iter().find(|(own, ..)| *own == slug)?;
    Some(found.2 && (found.3 || size != SIZES[0]))
}

pub(super) fn known_region(slug: &str) -> Value {
    let name = REGIONS.iter().find(|(own, ..)| *own == slug);
    region(slug, name.map_or("Far away", |found| found.1), true, SIZES)
}

pub(super) fn known_size(slug: &str) -> Option<Value> {
    let place = SIZES.iter().position(|own| *own == slug)?;
    Some(size(place, slug))
}

fn size(place: usize, slug: &str) -> Value {
    let (memory, vcpus, disk, transfer, price) = [
        (512, 1, 10, 0.5, 4.0),
        (1024, 1, 25, 1.0, 6.0),
        (2048, 2, 60, 3.0, 18.0),
    ][place];
    json!({
        "slug": slug,
        "memory": memory,
        "vcpus": vcpus,
        "disk": disk,
        "transfer": transfer,
        "price_monthly": price,
        "price_hourly": price / 672.0,
        "regions": ["nyc1", "nyc3", "sfo3", "ams3", "sgp1", "lon1", "fra1", "tor1", "blr1", "syd1"],
        "available": true,
        "description": "Basic",
    })
}

pub(super) fn query_value(query: &str, name: &str) -> Option<String> {
    let pair = query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then(|| value.to_owned())
    });
    pair.map(|value| value.replace("%3A", ":").replace("%3a", ":"))
}
