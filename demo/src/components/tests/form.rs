use serde_json::json;
use vivaz::ErrorCode;
use vivaz::testing::View;

use super::server;
use crate::components::form::{Form, FormProps};

async fn form() -> View {
    server().await.page().mount::<Form>(FormProps {}).await.unwrap()
}

#[tokio::test]
async fn a_field_is_validated_when_it_is_left() {
    let form = form().await;
    form.fill("#form-email", "nonsense").await.unwrap();
    assert_eq!(form.count("#form-email-errors p"), 1);
    assert_eq!(form.attribute("#form-email", "aria-invalid").as_deref(), Some("true"));
    assert_eq!(form.count("#form-name-errors p"), 0);
    form.fill("#form-email", "ada@example.org").await.unwrap();
    assert_eq!(form.count("#form-email-errors p"), 0);
}

#[tokio::test]
async fn a_valid_form_is_saved_once_and_cleared() {
    let form = form().await;
    let refusal = form.submit("form").await.unwrap_err();
    assert_eq!((refusal.code, refusal.errors("agree").len()), (ErrorCode::Invalid, 1));
    form.fill("#form-name", "Ada").await.unwrap();
    form.fill("#form-email", "ada@example.org").await.unwrap();
    form.fill("#form-age", "36").await.unwrap();
    form.check("[name=agree]").await.unwrap();
    form.page().network().duplicate();
    form.click("button").await.unwrap();
    assert_eq!(form.texts(".saved li"), ["Adaada@example.org36"]);
    assert_eq!((form.value("#form-name"), form.value("[name=agree]")), (String::new(), "false".into()));
    assert_eq!(form.count(".errors p"), 0);
}

#[tokio::test]
async fn values_survive_a_disconnection_and_wrong_types_are_refused() {
    let form = form().await;
    form.fill("#form-name", "Ada").await.unwrap();
    form.page().network().drop();
    form.page().settled().await;
    assert_eq!((form.value("#form-name"), form.page().sessions()), ("Ada".into(), 1));
    assert_eq!(form.set("age", "old").await.unwrap_err().code, ErrorCode::BadValue);
    assert_eq!(form.set("saved", json!([])).await.unwrap_err().code, ErrorCode::ReadOnlyProperty);
}
