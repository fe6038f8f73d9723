use serde_json::json;
use vivaz::ErrorCode;

use super::server;

#[tokio::test]
async fn rows_keep_their_order_across_disconnections() {
    let page = server().await.page();
    let rows = page.mount_open("rows", json!({})).await.unwrap();
    let ids = || rows.texts("tr td:first-child");
    rows.call("create", [4]).await.unwrap();
    page.network().drop();
    rows.click("[aria-label='Remove row 2']").await.unwrap();
    rows.call("append", [2]).await.unwrap();
    page.network().drop();
    rows.call("prepend", [1]).await.unwrap();
    assert_eq!(ids(), ["7", "1", "3", "4", "5", "6"]);
    rows.call("swap", ()).await.unwrap();
    rows.call("reverse", ()).await.unwrap();
    page.network().drop();
    page.settled().await;
    assert_eq!(ids(), ["6", "1", "4", "3", "5", "7"]);
    rows.click("tr:nth-child(2) .pick").await.unwrap();
    assert_eq!(rows.text("tr.selected td:first-child"), "1");
    assert_eq!(rows.text(".tally"), "6 rows");
}

#[tokio::test]
async fn too_many_rows_are_refused() {
    let page = server().await.page();
    let rows = page.mount_open("rows", json!({})).await.unwrap();
    let refusal = rows.call("create", [20_001]).await.unwrap_err();
    assert_eq!((refusal.code, refusal.errors("n").len()), (ErrorCode::Invalid, 1));
    assert_eq!(rows.state()["rows"], json!([]));
}
