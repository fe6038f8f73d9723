use serde_json::json;
use vivaz::ErrorCode;

use super::server;

#[tokio::test]
async fn of_two_visitors_one_gets_the_seat() {
    let server = server().await;
    let (ada, bob) = (server.page_as("ada", "Ada"), server.page_as("bob", "Bob"));
    let one = ada.mount_open("seats", json!({})).await.unwrap();
    let two = bob.mount_open("seats", json!({})).await.unwrap();
    let wish = one.call("choose", ("A1", true));
    let other = two.call("choose", ("A1", true));
    let (wish, other) = (wish.await, other.await);
    assert!(wish.is_ok() != other.is_ok(), "{wish:?} {other:?}");
    let refusal = wish.err().or(other.err()).unwrap();
    assert_eq!((refusal.code, &*refusal.message), (ErrorCode::ActionFailed, "Another visitor was faster."));
    ada.settled().await;
    bob.settled().await;
    assert_eq!(one.state()["hall"], two.state()["hall"]);
    assert_eq!(one.state()["hall"]["free"], 47);
    // The booking is on disk, not only in the memory of a stopped process.
    let holder = one.state()["hall"]["seats"][0]["holder"].clone();
    server.crash();
    ada.settled().await;
    assert_eq!(one.state()["hall"]["seats"][0]["holder"], holder);
}
