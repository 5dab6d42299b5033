//! Where a server can stand.

use portlama_cloud::SIZE;
use portlama_cloud::latency::{SAMPLES, measure};
use portlama_cloud::region::{NoRegion, offering};
use portlama_testkit::fake_digitalocean::TokenSpec;
use tokio::net::TcpListener;

use crate::world::{TOKEN, fitting, world};

#[tokio::test]
async fn a_list_is_read_to_its_last_page() {
    let (fake, client) = fitting().await;
    fake.add_regions(230);
    let regions = client.regions().await.expect("regions");
    assert_eq!(regions.len(), 242);
    assert_eq!(fake.calls().len(), 3);
}

#[tokio::test]
async fn only_regions_that_take_the_size_are_left() {
    let (_fake, client) = fitting().await;
    let left = offering(client.regions().await.expect("regions"), SIZE).expect("some");
    let slugs: Vec<_> = left.iter().map(|region| region.slug.as_str()).collect();
    assert_eq!(slugs.len(), 10);
    assert!(!slugs.contains(&"nyc2") && !slugs.contains(&"atl1"));
}

#[tokio::test]
async fn without_the_scope_for_sizes_the_reason_is_said() {
    let (_fake, client) = world(TokenSpec::fitting(TOKEN).without("sizes:read")).await;
    let regions = client.regions().await.expect("regions");
    assert_eq!(offering(regions, SIZE), Err(NoRegion::SizesHidden));
}

/// One host answers, all others refuse: the region of the first stands first, measured.
#[tokio::test]
async fn regions_are_measured_and_those_that_do_not_answer_stay_in_the_list() {
    let (_fake, client) = fitting().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let open = listener.local_addr().expect("an address").port();
    let closed = {
        let unused = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        unused.local_addr().expect("an address").port()
    };
    let accepting = tokio::spawn(async move {
        for _ in 0..SAMPLES {
            let _ = listener.accept().await;
        }
    });
    let regions = offering(client.regions().await.expect("regions"), SIZE).expect("some");
    let ranked = measure(regions, |slug| {
        let is_near = slug.as_str() == "syd1";
        ("127.0.0.1".to_owned(), if is_near { open } else { closed })
    })
    .await;
    assert_eq!(ranked.len(), 10);
    assert_eq!(ranked[0].slug.as_str(), "syd1");
    assert!(ranked[0].latency_ms.is_some());
    assert!(ranked[1..].iter().all(|region| region.latency_ms.is_none()));
    assert!(ranked[1..].is_sorted_by_key(|region| region.name.clone()));
    accepting.await.expect("every sample came");
}
