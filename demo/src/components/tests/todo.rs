use serde_json::json;
use vivaz::ErrorCode;
use vivaz::testing::{Page, View};

use super::server;

const NEW: &str = ".add input";

async fn todo(page: &Page) -> View {
    page.mount_open("todo", json!({})).await.unwrap()
}

async fn add(todo: &View, text: &str) {
    todo.input(NEW, text).await.unwrap();
    todo.submit(NEW).await.unwrap();
}

#[tokio::test]
async fn changes_of_items_reach_all_pages() {
    let server = server().await;
    let (ada, bob) = (server.page(), server.page());
    let (one, two) = (todo(&ada).await, todo(&bob).await);
    for text in ["milk", "bread", "tea"] {
        add(&one, text).await;
    }
    assert_eq!(one.value(NEW), "");
    one.check("[aria-label='Done: bread']").await.unwrap();
    one.click("[aria-label='Up: tea']").await.unwrap();
    one.click("[aria-label='Rename: milk']").await.unwrap();
    one.fill("[aria-label='New text']", "oat milk").await.unwrap();
    one.press("[aria-label='New text']", "Enter").await.unwrap();
    bob.settled().await;
    assert_eq!(two.texts(".text"), ["oat milk", "tea", "bread"]);
    assert_eq!(two.texts(".done .text"), ["bread"]);
    two.click("[aria-label='Remove: tea']").await.unwrap();
    two.click(".last").await.unwrap();
    ada.settled().await;
    assert_eq!(one.texts(".text"), ["oat milk"]);
}

#[tokio::test]
async fn each_page_has_its_own_filter() {
    let server = server().await;
    let (ada, bob) = (server.page(), server.page());
    let (one, two) = (todo(&ada).await, todo(&bob).await);
    add(&one, "milk").await;
    one.click(".filters button:nth-child(3)").await.unwrap();
    bob.settled().await;
    assert!(!one.shows(".items li") && two.shows(".items li"));
    two.check("[aria-label='Done: milk']").await.unwrap();
    ada.settled().await;
    assert!(one.shows(".items li"));
}

#[tokio::test]
async fn invalid_changes_are_refused() {
    let page = server().await.page();
    let list = todo(&page).await;
    // The input is `required`, so the page does not submit it.
    list.submit(NEW).await.unwrap();
    let refusal = list.call("add_todo", [""]).await.unwrap_err();
    assert_eq!((refusal.code, refusal.errors("text").len()), (ErrorCode::Invalid, 1));
    assert_eq!(list.call("add_todo", ["x".repeat(81)]).await.unwrap_err().code, ErrorCode::Invalid);
    for (action, arguments) in [("toggle", json!([7])), ("remove", json!([7])), ("move_to", json!([7, 0]))] {
        let refusal = list.call(action, arguments).await.unwrap_err();
        assert_eq!(
            (refusal.code, &*refusal.message),
            (ErrorCode::ActionFailed, "Another visitor has removed this item.")
        );
    }
    assert_eq!(list.call("move_to", (1, -1)).await.unwrap_err().code, ErrorCode::BadArguments);
    assert_eq!(list.count(".items li"), 0);
}
