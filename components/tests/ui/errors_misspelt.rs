use vivaz_components::{Context, Errors, LiveComponent, LiveState, Result, actions};

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Address { city: String }

#[derive(LiveComponent, Clone)]
#[live(inline = r#"
    <p live:for="e in errors.titel" live:key="e">{{ e }}</p>
    <p live:if="errors['bodi']" live:class:bad="errors.contains('titel')">{{ errors.titel.len() }}</p>
    <p live:if="errors.title || errors.body || errors.city || errors.form || errors['address.city']">x</p>
    <p live:if="errors.is_empty() || errors['items.' + title]">{{ errors.len() }}</p>
"#)]
struct Page {
    title: String,
    address: Address,
    #[live(errors)]
    errors: Errors,
}

#[actions]
impl Page {
    #[action]
    fn save(&mut self, body: String, _cx: &mut Context) -> Result<()> {
        if body.is_empty() {
            return Err(Errors::of("form", "Fill it in.").into());
        }
        Ok(())
    }
}

// An argument of any shape, and errors of any name, may have this name.
#[derive(LiveComponent, Clone)]
#[live(name = "open", inline = "<p live:if='errors.titel'>x</p>")]
struct Open {
    #[live(errors)]
    errors: Errors,
}

#[actions]
impl Open {
    #[action]
    fn save(&mut self, _form: serde_json::Value) {}
}

#[derive(LiveComponent, Clone)]
#[live(name = "any", inline = "<p live:if='errors.titel'>x</p>")]
struct Any {
    #[live(errors, opaque)]
    errors: Errors,
}

fn main() {}
